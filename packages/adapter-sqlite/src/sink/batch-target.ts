import type { FidelityIssue, Outcome, Page, RecordSchema, Row, Source } from '@drover/core'
import type { ImageShape } from '../undo/image-shape.js'

/** What becomes of the rows of a batch. Fences, positions and the transaction are none of its business. */
export interface BatchTarget {
  /** Database and table, for messages. */
  readonly where: string
  /** See `SinkSession.forms`. */
  readonly forms?: readonly string[] | undefined
  check?(schema: RecordSchema): readonly FidelityIssue[]
  prepare(schema: RecordSchema): Promise<void>
  readBack?(): Source
  /** Before the transaction begins: what cannot be done inside of one. Says whether other databases take part in it. */
  ready(pages: readonly Page<Row>[]): Promise<{ readonly isAttached: boolean }>
  /**
   * Inside the transaction. First in haste; if that fails and `isWorthCare` says so, once more in a transaction of its own,
   * with care.
   *
   * @throws `RECORD_REFUSED`, with the row's place in the batch if it took care.
   */
  write(pages: readonly Page<Row>[], signal: AbortSignal, isCareful: boolean): Promise<Outcome>
  /** Between the two, outside of a transaction. */
  isWorthCare(error: unknown, pages: readonly Page<Row>[], signal: AbortSignal): Promise<boolean>
  /** What is to be kept of rows that change, so that it can be undone; asked once it is ready. */
  imageShape?(): Promise<ImageShape | undefined>
  /** Inside the transaction: rows that break a foreign key which is checked at COMMIT only. */
  brokenKeys(): Promise<number>
  /** Before the connection is closed. */
  close(): Promise<void>
}
