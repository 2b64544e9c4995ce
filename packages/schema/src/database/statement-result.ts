import type { Row } from '@drover/core'

/** What one statement gave. */
export interface StatementResult {
  readonly rows: readonly Row[]
  /** Rows changed, or given by a statement that reads. */
  readonly count: number
  /** SQLite: the rowid of the last row inserted. */
  readonly lastRowid?: number
}
