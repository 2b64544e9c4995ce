import type { CommandLine } from '@drover/adapter-redis'
import { DroverError, encodeJson } from '@drover/core'
import { requireWholeValues } from '../../base/whole-values.js'
import type { CheckpointRecord, CheckpointState, PendingWrite } from '../../records/checkpoint-record.js'
import type { StoredValue } from '../../records/stored-value.js'
import { requireLanguage, shownCheckpoint } from '../sql/sql-language.js'
import { type CheckpointKeys, type RedisCheckpointLayout, safeId, safeText } from './checkpoint-keys.js'
import { checkpointOf, openCheckpoint } from './opened-checkpoint.js'
import { membersOf } from './stored-document.js'

/** Names the newest checkpoint, unless that is another one: ids grow with time. */
const pointTo = `
local known = redis.call('GET', KEYS[1])
if not known or known < ARGV[1] then redis.call('SET', KEYS[1], ARGV[1]) end`

/** What writes a checkpoint. */
export interface CheckpointDraft {
  readonly key: string
  readonly writeKeys: readonly string[]
  /** What belongs to it first, so that one that is there is whole. */
  readonly commands: readonly CommandLine[]
}

/** Documents of a checkpoint. */
interface Documents {
  readonly checkpoint: string
  readonly writes: readonly { readonly key: string; readonly text: string }[]
}

/**
 * What writes a checkpoint as its library keeps it. Values go as they came.
 *
 * @param setting The command that sets a document.
 * @throws `RECORD_REFUSED` if it is of the other language, or has a value that JSON has no form for
 */
export function draftOf(
  record: CheckpointRecord,
  names: CheckpointKeys,
  setting: (key: string, text: string) => CommandLine,
): CheckpointDraft {
  const { checkpoint, writes } = documentsOf(record, names)
  const commands = writes.map(({ key, text }) => setting(key, text))
  if (writes.length > 0) commands.push(['ZADD', names.writes(record), ...writes.flatMap(({ key }, i) => [i, key])])
  const key = names.checkpoint(record)
  commands.push(setting(key, checkpoint))
  if (names.layout === 'langgraph-redis') commands.push(['EVAL', pointTo, 1, names.latest(record), key])
  return { key, writeKeys: writes.map((write) => write.key), commands }
}

/** The record that is read after this one was written. @throws `RECORD_REFUSED` as {@link draftOf}, `RECORD_UNREADABLE` */
export function readsBackOfRedis(record: CheckpointRecord, names: CheckpointKeys): CheckpointRecord {
  const { checkpoint, writes } = documentsOf(record, names)
  const opened = openCheckpoint(membersOf(checkpoint), names.layout)
  for (const { text } of writes) opened.addWrite(membersOf(text))
  return checkpointOf(opened)
}

function documentsOf(record: CheckpointRecord, names: CheckpointKeys): Documents {
  const isJs = names.layout === 'langgraph-js-redis'
  requireLanguage(record, isJs ? 'js' : 'python', names.layout)
  const { state } = record
  if ('sealed' in state) {
    throw refused(
      record,
      'it is encrypted or pickled as a whole, which this layout has no place for: write it into a store of SQLite, or export it',
    )
  }
  const writes = record.writes.map((write, i) => ({
    key: `${names.writePrefix(record)}${write.task_id}:${write.idx}`,
    text: isJs ? jsWrite(record, write, i) : pythonWrite(record, write),
  }))
  return { checkpoint: documentOf(record, state, names.layout), writes }
}

function documentOf(record: CheckpointRecord, state: CheckpointState, layout: RedisCheckpointLayout): string {
  switch (layout) {
    case 'langgraph-redis':
      return pythonDocument(record, state)
    case 'langgraph-redis-shallow':
      requireWholeValues(record, layout, 'langgraph-redis')
      return shallowDocument(record, state)
    case 'langgraph-js-redis':
      return jsDocument(record, state)
  }
}

function pythonDocument(record: CheckpointRecord, state: CheckpointState): string {
  const { checkpoint_id, parent_checkpoint_id, metadata, writes } = record
  return object([
    ...pythonNames(record),
    ['checkpoint_id', json(safeId(checkpoint_id))],
    ['parent_checkpoint_id', json(parent_checkpoint_id ?? '')],
    ['checkpoint_ts', json(instantOf(record))],
    ['checkpoint', pythonCheckpoint(record, state)],
    ['metadata', json(json(metadata))],
    ['has_writes', String(writes.length > 0)],
    ...searchable(metadata),
  ])
}

/** Neither parents nor whether there are writes, and the metadata as they are. */
function shallowDocument(record: CheckpointRecord, state: CheckpointState): string {
  const { checkpoint_id, metadata } = record
  return object([
    ...pythonNames(record),
    ['checkpoint_id', json(checkpoint_id)],
    ['checkpoint_ts', json(instantOf(record))],
    ['checkpoint', pythonCheckpoint(record, state)],
    ['metadata', json(metadata)],
    ...searchable(metadata),
  ])
}

