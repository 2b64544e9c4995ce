import type { Counts } from './position.js'
import type { RejectedRecord, Report, Warning } from './report.js'
import type { Guarantee } from './sink.js'
import type { Stall } from './stall.js'

/** Why a run works less than it could, and how long it rests. */
export interface Throttled {
  /** A sentence without secrets: what is too high, or when the window opens. */
  readonly reason: string
  /** How long a lane rests before its next batch at present, in milliseconds; while no window is open, until one opens. */
  readonly restMs: number
}

/** How far a run has come. */
export interface Progress {
  readonly name: string
  readonly run: string
  readonly counts: Counts
  /** Records that the source says it has, where it can count. */
  readonly total?: number
  /** The total is an estimate. */
  readonly estimated: boolean
  /** Records read per second over the last ten seconds. */
  readonly recordsPerSecond: number
  /**
   * From the total and the moving rate, in milliseconds, with the ceiling of records per second and the time that no
   * window is open in; absent without a total, and while nothing moves.
   */
  readonly etaMs?: number
  /** It will stop before that, in so many milliseconds, by its deadline or because its window closes; the same call goes on from there. */
  readonly stopsInMs?: number
  /** What holds it back at present. */
  readonly throttle?: Throttled
  readonly elapsedMs: number
}

/** What each event of a run carries. A handler that throws is reported as a warning and does not disturb the run. */
export interface RunEvents {
  /** Once, before the first record. */
  'run:started': (event: {
    readonly name: string
    readonly run: string
    readonly guarantee: Guarantee
    readonly resumed: boolean
    readonly total?: number
    readonly estimated: boolean
  }) => void
  /** At least every second while records move, and once at the end. */
  'run:progress': (event: Progress) => void
  /** After each commit. `sequence` counts the partition's batches from 1. */
  'batch:committed': (event: {
    readonly partition: string
    readonly sequence: number
    readonly batch: Counts
    /** Where the batch began: the cursor of the one before it, null at the beginning of the partition. */
    readonly after: unknown
    readonly cursor: unknown
    readonly durationMs: number
    /** Of its pages, as their source measures or estimates them; absent where it has none, as in a backfill. */
    readonly bytes?: number
  }) => void
  'batch:retried': (event: {
    readonly partition: string
    readonly attempt: number
    readonly waitMs: number
    readonly code: string
    readonly message: string
  }) => void
  /** Once the commit that left it out is durable. */
  'record:rejected': (event: RejectedRecord) => void
  /** Nothing of a partition was committed for `stalledAfterMs`, or the run was not open after that; again after as long, while that lasts. */
  'run:stalled': (event: Stall) => void
  /** Something else holds the run back than before: a signal, or that no window is open. Nothing does any more if `throttle` is missing. */
  'run:throttled': (event: { readonly name: string; readonly throttle?: Throttled }) => void
  'run:paused': (event: { readonly name: string }) => void
  'run:resumed': (event: { readonly name: string }) => void
  'run:warning': (event: Warning) => void
  /** Completed, stopped, or nothing to do. */
  'run:finished': (event: Report) => void
  /** The same error rejects the result. */
  'run:failed': (event: { readonly name: string; readonly error: Error }) => void
}
