import type { Commit, Counts, Position } from '../contracts/position.js'
import type { Rejection } from './held-page.js'
import type { RunControl } from './run-control.js'

/** A batch that is durable. */
export interface CommittedBatch {
  readonly position: Commit
  readonly counts: Counts
  readonly rejections: readonly Rejection[]
  readonly durationMs: number
}

/** What a lane tells the run it belongs to. */
export interface LaneListener {
  committed(batch: CommittedBatch): void
  retried(
    partition: string,
    notice: { readonly attempt: number; readonly waitMs: number; readonly error: unknown },
  ): void
}

/** The work on one partition, whose lease is held: batch after batch until it is done, or the run is to stop. */
export interface Lane {
  /** Where the partition stood when its lease was got. */
  readonly start: Position
  /** Where the partition stands once the lane has ended. */
  run(control: RunControl, listener: LaneListener): Promise<Position>
}
