import type { Backfiller } from '../contracts/backfiller.js'
import type { Logger } from '../contracts/logger.js'
import type { Sink } from '../contracts/sink.js'
import type { Source } from '../contracts/source.js'
import type { StateStore, TransactionalStateStore } from '../contracts/state-store.js'
import type { Row } from '../contracts/values.js'
import type { Deletes } from '../deletes/deletes-option.js'
import type { Flow } from '../flow/flow.js'
import type { ThrottleOptions } from '../throttle/throttle-options.js'

/** What pipelines and backfills have in common. */
export interface RunOptions extends ThrottleOptions {
  /**
   * The state store that keeps the run. Default: the sink's own if it is exact, a backfiller's adapter's own, else the
   * directory `.drover` in the working directory.
   */
  readonly state?: StateStore
  /** Part of the fingerprint; raise it when a plain function in the chain changes what it does. */
  readonly version?: string
  /** Records that become durable together. @default the sink's own batch size, else 1000 */
  readonly batchSize?: number
  /**
   * What a completed run does when it is called again: `nothing`, `incremental` (records behind the last cursor), or `full`.
   * @default 'nothing' for pipelines, 'full' for backfills
   */
  readonly again?: 'nothing' | 'incremental' | 'full'
  /** What happens if the stored run was started by another definition: refuse, go on with it, or begin a new run. @default 'refuse' */
  readonly whenChanged?: 'refuse' | 'continue' | 'restart'
  /** What happens if another process holds the run: fail with `RUN_HELD`, or wait for it. @default 'fail' */
  readonly whenHeld?: 'fail' | 'wait'
  /** Rejected records that the run bears; one more stops it with `RECORD_REJECTED`, resumable. @default 0 */
  readonly maxRejected?: number
  /** How often a batch, or opening a store, is tried again after a transient error. @default 8 */
  readonly maxRetries?: number
  /** End the current batch, commit and stop once so many records were read by this call, or at that instant. */
  readonly stopAfter?: { readonly records?: number; readonly deadline?: Date }
  /** Aborting it stops the run as `stop()` does: the batch in hand is committed. */
  readonly signal?: AbortSignal
  /** Stop as `stop()` does on SIGINT and SIGTERM. @default false */
  readonly stopOnSignals?: boolean
  /** How long a lease lasts without a heartbeat, in milliseconds. @default 30000 */
  readonly leaseMs?: number
  /** Ceiling over all partitions; 0 is none. @default 0 */
  readonly recordsPerSecond?: number
  /**
   * After how long without a commit, in milliseconds, a partition is said to stand still, or a run that is not open yet: `run:stalled`. 0 is
   * never. @default 60000
   */
  readonly stalledAfterMs?: number
  readonly logger?: Logger
  /** Write the lines of progress to this stream: one line that is redrawn on a terminal, plain lines otherwise; `true` is stderr. @default false */
  readonly progress?: boolean | NodeJS.WritableStream
}

/** A pipeline: what `runPipeline` runs. */
export interface PipelineOptions<R> extends RunOptions {
  /** The run's identity: the same name goes on where it stands. */
  readonly name: string
  readonly source: Source<R> | Flow<R>
  readonly sink: Sink<NoInfer<R>>
  /** Bytes that pages may hold at once, over all partitions. @default 67108864 (64 MiB) */
  readonly maxInFlightBytes?: number
  /** Partitions read and written side by side. @default 1 */
  readonly parallel?: number
  /** Accept that a record may arrive twice, where sink or source cannot exclude it. @default false */
  readonly allowDuplicates?: boolean
  /** Where rejected records go: a folder of NDJSON files, or any sink. @default the folder `.drover/dead-letters/<name>` */
  readonly deadLetters?: string | Sink<Row>
  /**
   * What becomes of rows in the sink that a full run (`again: 'full'`) does not give any more, because their records are gone or are left
   * out by a step: they stay, are deleted, or are marked. Decided at the end of every run but the first one, by key. For sinks of SQL tables
   * that write by a key, and that nobody else writes rows to.
   *
   * @default 'ignore'
   */
  readonly deletes?: Deletes
  /** Changes what a dead letter keeps of a record, to leave out what must not be stored. */
  readonly redact?: (record: Row) => Row
}

/** A backfill: what `runBackfill` runs. */
export interface BackfillOptions<Tx> extends RunOptions {
  readonly backfiller: Backfiller<Tx>
  /** Names of backfills or pipelines that must have completed in the same state store. */
  readonly dependsOn?: readonly string[]
}

/** With a transactional state store of the same database each batch happens once. */
export interface TransactionalBackfillOptions<Tx> extends BackfillOptions<NoInfer<Tx>> {
  readonly state: TransactionalStateStore<Tx>
}

/** A backfill that an adapter made: a pipeline whose sink updates the records it came from. */
export interface FlowBackfill {
  readonly name: string
  readonly version?: string
  readonly source: Flow<Row>
  readonly sink: Sink<Row>
  /** What it does best with. @default the sink's own batch size */
  readonly batchSize?: number
}

/** A backfill made by an adapter, to be run. */
export interface FlowBackfillOptions
  extends RunOptions,
    Pick<PipelineOptions<Row>, 'maxInFlightBytes' | 'parallel' | 'deadLetters' | 'redact'> {
  readonly backfiller: FlowBackfill
  /** Names of backfills or pipelines that must have completed in the same state store. */
  readonly dependsOn?: readonly string[]
}
