import type { Source } from '@drover/core'
import { adapterOf } from '../../base/adapters.js'
import { decodingSource } from '../../base/decoding-source.js'
import { placeName, placeOfType } from '../../base/place-name.js'
import { requireLayout } from '../../detect/require-layout.js'
import type { CheckpointRecord } from '../../records/checkpoint-record.js'
import { checkpointSchema } from '../../records/schemas.js'
import type { LayoutOptions } from '../layout.js'
import { askSqlite } from './ask.js'
import { inspectSqlite } from './inspect-sqlite.js'
import { checkpointOfSqlite, type SqliteRow } from './sqlite-row.js'
import { checkpointsQuery, type SqliteLayoutName } from './sqlite-tables.js'

const key = ['thread_id', 'checkpoint_ns', 'checkpoint_id'] as const

/** Reads checkpoints as a library keeps them in SQLite, with their writes, ordered by their key. */
export function langgraphSqliteSource(layout: SqliteLayoutName, options: LayoutOptions): Source<CheckpointRecord> {
  const { filename } = placeOfType(layout, options.place, 'sqlite')
  const language = layout === 'langgraph-js-sqlite' ? 'js' : 'python'
  const name = `${placeName(options.place)} ${layout}`
  return decodingSource<SqliteRow, CheckpointRecord>(
    async (operation) => {
      const { findings, hasTaskPath } = await inspectSqlite(askSqlite(filename, operation), layout)
      requireLayout(layout, findings, placeName(options.place))
      const { sqliteSource } = await adapterOf('sqlite')
      return sqliteSource<SqliteRow>({ filename, query: checkpointsQuery(hasTaskPath), key, name })
    },
    {
      name,
      version: layout,
      schema: checkpointSchema,
      decode: (row) => checkpointOfSqlite(row, language),
      rawOf: ({ checkpoint }) => (typeof checkpoint === 'string' ? Buffer.from(checkpoint) : (checkpoint ?? undefined)),
    },
  )
}
