import type { Logger, Operation } from '@drover/core'
import type { Knex } from 'knex'
import type { JournalEntry, JournalEvent } from './journal.js'
import type { Dialect, Migration } from './migration.js'
import type { Plan } from './plan.js'

/** Where the database is. */
export type SchemaLocation =
  /** `postgres://…`, `sqlite:…`, `file:…` or the path of a SQLite database. */
  | string
  /** The application's instance, for `pg`, `sqlite3` or `better-sqlite3`. It stays open. */
  | Knex
  /** A SQLite file with its options. */
  | { readonly filename: string; readonly driver?: 'better-sqlite3' | 'sqlite3'; readonly busyTimeoutMs?: number }
  /** A pool of pg, or a configuration. */
  | { readonly postgres: object }

export interface MigratorOptions {
  /** @default the variable DATABASE_URL */
  readonly connection?: SchemaLocation
  readonly migrations: readonly Migration[]
  /** What the names of the journal's tables begin with. @default 'drover_' */
  readonly tablePrefix?: string
  /** Who is noted in the journal. @default user@host:pid */
  readonly actor?: string
  readonly logger?: Logger
  /** How long a lease lasts if its holder is gone, in milliseconds. @default 30000 */
  readonly leaseMs?: number
  /** The folder of `backup: true`. @default 'backups' */
  readonly backups?: string
  /** A file of `recordBaseline`, which `verify` compares with if it is there. */
  readonly baseline?: string
}

/** Where to go: `head`, `heads`, a revision, its unambiguous beginning, `+2`, `-1`, `base`. */
export type Target = string

export interface UpOptions extends Partial<Operation> {
  /** @default 'head' */
  readonly to?: Target
  /** Find out and say what would be done. */
  readonly plan?: boolean
  /** Bear what the lint refuses, by rule; recorded. */
  readonly allow?: readonly string[]
  /** Back up before the first revision, to this folder or what is configured. */
  readonly backup?: string | boolean
  /** Verify behind the last one: conditions, counts, integrity, and the baseline if there is one. */
  readonly verify?: boolean
}

export interface DownOptions extends Partial<Operation> {
  /** No default: it is said what goes. */
  readonly to: Target
  readonly plan?: boolean
  /** Bear that what `losses` lists is lost. @default refuse */
  readonly acceptLoss?: boolean
  readonly backup?: string | boolean
}

/** What `up` and `down` did. */
export interface MigrationReport {
  readonly direction: 'up' | 'down'
  /** In order; empty: nothing to do. */
  readonly revisions: readonly {
    readonly id: string
    readonly durationMs: number
    readonly steps: number
    readonly actions: readonly string[]
    readonly notes: readonly string[]
  }[]
  readonly plan: Plan
  /** Where a backup was put. */
  readonly backup?: string
  readonly heads: readonly string[]
  readonly durationMs: number
}

export interface SchemaStatus {
  /** Applied revisions that no applied one depends on. */
  readonly current: readonly string[]
  readonly heads: readonly string[]
  readonly pending: readonly string[]
  /** In the journal and not in the code. */
  readonly unknown: readonly string[]
  /** Not at their end. */
  readonly interrupted: readonly string[]
}

export interface EnsureOptions extends Partial<Operation> {
  /** `apply` what is missing, `verify` that nothing is, or `wait` until another one has applied it. */
  readonly mode: 'apply' | 'verify' | 'wait'
  /** How long it may wait for others, in milliseconds. @default without end */
  readonly timeoutMs?: number
  /** What happens while another instance applies revisions: wait for it, or fail with `RUN_HELD`. @default 'wait' */
  readonly whenHeld?: 'wait' | 'fail'
}

export interface EnsureReport {
  /** `applied` by this instance; `waited` for another one; `nothing`: it was at head. */
  readonly status: 'applied' | 'waited' | 'nothing'
  readonly revisions: readonly string[]
  /** Revisions of a newer release, which are compatible. */
  readonly ahead: readonly string[]
}

export interface Migrator extends AsyncDisposable {
  readonly migrations: readonly Migration[]
  status(operation?: Partial<Operation>): Promise<SchemaStatus>
  history(operation?: Partial<Operation>): Promise<readonly (JournalEntry | Migration)[]>
  events(operation?: Partial<Operation>): Promise<readonly JournalEvent[]>
  up(options?: UpOptions): Promise<MigrationReport>
  down(options: DownOptions): Promise<MigrationReport>
  /** The plan without running it, with findings and losses. */
  plan(direction: 'up' | 'down', target?: Target, operation?: Partial<Operation>): Promise<Plan>
  /** Says that the database is at these revisions, without running anything. */
  stamp(target: Target, options?: Partial<Operation> & { readonly origin?: 'stamped' | 'baseline' }): Promise<void>
  /** Takes the journal of knex or Alembic over: which of our revisions each of theirs is, by `map`, or by equal names. */
  adopt(
    options: Partial<Operation> & {
      readonly from: 'knex' | 'alembic'
      readonly map?: Readonly<Record<string, string>>
      readonly table?: string
    },
  ): Promise<readonly string[]>
  /** Ends an interrupted revision: `applied`, `reverted`, or `retry` from the open step, as a person has found it to be. Or takes edited revisions' new checksums. */
  repair(
    revision: string,
    as: 'applied' | 'reverted' | 'retry' | 'accept-edit',
    operation?: Partial<Operation>,
  ): Promise<void>
  ensure(options: EnsureOptions): Promise<EnsureReport>
}

/** Preview of a range without a database. */
export interface PreviewOptions {
  readonly dialect: Dialect
  readonly migrations: readonly Migration[]
  /** `base:head`, `a:b`, or a target counted from base. */
  readonly range?: string
  /** @default 'up' */
  readonly direction?: 'up' | 'down'
  /** What the names of the journal's tables begin with. @default 'drover_' */
  readonly tablePrefix?: string
}
