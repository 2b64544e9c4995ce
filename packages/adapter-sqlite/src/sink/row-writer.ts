import type { MaybePromise, Row } from '@drover/core'
import type { SqliteConnection } from '../connection/sqlite-connection.js'
import type { ConflictPolicy } from './conflict.js'
import type { Shapes } from './shapes.js'

/** Writes rows inside the transaction that is open. One driver takes a row at a time, the other a page. */
export interface RowWriter {
  /** First thing in a transaction. */
  begin(): MaybePromise<void>
  /**
   * @param before Rows of the batch in front of these.
   * @param isCareful Find out which row is refused.
   * @throws `RECORD_REFUSED` with the row's place in the batch; without it if it was not careful.
   */
  write(rows: readonly Row[], before: number, isCareful: boolean): MaybePromise<Written>
  /** Before the connection is closed. */
  close(): MaybePromise<void>
}

export interface Written {
  /** Rows that were inserted or updated; the others were left alone, by the policy or by a trigger. */
  readonly changed: number
  /** Of them, those whose key was not there. Only known to be exact if the writer looks keys up. */
  readonly inserted: number
}

/** What writing rows needs to know of the table. */
export interface WriterOptions {
  readonly connection: SqliteConnection
  readonly table: string
  readonly shapes: Shapes
  readonly policy: ConflictPolicy
  /** Ask for each row whether its key is there, to count inserted and updated rows apart. */
  readonly looksUp: boolean
  /** Database and table, for messages. */
  readonly where: string
}
