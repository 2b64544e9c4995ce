import type { Partition, Position } from '../contracts/position.js'
import type { SinkAccount } from '../contracts/report.js'
import type { Guarantee, SinkOperation } from '../contracts/sink.js'
import type { Count } from '../contracts/source.js'
import type { Lease, RunState, StateStore } from '../contracts/state-store.js'
import type { Operation } from '../contracts/values.js'
import type { AlsoFailed } from './closing.js'
import type { Fingerprint } from './fingerprint.js'
import type { Lane } from './lane.js'
import type { Opening } from './opening.js'
import type { RunOptions } from './options.js'
import type { RejectionLimit } from './rejection-limit.js'
import type { Retrying } from './retry.js'

/** What is to be run: a pipeline or a backfill, as far as it is known without connecting to anything. */
export interface Plan {
  readonly kind: 'pipeline' | 'backfill'
  readonly name: string
  readonly source: string
  readonly sink: string
  readonly guarantee: Guarantee
  readonly options: RunOptions
  readonly again: 'nothing' | 'incremental' | 'full'
  /** Partitions worked on side by side. */
  readonly parallel: number
  readonly fingerprint: Fingerprint
  /** What `count` counts is what is left, not all: records leave the predicate as they are changed. */
  readonly countsWhatIsLeft: boolean
  readonly dependsOn: readonly string[]
  /** Made if the caller gave no state store; then closed by the run. */
  readonly defaultState: () => StateStore
  /**
   * Decides what a new run is of, and whether there is anything: asked before anything is connected to, if no run is open. Where it is
   * not there, the source's own partitions are.
   */
  begins?(help: BeginHelp): Promise<Beginning>
  /** Connects to what is read and written. */
  open(help: PlanHelp): Promise<OpenedPlan>
}

/** What there is to know when a new run may begin. */
export interface BeginHelp {
  readonly operation: Operation
  readonly state: StateStore
  /** The newest run of the name, which has completed; null if there is none. */
  readonly before: RunState | null
  readonly warn: Required<SinkOperation>['warn']
}

/** The partitions of a new run, or why there is none. */
export type Beginning = { readonly partitions: readonly Partition[] } | { readonly nothing: string }

/** What a plan needs of its run. */
export interface PlanHelp {
  readonly operation: Operation
  readonly state: StateStore
  readonly limit: RejectionLimit
  readonly retrying: Retrying
  /** Told what is waited for until the first partition is worked on. */
  readonly opening: Opening
  /** Told of what fails besides that which is thrown. */
  readonly alsoFailed: AlsoFailed
  /** For the sink. */
  readonly warn: Required<SinkOperation>['warn']
  readonly info: Required<SinkOperation>['info']
}

export interface OpenedPlan extends AsyncDisposable {
  /** Of a new run. @param isRepeat One before it has written to the same sink. */
  partitions(count: number, isRepeat: boolean): Promise<readonly Partition[]>
  count(): Promise<Count | undefined>
  /** The run is known: make ready for its first record. */
  begin(run: RunState): Promise<void>
  /** `lanes` says how many there may be side by side, which may become more. */
  lane(lease: Lease, lanes: () => number): Promise<Lane>
  /** Where the dead letters of this run went, if there are any. */
  readonly deadLetters: string | undefined
  /** What the sink says of this attempt besides. */
  readonly account: SinkAccount | undefined
  finish(outcome: 'completed' | 'stopped' | 'failed', positions: readonly Position[]): Promise<void>
}
