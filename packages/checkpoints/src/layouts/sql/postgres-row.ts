import { DroverError, type JsonValue } from '@drover/core'
import { checkValue } from '../../base/check-value.js'
import { jsonMembers } from '../../base/json-members.js'
import { orderedWrites } from '../../base/ordered-writes.js'
import type { CheckpointRecord, PendingWrite } from '../../records/checkpoint-record.js'
import type { StoredValue } from '../../records/stored-value.js'
import { parseWithNumbers } from '../../serde/json/parse-json.js'
import type { Language } from './sql-language.js'

/** A row of `checkpointsQuery`; JSON is text. */
export interface PostgresRow {
  readonly thread_id: string
  readonly checkpoint_ns: string
  readonly checkpoint_id: string
  readonly parent_checkpoint_id: string | null
  readonly checkpoint: string
  readonly inline: string | null
  readonly metadata: string
  readonly channels: readonly string[] | null
  readonly types: readonly string[] | null
  readonly blobs: readonly (Uint8Array | null)[] | null
  readonly write_tasks: readonly string[] | null
  readonly write_paths: readonly string[] | null
  readonly write_places: readonly number[] | null
  readonly write_channels: readonly string[] | null
  readonly write_types: readonly (string | null)[] | null
  readonly write_blobs: readonly Uint8Array[] | null
}

const nothing: StoredValue = { type: 'empty', bytes: null }

/** @throws `RECORD_UNREADABLE` */
export function checkpointOfPostgres(row: PostgresRow, language: Language): CheckpointRecord {
  const checkpoint = objectOf(row.checkpoint, 'The checkpoint')
  const { ts } = checkpoint
  return {
    thread_id: row.thread_id,
    checkpoint_ns: row.checkpoint_ns,
    checkpoint_id: row.checkpoint_id,
    parent_checkpoint_id: row.parent_checkpoint_id,
    timestamp: typeof ts === 'string' ? ts : null,
    language,
    state: { checkpoint, channels: channelsOf(row, checkpoint) },
    metadata: objectOf(row.metadata, 'The metadata') as Record<string, JsonValue>,
    writes: writesOf(row, language),
  }
}

/** What a blob and an inline value say of the same channel is what the blob says: `true` stands inline for a delta's snapshot. */
function channelsOf(
  row: PostgresRow,
  { channel_versions }: Readonly<Record<string, unknown>>,
): Record<string, StoredValue> {
  const channels = new Map<string, StoredValue>()
  for (const name of Object.keys(channel_versions ?? {})) channels.set(name, nothing)
  if (row.inline !== null && row.inline !== '{}' && row.inline !== 'null') {
    for (const [name, json] of jsonMembers(row.inline)) channels.set(name, { type: 'inline', bytes: Buffer.from(json) })
  }
  row.channels?.forEach((name, i) => {
    const type = row.types?.[i] ?? 'empty'
    if (type !== 'empty') channels.set(name, storedValue(type, row.blobs?.[i] ?? null, `Channel "${name}"`))
  })
  return Object.fromEntries(channels)
}

function writesOf(row: PostgresRow, language: Language): readonly PendingWrite[] {
  const tasks = row.write_tasks
  if (tasks === null) return []
  const usual = language === 'python' ? 'msgpack' : 'json'
  return orderedWrites(
    tasks.map((task_id, i): PendingWrite => {
      const channel = row.write_channels?.[i] ?? ''
      const type = row.write_types?.[i] ?? usual
      const bytes = row.write_blobs?.[i] ?? null
      return {
        task_id,
        task_path: row.write_paths?.[i] ?? '',
        idx: row.write_places?.[i] ?? 0,
        channel,
        value: storedValue(type, bytes, `A write to the channel "${channel}"`),
      }
    }),
  )
}

/** @throws `RECORD_UNREADABLE` */
export function storedValue(type: string, bytes: Uint8Array | null, what: string): StoredValue {
  const value: StoredValue = type === 'null' ? { type, bytes: null } : { type, bytes }
  checkValue(value, what)
  return value
}

/** @throws `RECORD_UNREADABLE` */
export function objectOf(text: string, what: string): Record<string, unknown> {
  let value: unknown
  try {
    value = parseWithNumbers(text)
  } catch (cause) {
    throw new DroverError('RECORD_UNREADABLE', `${what} is no JSON.`, { cause })
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new DroverError('RECORD_UNREADABLE', `${what} is no JSON object.`)
}