function pythonNames({ thread_id, checkpoint_ns, metadata: { run_id } }: CheckpointRecord) {
  return members({
    thread_id: safeId(thread_id),
    run_id: typeof run_id === 'string' ? run_id : '',
    checkpoint_ns: safeText(checkpoint_ns),
  })
}

function pythonCheckpoint(record: CheckpointRecord, state: CheckpointState): string {
  const versions = state.checkpoint.channel_versions ?? {}
  const texts = Object.entries(versions).map(([channel, version]) => [channel, String(version)])
  const checkpoint = { type: 'json', ...state.checkpoint, channel_versions: Object.fromEntries(texts) }
  return object([...members(checkpoint), ['channel_values', values(record, state)], ['pending_sends', '[]']])
}

function jsDocument(record: CheckpointRecord, state: CheckpointState): string {
  const { thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, metadata, writes } = record
  return object([
    ['thread_id', json(thread_id)],
    ['checkpoint_ns', json(safeText(checkpoint_ns))],
    ['checkpoint_id', json(checkpoint_id)],
    ['parent_checkpoint_id', json(parent_checkpoint_id)],
    ['checkpoint', object([...members(state.checkpoint), ['channel_values', values(record, state)]])],
    ['metadata', json(metadata)],
    ['checkpoint_ts', json(instantOf(record))],
    ['has_writes', json(String(writes.length > 0))],
    ...searchable(metadata),
  ])
}

function pythonWrite(record: CheckpointRecord, { task_id, task_path, idx, channel, value }: PendingWrite): string {
  const { thread_id, checkpoint_ns, checkpoint_id } = record
  if (value.type === 'empty') throw refused(record, `its write to "${channel}" has no value`)
  return json({
    thread_id: safeId(thread_id),
    checkpoint_ns: safeText(checkpoint_ns),
    checkpoint_id: safeId(checkpoint_id),
    task_id,
    task_path,
    idx,
    channel,
    type: value.type === 'inline' ? 'json' : value.type,
    blob: Buffer.from(value.bytes ?? []).toString('base64'),
  })
}

function jsWrite(record: CheckpointRecord, { task_id, idx, channel, value }: PendingWrite, place: number): string {
  const { thread_id, checkpoint_ns, checkpoint_id } = record
  const text = jsonText(record, channel, value)
  return object([
    ...members({ thread_id, checkpoint_ns, checkpoint_id, task_id, idx, channel }),
    ['type', json(text === undefined || /^["\d\-tf]/.test(text) ? 'string' : 'json')],
    ...(text === undefined ? [] : [['value', text] as const]),
    ...members({ timestamp: 0, global_idx: place }),
  ])
}

function values(record: CheckpointRecord, { channels }: CheckpointState): string {
  return object(
    Object.entries(channels).flatMap(([channel, value]) => {
      const text = jsonText(record, channel, value)
      return text === undefined ? [] : [[channel, text] as const]
    }),
  )
}

/** Undefined where there is none. @throws `RECORD_REFUSED` */
function jsonText(record: CheckpointRecord, channel: string, { type, bytes }: StoredValue): string | undefined {
  const text = Buffer.from(bytes ?? []).toString()
  switch (type) {
    case 'empty':
      return undefined
    case 'null':
      return 'null'
    case 'json':
    case 'inline':
      return text
    case 'bytes':
      // What Python's saver makes of bytes.
      if (record.language === 'python') return json({ __bytes__: Buffer.from(bytes ?? []).toString('base64') })
  }
  throw refused(
    record,
    `the value of channel "${channel}" is of the type "${type}", and RedisJSON keeps JSON: write it into a store of PostgreSQL or SQLite, or export it`,
  )
}

/** What the savers put beside a checkpoint, so that it can be looked for. */
function searchable({ source, step }: CheckpointRecord['metadata']): readonly (readonly [string, string])[] {
  if (source === undefined || step === undefined) return []
  return members({ source, step })
}

/** Milliseconds since 1970. */
function instantOf({ timestamp }: CheckpointRecord): number {
  const at = timestamp === null ? Number.NaN : Date.parse(timestamp)
  return Number.isNaN(at) ? 0 : at
}

function members(value: object): readonly (readonly [string, string])[] {
  return Object.entries(value).map(([name, one]) => [name, json(one)] as const)
}

function object(all: readonly (readonly [string, string])[]): string {
  return `{${all.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`
}

function json(value: unknown): string {
  return encodeJson(value, { values: 'plain' })
}

function refused(record: CheckpointRecord, why: string): DroverError {
  return new DroverError('RECORD_REFUSED', `${shownCheckpoint(record)} cannot be kept: ${why}.`)
}
