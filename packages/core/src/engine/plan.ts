import type { Partition } from '../contracts/position.js'
import type { Guarantee } from '../contracts/sink.js'
import type { Count } from '../contracts/source.js'
import type { Lease, RunState, StateStore } from '../contracts/state-store.js'
import type { Operation } from '../contracts/values.js'
import type { Fingerprint } from './fingerprint.js'
import type { Rejection } from './held-page.js'
import type { Lane } from './lane.js'
import type { RunOptions } from './options.js'

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
  /** Connects to what is read and written. */
  open(help: PlanHelp): Promise<OpenedPlan>
}

/** What a plan needs of its run. */
export interface PlanHelp {
  readonly operation: Operation
  readonly state: StateStore
  /** Refuses the rejections of a batch if with them more were rejected than the run bears. @throws `RECORD_REJECTED` */
  readonly bear: (rejections: readonly Rejection[]) => void
}

export interface OpenedPlan extends AsyncDisposable {
  /** Of a new run. */
  partitions(count: number): Promise<readonly Partition[]>
  count(): Promise<Count | undefined>
  /** The run is known: make ready for its first record. */
  begin(run: RunState): Promise<void>
  lane(lease: Lease, lanes: number): Promise<Lane>
  /** Where the dead letters of this run went, if there are any. */
  readonly deadLetters: string | undefined
  finish(outcome: 'completed' | 'stopped' | 'failed'): Promise<void>
}
