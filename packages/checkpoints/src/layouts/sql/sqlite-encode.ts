import { refuseRedisMarks } from '../../base/redis-marks.js'
import type { CheckpointRecord } from '../../records/checkpoint-record.js'
import type { StoredValue } from '../../records/stored-value.js'
import { fromInline } from '../../serde/primitives.js'
import { spliceCheckpoint } from '../../serde/splice-checkpoint.js'
import { metadataJson } from './metadata-json.js'
import { requireLanguage } from './sql-language.js'
import type { SqliteLayoutName } from './sqlite-tables.js'

/** Values of the rows that a checkpoint is. */
export interface SqliteValues {
  readonly checkpoint: StoredValue
  readonly metadata: Uint8Array
  /** Parallel to the record's. */
  readonly writes: readonly StoredValue[]
}

/**
 * A checkpoint as the library of that layout keeps it: one value with all of its channels.
 *
 * @throws `RECORD_REFUSED`, `RECORD_UNREADABLE`
 */
export function sqliteValuesOf(record: CheckpointRecord, layout: SqliteLayoutName): SqliteValues {
  const form = layout === 'langgraph-js-sqlite' ? 'json' : 'msgpack'
  requireLanguage(record, form === 'json' ? 'js' : 'python', layout)
  refuseRedisMarks(record, layout)
  return {
    checkpoint: spliceCheckpoint(record.state, form),
    metadata: Buffer.from(metadataJson(record, layout)),
    writes: record.writes.map(({ value }) => fromInline(value, form)),
  }
}
