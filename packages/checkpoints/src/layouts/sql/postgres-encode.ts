import { DroverError, encodeJson } from '@drover/core'
import { refuseRedisMarks } from '../../base/redis-marks.js'
import type { CheckpointRecord } from '../../records/checkpoint-record.js'
import type { StoredValue } from '../../records/stored-value.js'
import { fromInline, inlineOf } from '../../serde/primitives.js'
import { isDeltaSnapshot } from './delta-snapshot.js'
import { metadataJson } from './metadata-json.js'
import type { PostgresLayoutName } from './postgres-tables.js'
import { requireLanguage, shownCheckpoint } from './sql-language.js'

/** Rows of the three tables that a checkpoint is. */
export interface PostgresRows {
  readonly checkpoint: string
  readonly metadata: string
  readonly blobs: readonly BlobRow[]
  readonly writes: readonly WriteRow[]
  /** Channels whose values have no place there, where they are more than nothing. */
  readonly leftOut: readonly string[]
}

export interface BlobRow {
  readonly channel: string
  readonly version: string
  readonly type: string
  readonly blob: Uint8Array | null
}

export interface WriteRow {
  readonly task_id: string
  readonly task_path: string
  readonly idx: number
  readonly channel: string
  readonly type: string
  readonly blob: Uint8Array
}

const noBytes = new Uint8Array(0)
/** What a channel that nobody has written to holds by itself, as JSON. */
const initial = new Set(['null', '[]', '{}', '""', '0', 'false'])
/** U+0000, or half of a surrogate pair. */
const brokenText = /\0|\p{Surrogate}/u

/**
 * A checkpoint as the library of that layout keeps it. Python's keeps null, texts, numbers and booleans in the checkpoint itself, where JSONB
 * holds them, and everything else by channel and version; the shallow one and JavaScript's keep all by channel.
 *
 * @throws `RECORD_REFUSED`, `RECORD_UNREADABLE`
 */
export function rowsOfCheckpoint(record: CheckpointRecord, layout: PostgresLayoutName): PostgresRows {
  requireLanguage(record, layout === 'langgraph-js-postgres' ? 'js' : 'python', layout)
  refuseRedisMarks(record, layout)
  const { state } = record
  if ('sealed' in state) {
    throw new DroverError(
      'RECORD_REFUSED',
      `${shownCheckpoint(record)} is one value of the type "${state.sealed.type}", which cannot be taken apart, and "${layout}" keeps each channel by itself. ` +
        'Write it into a store that keeps checkpoints as one value, such as langgraph-sqlite.',
    )
  }
  const { channel_values: _, ...checkpoint } = state.checkpoint
  const versions = (checkpoint.channel_versions ?? {}) as Readonly<Record<string, unknown>>
  const inline: string[] = []
  const blobs: BlobRow[] = []
  const leftOut: string[] = []
  for (const [channel, value] of Object.entries(state.channels)) {
    const { kept, stored } = placed(value, layout)
    if (kept !== undefined) inline.push(`${JSON.stringify(channel)}:${kept}`)
    if (stored === undefined) continue
    const version = versions[channel]
    if (version === undefined && stored.type === 'empty') continue
    if (version === undefined && layout === 'langgraph-js-postgres') {
      // A channel that nobody has written to: JavaScript's savers keep what it holds by itself only where they keep the checkpoint as one value.
      if (!isInitial(stored)) leftOut.push(channel)
      continue
    }
    if (version === undefined) throw withoutVersion(record, channel, layout)
    blobs.push({
      channel,
      version: String(version),
      type: stored.type,
      blob: stored.type === 'null' ? noBytes : stored.bytes,
    })
  }
  const json = encodeJson(checkpoint, { values: 'plain' })
  const rows = {
    checkpoint: layout === 'langgraph-postgres' ? withMember(json, `"channel_values":{${inline.join(',')}}`) : json,
    metadata: metadataJson(record, layout),
    blobs,
    writes: record.writes.map(({ value, ...write }) => {
      const { type, bytes } = fromInline(value, layout === 'langgraph-js-postgres' ? 'json' : 'msgpack')
      return { ...write, type, blob: bytes ?? noBytes }
    }),
    leftOut,
  }
  checkTexts(record, rows)
  return rows
}

/** What stands in the checkpoint itself, as JSON, and what by itself. */
function placed(
  value: StoredValue,
  layout: PostgresLayoutName,
): { readonly kept?: string; readonly stored?: StoredValue } {
  if (layout === 'langgraph-js-postgres') return { stored: fromInline(value, 'json') }
  if (layout === 'langgraph-postgres-shallow') return { stored: byItself(fromInline(value, 'msgpack')) }
  // A row of the type `empty` would be taken for a snapshot by who looks for the last one of a delta.
  if (value.type === 'empty') return {}
  const json = inlineOf(value)?.bytes
  if (json != null) {
    const text = Buffer.from(json).toString()
    // JSONB keeps no sign of 0, and gives a number with an exponent back as digits, which Python takes for an integer.
    if (!/^-?[\d.]+[eE]|^-0(?:\.0*)?$/.test(text)) return { kept: text }
    return { stored: fromInline(value, 'msgpack') }
  }
  return isDeltaSnapshot(value) ? { kept: 'true', stored: value } : { stored: byItself(value) }
}

/** Null and bytes have types of their own where a value is kept by itself; within a whole checkpoint they are MessagePack. */
function byItself(value: StoredValue): StoredValue {
  const { type, bytes } = value
  if (type !== 'msgpack' || bytes === null) return value
  const first = bytes[0] ?? 0
  if (first === 0xc0) return { type: 'null', bytes: null }
  // Bytes of a length that is written in one byte, two, or four.
  const head = first >= 0xc4 && first <= 0xc6 ? 1 + (1 << (first - 0xc4)) : 0
  return head === 0 ? value : { type: 'bytes', bytes: bytes.subarray(head) }
}

function isInitial({ type, bytes }: StoredValue): boolean {
  return type === 'json' && bytes !== null && bytes.length < 6 && initial.has(Buffer.from(bytes).toString())
}

function withMember(json: string, member: string): string {
  return json === '{}' ? `{${member}}` : `${json.slice(0, -1)},${member}}`
}

function withoutVersion(record: CheckpointRecord, channel: string, layout: string): DroverError {
  return new DroverError(
    'RECORD_REFUSED',
    `${shownCheckpoint(record)}: the channel "${channel}" has a value and no version, and "${layout}" keeps values by version.`,
  )
}

/** What PostgreSQL would refuse the whole batch for, without saying which record it is in. */
function checkTexts(record: CheckpointRecord, { checkpoint, metadata, blobs, writes }: PostgresRows): void {
  const names = [record.thread_id, record.checkpoint_ns, record.checkpoint_id, record.parent_checkpoint_id ?? '']
  const others = [
    ...blobs.flatMap(({ channel, version, type }) => [channel, version, type]),
    ...writes.flatMap(({ task_id, task_path, channel, type }) => [task_id, task_path, channel, type]),
  ]
  const isBroken = [...names, ...others].some((text) => brokenText.test(text))
  // JSON.stringify escapes no other character in this way than U+0000 and halves of surrogate pairs.
  const escaped = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/i
  if (!isBroken && !escaped.test(checkpoint) && !escaped.test(metadata)) return
  throw new DroverError(
    'RECORD_REFUSED',
    `${shownCheckpoint(record)}: a text has U+0000 or half of a surrogate pair, which PostgreSQL cannot keep.`,
  )
}
