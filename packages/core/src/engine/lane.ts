import type { Commit, Counts, Position } from '../contracts/position.js'
import type { StoreWait, WaitingFor } from '../contracts/stall.js'
import type { Operation } from '../contracts/values.js'
import type { Rejection } from './held-page.js'
import type { RunControl } from './run-control.js'

/** A batch that is durable. */
export interface CommittedBatch {
  readonly position: Commit
  readonly counts: Counts
  readonly rejections: readonly Rejection[]
  readonly durationMs: number
  /** Of its pages, as their source measures them; absent where there are none. */
  readonly bytes?: number
}

/** What a lane tells the run it belongs to. */
export interface LaneListener {
  committed(batch: CommittedBatch): void
  retried(
    partition: string,
    notice: { readonly attempt: number; readonly waitMs: number; readonly error: unknown },
  ): void
  /** The store stands where it stood some batches ago: the lane goes on from there. */
  wentBack(from: Position, to: Position): void
  /** The next batch may begin, and might not until now: the run was paused, or above its ceiling. */
  heldBack(): void
}

/** The work on one partition, whose lease is held: batch after batch until it is done, or the run is to stop. */
export interface Lane {
  /** Where the partition stood when its lease was got. */
  readonly start: Position
  /** What it waits for at this moment; null while it is held back and nothing of it is under way. */
  readonly waitsFor: WaitingFor | null
  /** What the store says of that, where there is one to be asked. */
  askStore(operation: Operation): Promise<readonly StoreWait[]>
  /** Where the partition stands once the lane has ended. */
  run(control: RunControl, listener: LaneListener): Promise<Position>
}
