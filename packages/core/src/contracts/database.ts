import type { RecordSchema } from './schema.js'
import type { ExactSink, SinkOperation } from './sink.js'
import type { Source } from './source.js'
import type { StateStore } from './state-store.js'
import type { Operation, Row } from './values.js'

/** What becomes of rows whose parent is deleted, or gets another key. Missing is SQL's `NO ACTION`. */
export type ReferentialAction = 'cascade' | 'restrict' | 'set null' | 'set default'

/** Columns that refer to rows of another table, or of their own. */
export interface ForeignKey {
  readonly name?: string
  readonly columns: readonly string[]
  /** The table that they refer to, as it is called in the same database. */
  readonly references: string
  /** Parallel to `columns`. */
  readonly referencedColumns: readonly string[]
  readonly onDelete?: ReferentialAction
  readonly onUpdate?: ReferentialAction
  /** Checked when a transaction commits. @default false: when its statement ends */
  readonly isDeferred?: boolean
}

/** A table as its database declares it. */
export interface DatabaseTable {
  readonly name: string
  /** What its source describes. */
  readonly schema: RecordSchema
  /** Columns of the primary key, in its order; empty if there is none. */
  readonly key: readonly string[]
  /** Columns of the other unique keys, those too that can be null. */
  readonly uniqueKeys: readonly (readonly string[])[]
  readonly foreignKeys: readonly ForeignKey[]
  /** The column that the database gives a new number, where a row brings none. */
  readonly counted?: string
  /** Why it cannot be read, each as a sentence. */
  readonly problems?: readonly string[]
  /** What is not as somebody might think who reads it, each as a sentence. */
  readonly notes?: readonly string[]
}

/** Something that stands beside the tables, and whose rows are not copied: a view, for one. */
export interface LeftOut {
  readonly name: string
  /** `a view`, for messages. */
  readonly what: string
}

/** All that is in a database, but what belongs to the store or to Drover itself. */
export interface DatabaseContents {
  readonly tables: readonly DatabaseTable[]
  readonly leftOut: readonly LeftOut[]
}

/** What stands in the way of a table. */
export interface TableProblem {
  readonly table: string
  /** A sentence: what, and what to do. */
  readonly problem: string
}

/** What is found out of tables before anything is written. */
export interface TableFindings {
  /** What keeps them from being written. */
  readonly problems: readonly TableProblem[]
  /** What will not be as somebody might think, each as a sentence. */
  readonly notes: readonly string[]
  /** Names of those that are not there yet. */
  readonly missing: readonly string[]
}

/** How tables are written. */
export interface TableWriting {
  /** What becomes of a row whose key is there already. */
  readonly onConflict: 'error' | 'skip' | 'update'
  /** Foreign keys are made. */
  readonly foreignKeys: boolean
}

/** A database as a whole: to copy all of its tables, or to copy tables to. */
export interface Database {
  readonly specVersion: 1
  /** Part of a run's fingerprint; shown in reports. Carries no secret. */
  readonly name: string
  /** Records of one batch that it does best with. @default 1000 */
  readonly batchSize?: number
  /** Bytes of one batch at the most. */
  readonly limits?: { readonly bytes?: number }
  /** A state store in it. */
  stateStore(): StateStore
  /** @param operation As a sink is connected to; `role` says which side of a copy it is. One that is read from is never written to. */
  connect(operation: SinkOperation & { readonly role: 'from' | 'to' }): Promise<DatabaseSession>
}

/** An open database. Disposing of it twice does nothing the second time. */
export interface DatabaseSession extends AsyncDisposable {
  /** In any order. */
  tables(operation: Operation): Promise<DatabaseContents>
  source(table: DatabaseTable): Source<Row>
  /**
   * What would keep these tables from being written, all of it at once. Nothing is changed.
   *
   * @param options `isFresh`: nothing was written yet, so a table that has rows has those of somebody else.
   */
  examine(
    tables: readonly DatabaseTable[],
    options: Operation & TableWriting & { readonly isFresh: boolean },
  ): Promise<TableFindings>
  /** Creates the tables that are missing, with their keys; the foreign keys too, where they cannot be added later. Idempotent. */
  prepare(tables: readonly DatabaseTable[], options: Operation & TableWriting): Promise<void>
  /** Writes into a table that was prepared. */
  sink(table: DatabaseTable, options: TableWriting): ExactSink<Row>
  /**
   * What is to be done once all rows are there: sequences, and the foreign keys, which are checked. Idempotent.
   *
   * @throws `FOREIGN_KEY_BROKEN` with every foreign key that rows break; the next call does what is left.
   */
  finish(tables: readonly DatabaseTable[], options: Operation & TableWriting): Promise<void>
}
