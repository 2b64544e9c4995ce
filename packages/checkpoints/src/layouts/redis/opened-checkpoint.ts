import { orderedWrites } from '../../base/ordered-writes.js'
import type { CheckpointRecord, PendingWrite } from '../../records/checkpoint-record.js'
import type { StoredValue } from '../../records/stored-value.js'
import { type CheckpointName, plainId, type RedisCheckpointLayout } from './checkpoint-keys.js'
import { innerCheckpoint, jsonValue, type Members, metadataIn, storedName, valueIn } from './stored-document.js'
import { plainValue, typedValue, writeOf } from './stored-write.js'

/** A checkpoint whose document was read; its values and writes beside that are yet to come. */
export interface OpenedCheckpoint {
  readonly name: CheckpointName
  readonly record: Omit<CheckpointRecord, 'state' | 'writes'>
  readonly checkpoint: Readonly<Record<string, unknown>>
  readonly channels: Map<string, StoredValue>
  readonly writes: PendingWrite[]
  /** Channels that have a version, and a value that is not in the document. */
  readonly missing: readonly (readonly [channel: string, version: unknown])[]
  /** Whether the document says that there are writes; undefined where it says nothing of them. */
  readonly hasWrites: boolean | undefined
  setValue(channel: string, blob: Members): void
  addWrite(write: Members): void
}

/** @throws `RECORD_UNREADABLE` */
export function openCheckpoint(document: Members, layout: RedisCheckpointLayout): OpenedCheckpoint {
  const isJs = layout === 'langgraph-js-redis'
  const inner = innerCheckpoint(document, isJs ? {} : { type: null, pending_sends: '[]' })
  const channels = new Map<string, StoredValue>()
  for (const [channel, value] of inner.inline) channels.set(channel, jsonValue(value))
  const missing = Object.entries(inner.versions).filter(([channel]) => !channels.has(channel))
  for (const [channel] of missing) channels.set(channel, { type: 'empty', bytes: null })
  const name = nameOf(document, inner.checkpoint)
  const writes: PendingWrite[] = []
  const hasWrites = valueIn(document, 'has_writes')
  return {
    name,
    record: {
      ...name,
      parent_checkpoint_id: parentOf(document, name),
      timestamp: inner.ts,
      language: isJs ? 'js' : 'python',
      metadata: metadataIn(document),
    },
    checkpoint: inner.checkpoint,
    channels,
    writes,
    missing,
    hasWrites: hasWrites === undefined ? undefined : String(hasWrites).toLowerCase() === 'true',
    setValue: (channel, blob) => {
      channels.set(channel, isJs ? plainValue(blob) : typedValue(blob))
    },
    addWrite: (write) => {
      writes.push(writeOf(write))
    },
  }
}

export function checkpointOf({ record, checkpoint, channels, writes }: OpenedCheckpoint): CheckpointRecord {
  return {
    ...record,
    state: { checkpoint, channels: Object.fromEntries(channels) },
    // What a shallow store registers may be of several checkpoints: the last one counts, as in the library.
    writes: orderedWrites([...new Map(writes.map((write) => [`${write.task_id} ${write.idx}`, write])).values()]),
  }
}

/** Before 0.2 a document could be called after no checkpoint at all, while the checkpoint in it had its id. */
function nameOf(document: Members, { id }: Readonly<Record<string, unknown>>): CheckpointName {
  const name = storedName(document)
  return name.checkpoint_id === '' && typeof id === 'string' ? { ...name, checkpoint_id: id } : name
}

/** Before 0.2 it was the checkpoint's own id. */
function parentOf(document: Members, { checkpoint_id }: CheckpointName): string | null {
  const parent = valueIn(document, 'parent_checkpoint_id')
  if (typeof parent !== 'string' || parent === 'None' || parent === checkpoint_id) return null
  const id = plainId(parent)
  return id === '' ? null : id
}
