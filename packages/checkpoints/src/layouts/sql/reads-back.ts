import { jsonMembers } from '../../base/json-members.js'
import type { CheckpointRecord } from '../../records/checkpoint-record.js'
import type { StoredValue } from '../../records/stored-value.js'
import { rowsOfCheckpoint } from './postgres-encode.js'
import { checkpointOfPostgres } from './postgres-row.js'
import type { PostgresLayoutName } from './postgres-tables.js'
import { sqliteValuesOf } from './sqlite-encode.js'
import { checkpointOfSqlite } from './sqlite-row.js'
import type { SqliteLayoutName } from './sqlite-tables.js'

/**
 * The record that is read after this one was written: PostgreSQL keeps a text in the checkpoint itself and SQLite in MessagePack, so the same
 * checkpoint has other bytes in each.
 *
 * @throws `RECORD_REFUSED`, `RECORD_UNREADABLE` for a record that is not written
 */
export function readsBackOfSqlite(record: CheckpointRecord, layout: SqliteLayoutName): CheckpointRecord {
  const { checkpoint, metadata, writes } = sqliteValuesOf(record, layout)
  const isJs = layout === 'langgraph-js-sqlite'
  const tuples = record.writes.map(({ task_id, task_path, idx, channel }, i) => {
    const { type, bytes } = writes[i] as StoredValue
    return [task_id, isJs ? '' : task_path, idx, channel, type, Buffer.from(bytes ?? []).toString('hex')]
  })
  const row = {
    ...namesOf(record),
    type: checkpoint.type,
    checkpoint: checkpoint.bytes,
    metadata,
    writes: JSON.stringify(tuples),
  }
  return checkpointOfSqlite(row, isJs ? 'js' : 'python')
}

/**
 * The same for PostgreSQL.
 *
 * @throws `RECORD_REFUSED`, `RECORD_UNREADABLE` for a record that is not written
 */
export function readsBackOfPostgres(record: CheckpointRecord, layout: PostgresLayoutName): CheckpointRecord {
  const { checkpoint, metadata, blobs, writes } = rowsOfCheckpoint(record, layout)
  const isJs = layout === 'langgraph-js-postgres'
  const members = new Map(jsonMembers(checkpoint))
  const inline = members.get('channel_values')
  members.delete('channel_values')
  const row = {
    ...namesOf(record),
    ...(layout === 'langgraph-postgres-shallow' ? { parent_checkpoint_id: null } : {}),
    checkpoint: asJsonb(objectText(members)),
    inline:
      inline === undefined
        ? null
        : objectText(new Map(jsonMembers(inline).map(([name, text]) => [name, asJsonb(text)]))),
    metadata: asJsonb(metadata),
    channels: blobs.map(({ channel }) => channel),
    types: blobs.map(({ type }) => type),
    blobs: blobs.map(({ blob }) => blob),
    write_tasks: writes.map(({ task_id }) => task_id),
    write_paths: writes.map(({ task_path }) => (isJs ? '' : task_path)),
    write_places: writes.map(({ idx }) => idx),
    write_channels: writes.map(({ channel }) => channel),
    write_types: writes.map(({ type }) => type),
    write_blobs: writes.map(({ blob }) => blob),
  }
  return checkpointOfPostgres(row, isJs ? 'js' : 'python')
}

function namesOf({ thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id }: CheckpointRecord) {
  return { thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id }
}

function objectText(members: ReadonlyMap<string, string>): string {
  return `{${[...members].map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`
}

/** Texts with the escapes that PostgreSQL prints, and large numbers with all their digits, as `numeric` has them. */
function asJsonb(json: string): string {
  return json.replace(
    /"(?:[^"\\]|\\.)*"|(-?)(\d+)(?:\.(\d+))?[eE]\+?(\d+)/g,
    (text, sign, whole, fraction = '', exponent) => {
      if (text.startsWith('"')) return text.includes('\\') ? JSON.stringify(JSON.parse(text)) : text
      const places = Number(exponent)
      if (fraction.length > places) return text
      return `${sign}${whole}${fraction}${'0'.repeat(places - fraction.length)}`
    },
  )
}
