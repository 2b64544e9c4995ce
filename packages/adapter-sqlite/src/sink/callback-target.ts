import { behindRows, type Outcome, type Page, type Row, type Source } from '@drover/core'
import type { SqliteConnection } from '../connection/sqlite-connection.js'
import { writeTransaction } from '../writer/write-turn.js'
import type { BatchTarget } from './batch-target.js'
import type { SqliteBatchSinkOptions } from './sqlite-batch-sink.js'

/** What the caller's own statements write into: `write` of a batch sink. */
export class CallbackTarget<R extends object> implements BatchTarget {
  readonly readBack?: () => Source

  constructor(
    private readonly connection: SqliteConnection,
    readonly where: string,
    private readonly writing: SqliteBatchSinkOptions<R>,
  ) {
    if (writing.readBack !== undefined) this.readBack = writing.readBack
  }

  async prepare(): Promise<void> {
    await writeTransaction(this.connection, () => this.writing.prepare(this.connection))
  }

  async ready(): Promise<{ readonly isAttached: boolean }> {
    return { isAttached: false }
  }

  async write(pages: readonly Page<Row>[], signal: AbortSignal): Promise<Outcome> {
    let [inserted, updated, skipped, rows] = [0, 0, 0, 0]
    for (const page of pages) {
      signal.throwIfAborted()
      const records = page.rows() as readonly object[] as readonly R[]
      if (records.length === 0) continue
      try {
        const outcome = await this.writing.write(records, this.connection, { signal })
        inserted += outcome.inserted
        updated += outcome.updated
        skipped += outcome.skipped
      } catch (error) {
        throw behindRows(error, rows)
      }
      rows += records.length
    }
    return { inserted, updated, skipped }
  }

  async isWorthCare(): Promise<boolean> {
    return false
  }

  async brokenKeys(): Promise<number> {
    return 0
  }

  async close(): Promise<void> {}
}
