import type { AckSink, ExactSink, RecordSchema, Row } from '@drover/core'
import type { KeyKind } from '../support/shapes.js'
import type { ValueSetName } from '../support/value-sets.js'

/** What happens to a row whose key is there already. `merge` replaces the field `score` alone. */
export type ConflictPolicy = 'error' | 'skip' | 'update' | 'merge'

/** What a sink can do, so that the suite knows what to test. */
export interface SinkCapabilities {
  /** Sets of values that are there as they were written. */
  readonly values: readonly ValueSetName[]
  /** Sets of values that it cannot hold: `check` names the field. @default none */
  readonly loses?: readonly ValueSetName[]
  /** Kinds of key that records may have. @default ['int'] */
  readonly keys?: readonly KeyKind[]
  /** Policies that the harness can be asked for; the first is what it makes when it is not. @default [] */
  readonly conflicts?: readonly ConflictPolicy[]
  /** The store refuses records, and the harness has `refusable`. @default false */
  readonly refuses?: boolean
  /** A refusal names the row. @default false */
  readonly tellsRow?: boolean
  /** Several partitions can be written side by side. @default true */
  readonly partitions?: boolean
  /** The session has `readBack`. @default false */
  readonly readBack?: boolean
}

export interface ExactSinkCapabilities extends SinkCapabilities {
  /** The store can refuse a batch when it is committed, and the harness can be asked for that. @default false */
  readonly defersRefusals?: boolean
  /** When readers see rows: with each commit, or once the run is finished, as a file that is renamed into place. @default 'commit' */
  readonly visible?: 'commit' | 'finish'
  /** Readers are not held up by an open transaction: `contents` answers while a batch is being written. @default true */
  readonly readsWhileWriting?: boolean
}

/** What a store is made for. */
export interface SinkStoreOptions {
  readonly schema: RecordSchema
  readonly onConflict?: ConflictPolicy
  /** What `refusable` makes is refused only when the batch is committed, as by a deferred constraint. */
  readonly deferred?: boolean
}

/** A store made for one test, and what the suite has to know of it. */
export interface SinkHarness<S> extends AsyncDisposable {
  /** A new description of the same store, as a process that starts now would make it. */
  open(): S
  /** The rows that a reader of the store sees now. */
  contents(): Promise<readonly Row[]>
  /** The same row, changed so that the store will not take it. */
  refusable?(row: Row): Row
}

export type ExactSinkHarness = SinkHarness<ExactSink>
export type AckSinkHarness = SinkHarness<AckSink>

export interface ExactSinkHarnessFactory {
  readonly capabilities: ExactSinkCapabilities
  /** Makes an empty store for records of this schema. */
  create(options: SinkStoreOptions): Promise<ExactSinkHarness>
}

export interface AckSinkHarnessFactory {
  readonly capabilities: SinkCapabilities
  create(options: SinkStoreOptions): Promise<AckSinkHarness>
}
