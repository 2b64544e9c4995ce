import type { Migration } from './migration.js'
import type { RecordedStep } from './steps.js'

/** Rules of what is unsafe on a database that is in use. */
export type UnsafeRule =
  | 'column-dropped'
  | 'table-dropped'
  | 'column-renamed'
  | 'table-renamed'
  | 'type-changed'
  | 'not-null-unchecked'
  | 'volatile-default'
  | 'index-not-concurrent'
  | 'index-dropped-not-concurrently'
  | 'foreign-key-validated-at-once'
  | 'check-validated-at-once'
  | 'unique-constraint-at-once'
  | 'table-rebuilt'
  | 'rows-changed-at-once'
  | 'truncated'
  | 'enum-value-used-at-once'
  | 'constraint-dropped'
  | 'json-column'
  | 'locks-out'
  | 'foreign-keys-off-with-changes'
  | 'unknown-statement'

/** What was found in a plan before anything runs. */
export interface Finding {
  readonly rule: UnsafeRule
  readonly revision: string
  /** Index into the revision's steps. */
  readonly step: number
  /** `refuse` unless archived or assured; `warn` is only said. */
  readonly severity: 'refuse' | 'warn'
  /** What happens, to what, and what to do instead, in a few sentences. */
  readonly message: string
  /** Why the author says that it is all right. */
  readonly assured?: string
}

/** What goes lost, said before it happens. */
export interface Loss {
  readonly revision: string
  readonly table: string
  readonly column?: string
  /** Rows that hold something: other than the default, other than NULL. */
  readonly rows: number
  /** It was archived by the same revision. */
  readonly isArchived: boolean
}

/** One revision of a plan. */
export interface PlannedRevision {
  readonly migration: Migration
  readonly direction: 'up' | 'down'
  /** As the offline recording gives it. */
  readonly steps: readonly RecordedStep[]
  readonly checksum: string
}

/** What `up` or `down` would do, in order. */
export interface Plan {
  readonly direction: 'up' | 'down'
  readonly revisions: readonly PlannedRevision[]
  readonly findings: readonly Finding[]
  /** Known only with a database. */
  readonly losses: readonly Loss[]
}
