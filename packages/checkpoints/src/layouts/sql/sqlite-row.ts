import { DroverError, type JsonValue } from '@drover/core'
import { orderedWrites } from '../../base/ordered-writes.js'
import type { CheckpointRecord, PendingWrite } from '../../records/checkpoint-record.js'
import { sliceCheckpoint } from '../../serde/slice-checkpoint.js'
import { objectOf, storedValue } from './postgres-row.js'
import type { Language } from './sql-language.js'

/** A row of `checkpointsQuery`. A library may have bound what is declared BLOB as text. */
export interface SqliteRow {
  readonly thread_id: string
  readonly checkpoint_ns: string
  readonly checkpoint_id: string
  readonly parent_checkpoint_id: string | null
  readonly type: string | null
  readonly checkpoint: Uint8Array | string | null
  readonly metadata: Uint8Array | string | null
  readonly writes: string
}

type WriteTuple = readonly [
  task: string,
  path: string,
  place: number,
  channel: string,
  type: string | null,
  hex: string,
]

/** @throws `RECORD_UNREADABLE` */
export function checkpointOfSqlite(row: SqliteRow, language: Language): CheckpointRecord {
  const usual = language === 'python' ? 'msgpack' : 'json'
  const bytes = bytesOf(row.checkpoint)
  if (bytes === null) throw new DroverError('RECORD_UNREADABLE', 'The checkpoint is null.')
  const state = sliceCheckpoint({ type: row.type ?? usual, bytes })
  const ts = 'checkpoint' in state ? state.checkpoint.ts : undefined
  return {
    thread_id: row.thread_id,
    checkpoint_ns: row.checkpoint_ns,
    checkpoint_id: row.checkpoint_id,
    parent_checkpoint_id: row.parent_checkpoint_id,
    timestamp: typeof ts === 'string' ? ts : null,
    language,
    state,
    metadata: metadataOf(row, language),
    writes: writesOf(row.writes, usual),
  }
}

function metadataOf({ metadata, type }: SqliteRow, language: Language): Record<string, JsonValue> {
  const bytes = bytesOf(metadata)
  if (bytes === null) return {}
  if (language === 'js' && type !== null && type !== 'json') {
    throw new DroverError(
      'RECORD_UNREADABLE',
      `The metadata is of the type "${type}", as a serialiser of one's own has written it, and only JSON can be read.`,
    )
  }
  return objectOf(Buffer.from(bytes).toString(), 'The metadata') as Record<string, JsonValue>
}

function writesOf(json: string, usual: string): readonly PendingWrite[] {
  if (json === '[]') return []
  const tuples = JSON.parse(json) as readonly WriteTuple[]
  return orderedWrites(
    tuples.map(([task_id, task_path, idx, channel, type, hex]): PendingWrite => {
      const value = storedValue(
        type ?? usual,
        new Uint8Array(Buffer.from(hex, 'hex')),
        `A write to the channel "${channel}"`,
      )
      return { task_id, task_path, idx, channel, value }
    }),
  )
}

function bytesOf(value: Uint8Array | string | null): Uint8Array | null {
  return typeof value === 'string' ? Buffer.from(value) : value
}
