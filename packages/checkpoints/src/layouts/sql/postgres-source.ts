import type { Source } from '@drover/core'
import { adapterOf } from '../../base/adapters.js'
import { decodingSource } from '../../base/decoding-source.js'
import { placeName, placeOfType } from '../../base/place-name.js'
import { requireLayout } from '../../detect/require-layout.js'
import type { CheckpointRecord } from '../../records/checkpoint-record.js'
import { checkpointSchema } from '../../records/schemas.js'
import type { LayoutOptions } from '../layout.js'
import { askPostgres } from './ask.js'
import { inspectPostgres } from './inspect-postgres.js'
import { checkpointsQuery } from './postgres-query.js'
import { checkpointOfPostgres, type PostgresRow } from './postgres-row.js'
import type { PostgresLayoutName } from './postgres-tables.js'

const key = ['thread_id', 'checkpoint_ns', 'checkpoint_id'] as const

/** Reads checkpoints as a library keeps them in PostgreSQL, with their values and writes in one statement, ordered by their key. */
export function langgraphPostgresSource(layout: PostgresLayoutName, options: LayoutOptions): Source<CheckpointRecord> {
  const { connection } = placeOfType(layout, options.place, 'postgres')
  const { schema } = options
  const isShallow = layout === 'langgraph-postgres-shallow'
  const language = layout === 'langgraph-js-postgres' ? 'js' : 'python'
  const name = `${placeName(options.place)} ${schema === undefined ? '' : `${schema} `}${layout}`
  return decodingSource<PostgresRow, CheckpointRecord>(
    async (operation) => {
      const sights = await inspectPostgres(askPostgres(connection, operation), schema, layout)
      requireLayout(layout, sights.findings, placeName(options.place))
      const { postgresSource } = await adapterOf('postgres')
      const query = checkpointsQuery({ schema, isShallow, hasTaskPath: sights.hasTaskPath })
      return postgresSource<PostgresRow>({ connection, query, key, json: 'text', name })
    },
    {
      name,
      version: layout,
      schema: checkpointSchema,
      sameFields: { thread_id: 'thread_id', checkpoint_ns: 'checkpoint_ns', checkpoint_id: 'checkpoint_id' },
      decode: (row) => checkpointOfPostgres(row, language),
    },
  )
}
