import { DroverError, decodeJson, encodeJson, type JsonValue, type Row, shown } from '@drover/core'
import type { CheckpointRecord, PendingWrite } from '../../records/checkpoint-record.js'
import type { StoredValue } from '../../records/stored-value.js'
import { readValue } from '../../serde/read-value.js'
import { sliceCheckpoint } from '../../serde/slice-checkpoint.js'
import { isObject } from '../../serde/tags/tag.js'

/**
 * The record of a point that the unified checkpointer for Python wrote: the checkpoint is one value of its serialiser, in base64, or an object; so are its
 * metadata. Of the parent it keeps the id.
 *
 * @throws `RECORD_UNREADABLE`
 */
export function recordOfLegacy(payload: Row): CheckpointRecord {
  const { id, thread_id, checkpoint_ns = '', checkpoint, parent_config, pending_writes } = payload
  if (typeof id !== 'string' || typeof thread_id !== 'string' || typeof checkpoint_ns !== 'string') {
    throw unreadable(`its id, thread_id and checkpoint_ns are ${[id, thread_id, checkpoint_ns].map(shown).join(', ')}`)
  }
  const whole = storedValue(checkpoint)
  if (whole === null) throw unreadable(`its checkpoint is ${shown(checkpoint)}`)
  const state = sliceCheckpoint(whole)
  const ts = 'sealed' in state ? null : state.checkpoint.ts
  return {
    thread_id,
    checkpoint_ns,
    checkpoint_id: id,
    parent_checkpoint_id: parentOf(parent_config),
    timestamp: typeof ts === 'string' && ts !== '' ? ts : null,
    language: 'python',
    state,
    metadata: metadataOf(payload.metadata),
    writes: Array.isArray(pending_writes) ? pending_writes.map(writeOf) : [],
  }
}

/** Base64 of what a serialiser gave, which is JSON if it begins so and MessagePack otherwise; or the value itself. Null for nothing. */
function storedValue(value: unknown): StoredValue | null {
  if (typeof value === 'string') {
    const bytes = base64(value)
    if (bytes === undefined || bytes.length === 0) return null
    return { type: looksLikeJson(bytes) ? 'json' : 'msgpack', bytes }
  }
  if (value === null || value === undefined) return null
  return { type: 'json', bytes: new Uint8Array(Buffer.from(encodeJson(value, { values: 'plain' }))) }
}

function metadataOf(value: unknown): CheckpointRecord['metadata'] {
  const stored = storedValue(value)
  if (stored === null) return {}
  const { type, bytes } = stored
  const metadata = type === 'json' ? json(bytes as Uint8Array) : readValue(stored, { name: 'Its metadata' }).json
  if (!isObject(metadata)) throw unreadable(`its metadata are ${shown(metadata)}`)
  return metadata as CheckpointRecord['metadata']
}

/** The id alone, or a configuration that has it. */
function parentOf(value: unknown): string | null {
  if (value === null || value === undefined || value === '') return null
  if (typeof value === 'string') return value
  const { configurable = value } = Object(value) as { readonly configurable?: unknown }
  const { checkpoint_id } = Object(configurable) as { readonly checkpoint_id?: unknown }
  if (typeof checkpoint_id === 'string') return checkpoint_id
  throw unreadable(`its parent_config is ${shown(value)}`)
}

/** `[task, channel, value]`; where writes have no numbers, their order is that. */
function writeOf(write: unknown, at: number): PendingWrite {
  const [task_id, channel, value]: readonly unknown[] = Array.isArray(write)
    ? write
    : [Object(write).task_id, Object(write).channel, Object(write).value]
  if (typeof task_id !== 'string' || typeof channel !== 'string') {
    throw unreadable(`its pending write ${at} is ${shown(write)}`)
  }
  return { task_id, task_path: '', idx: at, channel, value: writtenValue(value) }
}

/** Base64 of a serialiser's bytes, `{ type, data }`, or what it is. */
function writtenValue(value: unknown): StoredValue {
  if (value === null || value === undefined) return { type: 'null', bytes: null }
  const { type, data } = Object(value) as { readonly type?: unknown; readonly data?: unknown }
  const typed = typeof type === 'string' && typeof data === 'string' ? base64(data) : undefined
  if (typed !== undefined) return { type: type as string, bytes: typed }
  const stored = typeof value === 'string' ? storedValue(value) : null
  if (stored !== null && isWhole(stored)) return stored
  return { type: 'json', bytes: new Uint8Array(Buffer.from(encodeJson(value, { values: 'plain' }))) }
}

/** A text that happens to look like base64 is none of a value. */
function isWhole(stored: StoredValue): boolean {
  try {
    readValue(stored)
    return true
  } catch {
    return false
  }
}

function base64(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64')
  return text.length % 4 === 0 && bytes.toString('base64') === text ? new Uint8Array(bytes) : undefined
}

function looksLikeJson(bytes: Uint8Array): boolean {
  const [first = 0] = bytes
  return first === 0x7b || first === 0x5b || first === 0x22
}

function json(bytes: Uint8Array): JsonValue {
  try {
    return decodeJson(Buffer.from(bytes).toString(), 'plain') as JsonValue
  } catch (error) {
    throw unreadable(`its metadata are no JSON (${error instanceof Error ? error.message : String(error)})`)
  }
}

function unreadable(what: string): DroverError {
  return new DroverError('RECORD_UNREADABLE', `A point of unified memory cannot be read: ${what}.`)
}
