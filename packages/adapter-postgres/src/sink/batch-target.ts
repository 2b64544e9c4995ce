import type { FidelityIssue, Operation, Outcome, Page, RecordSchema, Row, SinkAccount, Source } from '@drover/core'
import type { PostgresConnection } from '../connection/postgres-connection.js'

/** What becomes of the rows of a batch. Fences, positions and the transaction are none of its business. */
export interface BatchTarget {
  /** Database and table, for messages. */
  readonly where: string
  check?(schema: RecordSchema): readonly FidelityIssue[]
  /** See `SinkSession.forms`. */
  readonly forms?: readonly string[]
  /** See `SinkSession.takes`. */
  takes?(page: Page): boolean
  prepare(schema: RecordSchema, operation: Operation): Promise<void>
  readBack?(): Source
  /** See `SinkSession.account`. */
  readonly account?: SinkAccount | undefined
  /** Before the first rows of the session; several partitions may ask at once. */
  beforeRows?(operation: Operation): Promise<void>
  /**
   * After a write failed and is rolled back: does what helps, if anything does; gives the error to be thrown instead of this one, which
   * may then be retryable.
   */
  mend?(error: unknown, operation: Operation): Promise<unknown>
  /** In a transaction that is open on the connection. Nothing needs to happen before there are rows. */
  begin(connection: PostgresConnection, operation: Operation, mode: 'commit' | 'probe'): BatchWriter
  /**
   * For a dry run, in a transaction that is open on the connection and is going to be rolled back: what is missing for such records is
   * created in it.
   */
  rehearsal?(schema: RecordSchema, connection: PostgresConnection, operation: Operation): Promise<TargetRehearsal>
  /** Once all partitions have ended. */
  finish?(outcome: 'completed' | 'stopped' | 'failed', operation: Operation): Promise<void>
}

export interface TargetRehearsal {
  readonly creates: readonly string[]
  /** Takes one batch; or why nothing can be written that could be taken back. */
  readonly writer: BatchWriter | { readonly notWritten: string }
}

/** Takes the pages of one batch as they come. */
export interface BatchWriter {
  /** @throws `RECORD_REFUSED`, with the row's place in the batch where it is known; also about pages before. */
  write(page: Page<Row>): Promise<void>
  /** There are no more pages: what became of the rows. */
  end(): Promise<Outcome>
  /** After a failure: ends what is under way, so that the connection can roll back. */
  abandon(): Promise<void>
}
