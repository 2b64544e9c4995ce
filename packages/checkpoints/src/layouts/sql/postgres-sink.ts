import type { PostgresBatch } from '@drover/adapter-postgres'
import type { ExactSink, Source } from '@drover/core'
import { adapterOf } from '../../base/adapters.js'
import { placeName, placeOfType } from '../../base/place-name.js'
import type { CheckpointRecord } from '../../records/checkpoint-record.js'
import type { LayoutOptions, LayoutSinkOptions } from '../layout.js'
import { inspectPostgres } from './inspect-postgres.js'
import { langgraphPostgresSource } from './postgres-source.js'
import { createStatements, type PostgresLayoutName, postgresTables } from './postgres-tables.js'
import { PostgresWriter } from './postgres-writer.js'
import { readsBackOfPostgres } from './reads-back.js'
import { ShallowWriter } from './shallow-writer.js'
import { requireOwnTables, tableSink } from './table-sink.js'

/** Writes checkpoints as a library keeps them in PostgreSQL, exactly once: the rows of a batch in all tables are one transaction. */
export function langgraphPostgresSink(
  layout: PostgresLayoutName,
  options: LayoutOptions & LayoutSinkOptions,
): ExactSink<CheckpointRecord> {
  const { connection } = placeOfType(layout, options.place, 'postgres')
  const { schema, onConflict = 'error' } = options
  const name = `${placeName(options.place)} ${schema === undefined ? '' : `${schema} `}${layout}`
  return tableSink({
    name,
    onConflict,
    readsBackAs: (record) => readsBackOfPostgres(record, layout),
    stateStore: async () => (await adapterOf('postgres')).postgresStateStore({ connection }),
    open: async ({ warn }) => {
      const { postgresBatchSink } = await adapterOf('postgres')
      const writing = { layout, schema, onConflict, warn }
      const writer = layout === 'langgraph-postgres-shallow' ? new ShallowWriter(writing) : new PostgresWriter(writing)
      return postgresBatchSink<CheckpointRecord>({
        connection,
        name: layout,
        keyed: onConflict !== 'error',
        prepare: (batch) => prepare(batch, layout, schema),
        write: (records, batch) => writer.write(records, batch),
        readBack: () => langgraphPostgresSource(layout, options) as Source<object> as Source,
      })
    },
  })
}

/** @throws `SINK_NOT_READY` if other tables are there than those of the layout. */
async function prepare(
  batch: PostgresBatch,
  layout: PostgresLayoutName,
  schema: string | undefined,
): Promise<readonly string[]> {
  // Two lanes, or two processes, that find nothing would both create the tables.
  await batch.query(`SELECT pg_catalog.pg_advisory_xact_lock(hashtext('drover checkpoints'))`)
  const ask = async (sql: string): Promise<readonly (readonly unknown[])[]> =>
    (await batch.query(sql)).rows.map((row) => Object.values(row))
  const { findings, tables } = await inspectPostgres(ask, schema, layout)
  if (tables.length === 0) {
    const doing = `creating the tables of ${layout}`
    for (const statement of createStatements(layout, schema)) await batch.query(statement, [], { doing })
    return postgresTables.map((table) => `table "${table}"`)
  }
  const found = findings.find((finding) => finding.layout === layout) ?? findings[0]
  requireOwnTables(layout, found, { tables, elsewhere: 'another database or schema' })
  return []
}
