import { DroverError, decodeJson, type JsonValue } from '@drover/core'
import { jsonMembers } from '../../base/json-members.js'
import type { CheckpointState } from '../../records/checkpoint-record.js'
import type { StoredValue } from '../../records/stored-value.js'
import { type CheckpointName, plainId, plainText } from './checkpoint-keys.js'

/** The members of a document, each with its value as the store prints it: 1 and 1.0 are different values to Python. */
export type Members = ReadonlyMap<string, string>

/** @throws `RECORD_UNREADABLE` */
export function membersOf(text: string): Members {
  return new Map(jsonMembers(text))
}

/**
 * A text of a document.
 *
 * @throws `RECORD_UNREADABLE` if it is none
 */
export function textIn(members: Members, name: string): string {
  const value = valueIn(members, name)
  if (typeof value === 'string') return value
  throw new DroverError('RECORD_UNREADABLE', `Its "${name}" is ${members.get(name) ?? 'missing'}, and not a text.`)
}

/** Which checkpoint a document is of. @throws `RECORD_UNREADABLE` */
export function storedName(document: Members): CheckpointName {
  return {
    thread_id: plainId(textIn(document, 'thread_id')),
    checkpoint_ns: plainText(textIn(document, 'checkpoint_ns')),
    checkpoint_id: plainId(textIn(document, 'checkpoint_id')),
  }
}

/** A value of a document; undefined if it is not there. @throws `RECORD_UNREADABLE` */
export function valueIn(members: Members, name: string): unknown {
  const text = members.get(name)
  return text === undefined ? undefined : parsed(text, name)
}

/** The value as it stands there. */
export function jsonValue(text: string): StoredValue {
  return { type: 'json', bytes: Buffer.from(text) }
}

/** The part of a checkpoint that the library keeps in its document, taken apart. */
export interface InnerCheckpoint {
  readonly checkpoint: CheckpointState['checkpoint']
  readonly ts: string | null
  /** Values that stand in the document itself, by channel. */
  readonly inline: ReadonlyMap<string, string>
  readonly versions: Readonly<Record<string, unknown>>
}

/** @param own Names that the store adds to a checkpoint, and what they are where they say nothing. @throws `RECORD_UNREADABLE` */
export function innerCheckpoint(members: Members, own: Readonly<Record<string, string | null>>): InnerCheckpoint {
  const given = members.get('checkpoint')
  if (given === undefined) throw new DroverError('RECORD_UNREADABLE', 'It has no "checkpoint".')
  // Old versions kept a text.
  const text = given.startsWith('"') ? String(parsed(given, 'checkpoint')) : given
  const inner = new Map(jsonMembers(text))
  const values = inner.get('channel_values')
  inner.delete('channel_values')
  for (const [name, nothing] of Object.entries(own)) {
    if (nothing === null || inner.get(name)?.replaceAll(/\s/g, '') === nothing) inner.delete(name)
  }
  const rest = [...inner].map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')
  const checkpoint = parsed(`{${rest}}`, 'checkpoint') as Record<string, unknown>
  const { ts, channel_versions: versions = {} } = checkpoint
  return {
    checkpoint,
    ts: typeof ts === 'string' ? ts : null,
    inline: values === undefined || values === 'null' ? new Map() : new Map(jsonMembers(values)),
    versions: isObject(versions) ? versions : {},
  }
}

/** What is known of a checkpoint besides its state; some libraries keep it as a text of JSON. @throws `RECORD_UNREADABLE` */
export function metadataIn(members: Members): Readonly<Record<string, JsonValue>> {
  const value = valueIn(members, 'metadata')
  const metadata = typeof value === 'string' ? parsed(value, 'metadata') : (value ?? {})
  if (isObject(metadata)) return metadata as Readonly<Record<string, JsonValue>>
  throw new DroverError('RECORD_UNREADABLE', 'Its "metadata" are no object.')
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parsed(text: string, name: string): unknown {
  try {
    return decodeJson(text, 'plain')
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new DroverError('RECORD_UNREADABLE', `Its "${name}" is no JSON: ${why}`, { cause })
  }
}
