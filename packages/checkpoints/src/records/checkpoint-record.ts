import type { JsonValue } from '@drover/core'
import type { StoredValue } from './stored-value.js'

/** What a checkpoint holds, whichever store it is in. */
export interface CheckpointState {
  /**
   * The checkpoint without the values of its channels, as the library keeps it: `v`, `id`, `ts`, `channel_versions`, `versions_seen`,
   * `updated_channels`, and what else there is. Integers beyond ±2^53 are `bigint`.
   */
  readonly checkpoint: Readonly<Record<string, unknown>>
  /** By channel: each that has a version, and each that has a value. */
  readonly channels: Readonly<Record<string, StoredValue>>
}

/** A checkpoint that is kept as one value which cannot be taken apart, because it is encrypted or pickled. */
export interface SealedState {
  readonly sealed: StoredValue
}

/** What a task has written and no checkpoint holds yet, or what belongs to one beside its channels. */
export interface PendingWrite {
  readonly task_id: string
  /** Empty where the layout has none. */
  readonly task_path: string
  /** Negative for errors, interrupts and the like: -1 `__error__`, -2 `__scheduled__`, -3 `__interrupt__`, -4 `__resume__`. */
  readonly idx: number
  readonly channel: string
  readonly value: StoredValue
}

/** One checkpoint of a thread, with all that belongs to it. Its key is `[thread_id, checkpoint_ns, checkpoint_id]`. */
export interface CheckpointRecord {
  readonly thread_id: string
  /** Empty for the graph itself; `node:uuid` for a subgraph, nested ones joined by `|`. */
  readonly checkpoint_ns: string
  readonly checkpoint_id: string
  readonly parent_checkpoint_id: string | null
  /** Instant of ISO 8601 as the library wrote it, to the microsecond; null where the checkpoint is sealed. */
  readonly timestamp: string | null
  /** The library whose forms the values have. */
  readonly language: 'python' | 'js'
  readonly state: CheckpointState | SealedState
  readonly metadata: Readonly<Record<string, JsonValue>>
  /** Ordered by task path, task and index. */
  readonly writes: readonly PendingWrite[]
}
