import type { MaybePromise } from '@drover/core'
import type { Condition } from './condition.js'
import type { MigrationContext } from './migration-context.js'
import type { UnsafeRule } from './plan.js'

/** The databases that migrations are for. */
export type Dialect = 'postgres' | 'sqlite'

/** There is no way back, and why: what `irreversible()` gives. */
export interface Irreversible {
  readonly irreversible: string
}

/** One versioned change of schema and data: what `defineMigration()` gives. A description; nothing happens before a migrator runs it. */
export interface Migration {
  /** Its identity in the journal, for good: `003_context_management`. */
  readonly id: string
  /** Revisions that must be applied before. Two or more merge branches. @default none: it is a root */
  readonly dependsOn?: string | readonly string[]
  /** What it does and why, in a sentence or a few. */
  readonly description?: string
  /** Code that was released before cannot work with the schema after it, so it needs a window. @default false */
  readonly breaking?: boolean
  /**
   * Code that does not know this revision works with it: an instance of an older release may start on a database that has it. @default the
   * opposite of `breaking`
   */
  readonly compatible?: boolean
  /** What people have to do besides, shown before and after it is applied: `run backfill_message_tokens`. */
  readonly actions?: readonly string[]
  /** Hold before it begins, in the same transaction. */
  readonly preconditions?: readonly Condition[]
  readonly up: (context: MigrationContext) => MaybePromise<void>
  /** Takes it back. Left out, it is irreversible. */
  readonly down?: ((context: MigrationContext) => MaybePromise<void>) | Irreversible
  /** Hold when it has been applied, in the same transaction: else nothing of it stays. */
  readonly postconditions?: readonly Condition[]
  /**
   * `one`: all of it and its note in the journal, or nothing. `none`: each statement stands for itself and is noted in the journal, for what
   * cannot be in a transaction. A revision that contains a backfill commits before it and behind it, and goes on there after a kill.
   *
   * @default 'one'
   */
  readonly transaction?: 'one' | 'none'
  /** Outside a transaction: its statements may be run again after an interruption of which nobody knows how far they came. @default false */
  readonly idempotent?: boolean
  /** Names of backfills that must have been finished on this database: for the revision that contracts. */
  readonly requires?: readonly string[]
  /** Why what looks unsafe is not, by rule: `{ 'index-not-concurrent': 'the table has 40 rows' }`. */
  readonly assured?: Readonly<Partial<Record<UnsafeRule, string>>>
  /** How long a statement may wait for a lock before the revision is rolled back and tried again, in milliseconds. PostgreSQL. @default 5000 */
  readonly lockTimeoutMs?: number
}
