import { recordId } from '@drover/core'
import type { CheckpointRecord } from '../records/checkpoint-record.js'
import { isStored, type StoredValue } from '../records/stored-value.js'
import { showParsed } from '../serde/json/show-json.js'
import { showValue } from '../serde/read-value.js'
import type { SerdeKeys } from '../serde/serde-keys.js'
import { OpaqueCount } from '../serde/tags/opaque.js'
import { isObject } from '../serde/tags/tag.js'

/** What reading a record takes besides. */
export interface ReadRecordOptions {
  /** What encrypted values are opened with; without, they stay opaque. */
  readonly keys?: SerdeKeys
  /** @default what `recordId` of core makes of the record's key */
  readonly id?: string
}

/** A checkpoint as a person reads it. A type and no interface, so that it is a record like any other. */
export type ReadableCheckpoint = {
  readonly id: string
  readonly thread_id: string
  readonly checkpoint_ns: string
  readonly checkpoint_id: string
  readonly parent_checkpoint_id: string | null
  readonly type: 'checkpoint'
  readonly timestamp: string | null
  /** Its fields, with `channel_values`; one object with `$opaque` where it is sealed, and no key opens it. */
  readonly checkpoint: unknown
  readonly metadata: unknown
  readonly pending_writes: readonly ReadableWrite[]
}

/** What a task has written, as a person reads it. */
export interface ReadableWrite {
  readonly task_id: string
  readonly task_path: string
  readonly idx: number
  readonly channel: string
  readonly value: unknown
}

/**
 * A checkpoint with all its values decoded, as the JSON export holds it. Nothing that they name is imported or called.
 *
 * @throws `RECORD_UNREADABLE` naming the channel or write whose value is cut off or broken
 */
export function readCheckpoint(record: CheckpointRecord, options: ReadRecordOptions = {}): ReadableCheckpoint {
  return showCheckpoint(record, new OpaqueCount(), options)
}

/** The same, with the opaque values counted. */
export function showCheckpoint(
  record: CheckpointRecord,
  opaque: OpaqueCount,
  { keys = {}, id }: ReadRecordOptions,
): ReadableCheckpoint {
  const { thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, metadata, writes } = record
  const show = (value: StoredValue, name: string): unknown => showValue(value, opaque, { keys, name })
  const checkpoint = showState(record, show)
  return {
    id: id ?? recordId({ source: [thread_id, checkpoint_ns, checkpoint_id], child: 0 }),
    thread_id,
    checkpoint_ns,
    checkpoint_id,
    parent_checkpoint_id,
    type: 'checkpoint',
    timestamp: record.timestamp ?? timeOf(checkpoint),
    checkpoint,
    metadata: showParsed(metadata, opaque),
    pending_writes: writes.map(({ task_id, task_path, idx, channel, value }) => ({
      task_id,
      task_path,
      idx,
      channel,
      value: show(value, `The write ${idx} of the task ${task_id}`),
    })),
  }
}

function showState({ state }: CheckpointRecord, show: (value: StoredValue, name: string) => unknown): unknown {
  if ('sealed' in state) return show(state.sealed, 'The checkpoint')
  const values: [string, unknown][] = []
  for (const [name, value] of Object.entries(state.channels)) {
    if (value.type !== 'empty') values.push([name, show(value, `The channel "${name}"`)])
  }
  const { channel_values: _, ...fields } = state.checkpoint
  const shown: [string, unknown][] = []
  for (const [name, value] of Object.entries(fields)) {
    // The libraries write the values of channels before their versions.
    if (name === 'channel_versions') shown.push(['channel_values', Object.fromEntries(values)])
    shown.push([name, isStored(value) ? show(value, `The field "${name}"`) : value])
  }
  if (!Object.hasOwn(fields, 'channel_versions')) shown.push(['channel_values', Object.fromEntries(values)])
  return Object.fromEntries(shown)
}

/** Of a checkpoint that was sealed, and is open now. */
function timeOf(checkpoint: unknown): string | null {
  return isObject(checkpoint) && typeof checkpoint.ts === 'string' ? checkpoint.ts : null
}
