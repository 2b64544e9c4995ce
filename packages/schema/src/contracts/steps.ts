import type { Operation, Row } from '@drover/core'
import type { StatementResult } from '../database/statement-result.js'
import type { MigrationBackfill } from './backfill.js'
import type { Catalog } from './catalog.js'
import type { Dialect } from './migration.js'

/**
 * What a revision did or would do, in order. Its checksum is made of this: of the calls of `schema`, and of the SQL of everything else. So a later
 * release may say a call in better SQL, and no revision looks edited.
 */
export type RecordedStep =
  | {
      readonly kind: 'sql'
      /** As the database gets it; without the semicolon. */
      readonly sql: string
      readonly values?: readonly unknown[]
      /** Runs outside a transaction: CREATE INDEX CONCURRENTLY. */
      readonly isOutside?: boolean
      /** What asked for it: `rebuildTable calls`. */
      readonly by?: string
      /** The call of `schema` that it belongs to, with all that it was given. */
      readonly call?: string
    }
  | { readonly kind: 'backfill'; readonly name: string; readonly table: string; readonly detail: string }
  /** What depends on the contents of the database, and cannot be said without it. */
  | { readonly kind: 'unseen'; readonly about: string; readonly by?: string; readonly call?: string }

/**
 * Where the statements of a revision go: to the database, or, for a preview, to paper. Helpers are functions of it, so that they can be
 * previewed, journaled, linted and gone on with after a kill, like everything else.
 */
export interface Steps extends Operation {
  readonly dialect: Dialect
  /** Of the server or the library: 150004, 3052000. A preview assumes 130000 and 3035000 unless it is told. */
  readonly version: number
  /** Nothing is there: statements are written down, and nothing can be read. */
  readonly isPreview: boolean
  /** Statements that write run in a transaction that ends with the revision; else each stands for itself. */
  readonly isInTransaction: boolean
  /** The revision's id, where it is one that asks. */
  readonly revision?: string
  /** SQLite: foreign keys are enforced at this moment. Helpers that drop a table to make it anew need them off. */
  readonly foreignKeys: 'on' | 'off'
  /** One statement that only reads. A preview gives no rows, and notes that the rest may depend on them unless the helper says what is unseen. */
  read(sql: string, values?: readonly unknown[]): Promise<readonly Row[]>
  /** One statement that writes: a step. Gives the number of rows changed; 0 in a preview, and when it was done before an interruption. */
  run(sql: string, options?: StepOptions): Promise<number>
  /** The schema at this moment; null in a preview that has none. */
  catalog(): Promise<Catalog | null>
  /** Says in a preview what cannot be said without the database. */
  unseen(about: string, by?: string, call?: string): void
  /**
   * For a helper whose statements follow from what it finds in the database: true if it was done, and committed, before an interruption. Then it
   * must not look again. Its own steps are to be repeatable, so that they may be absent when the revision is gone on with.
   *
   * @param what Says the helper and its options.
   */
  isDone(what: string): Promise<boolean>
  /** A backfill: what was written before it is committed, it runs batch by batch, and what comes behind it begins a new transaction. */
  backfill(backfill: MigrationBackfill): Promise<void>
  /** For the person: kept in the journal and told to the logger. */
  note(sentence: string): void
}

export interface StepOptions {
  readonly values?: readonly unknown[]
  readonly by?: string
  /** Set by `schema` for what belongs to one of its calls. */
  readonly call?: string
  /** It cannot be in a transaction. In a revision with `transaction: 'one'` this is refused, with the remedy. */
  readonly isOutside?: boolean
  /** Interrupted, it may be run again. @default as the revision says by `idempotent` */
  readonly isRepeatable?: boolean
  /** Is given the rows of RETURNING and the like. Not called in a preview, nor when the step was done before an interruption. */
  readonly onResult?: (result: StatementResult) => void
}
