import { DroverError, decodeJson, encodeJson, type Row, shown, ValueRefused } from '@drover/core'
import type { CheckpointRecord, CheckpointState } from '../../records/checkpoint-record.js'
import { isStored, type StoredValue } from '../../records/stored-value.js'
import { showParsed } from '../../serde/json/show-json.js'
import { readValue } from '../../serde/read-value.js'
import { OpaqueCount } from '../../serde/tags/opaque.js'
import { isObject } from '../../serde/tags/tag.js'
import { type CheckpointText, checkpointText } from './checkpoint-text.js'
import { fitsPayload } from './payload-value.js'

/** The part of a record that its payload keeps as one text: with it a checkpoint comes back byte for byte. */
type Serialized = Omit<CheckpointRecord, 'thread_id' | 'checkpoint_ns' | 'checkpoint_id'>

/** A payload of a checkpoint, and the text that it stands for. */
export interface UnifiedPayload {
  readonly payload: Row
  readonly text: CheckpointText
}

/**
 * The payload of a checkpoint: fields as the unified memory of Python has them, to be read and searched, and the whole record in `serialized`.
 *
 * @throws ValueRefused for a value that cannot be read
 */
export function unifiedPayload(record: CheckpointRecord): UnifiedPayload {
  const { thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, timestamp, metadata, state, writes } = record
  const channels = 'sealed' in state ? {} : shownFields(channelsOf(state), 'channel')
  const text = checkpointText(channels)
  return {
    text,
    payload: {
      id: checkpoint_id,
      thread_id,
      checkpoint_ns,
      checkpoint:
        'sealed' in state
          ? shownValue(state.sealed, 'the checkpoint')
          : { ...shownFields(state.checkpoint, 'field'), channel_values: channels },
      metadata: shownFields(metadata, 'field'),
      parent_config: parent_checkpoint_id,
      parent_checkpoint_id,
      tags: [],
      created_at: timestamp,
      updated_at: timestamp,
      message_count: text.messages.length,
      step_count: Number.isSafeInteger(metadata.step) && (metadata.step as number) > 0 ? metadata.step : 0,
      summary: text.summary,
      keywords: [],
      version: 1,
      channel_versions: 'sealed' in state ? {} : (state.checkpoint.channel_versions ?? {}),
      pending_writes: writes.map(({ task_id, channel, value }) => [
        task_id,
        channel,
        shownValue(value, `the write to "${channel}"`),
      ]),
      serialized: encodeJson(serializedOf(record)),
    },
  }
}

/** The record of a payload that {@link unifiedPayload} made. @throws `RECORD_UNREADABLE` */
export function recordOfUnified(payload: Row): CheckpointRecord {
  const { id, thread_id, checkpoint_ns, serialized } = payload
  if (typeof id !== 'string' || typeof thread_id !== 'string' || typeof checkpoint_ns !== 'string') {
    throw unreadable(`its id, thread_id and checkpoint_ns are ${[id, thread_id, checkpoint_ns].map(shown).join(', ')}`)
  }
  return { thread_id, checkpoint_ns, checkpoint_id: id, ...parsed(serialized) }
}

function serializedOf({ thread_id: _, checkpoint_ns: _ns, checkpoint_id: _id, ...rest }: CheckpointRecord): Serialized {
  const { parent_checkpoint_id, timestamp, language, state, metadata, writes } = rest
  return { parent_checkpoint_id, timestamp, language, state, metadata, writes }
}

function parsed(text: unknown): Serialized {
  if (typeof text !== 'string') throw unreadable(`its "serialized" is ${shown(text)}`)
  let value: unknown
  try {
    value = decodeJson(text)
  } catch (error) {
    throw unreadable(`its "serialized" is no JSON (${error instanceof Error ? error.message : String(error)})`)
  }
  if (!isObject(value) || !isState(value.state) || !Array.isArray(value.writes) || !isObject(value.metadata)) {
    throw unreadable('its "serialized" is not what Drover writes there')
  }
  return value as unknown as Serialized
}

function isState(state: unknown): boolean {
  if (!isObject(state)) return false
  const { sealed, checkpoint, channels } = state
  return isObject(sealed) || (isObject(checkpoint) && isObject(channels))
}

function channelsOf({ channels }: CheckpointState): Readonly<Record<string, StoredValue>> {
  return Object.fromEntries(Object.entries(channels).filter(([, { type }]) => type !== 'empty'))
}

/** What is stored and what is JSON, by name. A name that no payload can hold is left out. */
function shownFields(fields: Readonly<Record<string, unknown>>, noun: string): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([name]) => fitsPayload(name))
      .map(([name, value]) => [
        name,
        isStored(value)
          ? shownValue(value, `the ${noun} "${name}"`)
          : fitting(showParsed(value, new OpaqueCount()), 'json'),
      ]),
  )
}

function shownValue(value: StoredValue, what: string): unknown {
  try {
    return fitting(readValue(value).json, value.type)
  } catch (error) {
    if (!DroverError.isInstance(error, 'RECORD_UNREADABLE')) throw error
    throw new ValueRefused(`unreadable in ${what}`, error.message)
  }
}

/** What no payload can hold is not shown; `serialized` has it, as it has everything. */
function fitting(value: unknown, type: string): unknown {
  return fitsPayload(value) ? value : { $opaque: { type } }
}

function unreadable(what: string): DroverError {
  return new DroverError('RECORD_UNREADABLE', `A point of unified memory cannot be read: ${what}.`)
}
