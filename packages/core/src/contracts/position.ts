import type { Cursor, JsonValue } from './values.js'

/** A disjoint part of a source. Its bounds are stored with the run and never computed again. */
export interface Partition {
  readonly id: string
  readonly bounds: JsonValue
  /** Where an incremental run begins: the cursor at which an earlier run ended. */
  readonly start?: Cursor
}

/**
 * What became of the records and rows so far.
 *
 * Records: `read = written + filtered + rejected`, a record being one of the three as a whole, whatever it fans out into.
 * Rows: `emitted = inserted + updated + skipped`. Without fan-out `emitted = written`.
 */
export interface Counts {
  /** Source records. */
  readonly read: number
  readonly written: number
  /** Left out by a filter, or by a transformer that returned null. */
  readonly filtered: number
  /** Gone to the dead letters. */
  readonly rejected: number
  /** Rows given to the sink. */
  readonly emitted: number
  readonly inserted: number
  readonly updated: number
  /** There already, and left alone. */
  readonly skipped: number
}

/** Where one partition of a run stands: stored by the commit that made its rows durable. */
export interface Position {
  readonly run: string
  readonly partition: Partition
  readonly fence: number
  /** Number of the last committed batch; 0 before the first. */
  readonly sequence: number
  readonly cursor: Cursor | null
  readonly done: boolean
  readonly counts: Counts
}

/**
 * A position on its way into a store, which must hold `sequence - 1` and a fence not above `fence`;
 * otherwise the commit is refused with `FENCED`.
 */
export type Commit = Position

/** Who works on a partition from now on. */
export interface Claim {
  readonly run: string
  readonly partition: Partition
  readonly fence: number
}
