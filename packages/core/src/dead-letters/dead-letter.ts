import type { Claim } from '../contracts/position.js'
import type { RejectStage } from '../contracts/report.js'
import type { JsonValue, Row } from '../contracts/values.js'
import type { Retrying } from '../engine/retry.js'

/** A record that could not be read, transformed or written, with all that is needed to understand it and to send it through again. */
export interface DeadLetter {
  /** From run, partition and the record's key: the same when a crash makes the batch, and so the letter, be written again. */
  readonly id: string
  readonly pipeline: string
  readonly run: string
  readonly partition: string
  readonly key: readonly JsonValue[] | null
  /** The partition is a part of its own, such as a table: keys of other parts are those of other records. */
  readonly isPart?: true
  /** The source record; null if it could not be decoded. */
  readonly record: Row | null
  /** The row the sink refused. */
  readonly row?: Row
  /** The bytes as they stand in the store, of a record that could not be decoded. */
  readonly raw?: Uint8Array
  readonly stage: RejectStage
  readonly error: { readonly code: string; readonly message: string }
  /** Number of the batch that left the record out. */
  readonly sequence?: number
  /** The pipeline's `version`. */
  readonly version?: string
  /** Why record or row are not in the letter: a file of JSON has no form for them. */
  readonly omitted?: string
}

/** Where dead letters go. */
export interface DeadLetterStore {
  /** A folder's path or a sink's name, for the report. */
  readonly place: string
  /** One writer per partition and fence: one of a dead process can do no harm. `patience`: how what is transient is tried again. */
  open(claim: Claim, patience?: Retrying): Promise<DeadLetterWriter>
  /**
   * To be called when work on a partition begins, with the number of its last committed batch. Letters are durable before their batch is:
   * those of earlier fences behind that number are of batches that were never committed, and are none from here on.
   */
  resume?(claim: Claim, sequence: number): Promise<void>
  /**
   * To be called once a run has completed, with the positions of the partitions that rejected something in any attempt,
   * when their writers are closed: a sink of one file puts the file in place.
   */
  finish?(claims: readonly Claim[]): Promise<void>
}

export interface DeadLetterWriter {
  /** Resolves once the letters are durable. */
  append(letters: readonly DeadLetter[]): Promise<void>
  close(): Promise<void>
}
