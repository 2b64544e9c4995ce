import type { SqliteBatch } from '@drover/adapter-sqlite'
import type { ExactSink, Source } from '@drover/core'
import { adapterOf } from '../../base/adapters.js'
import { placeName, placeOfType } from '../../base/place-name.js'
import type { CheckpointRecord } from '../../records/checkpoint-record.js'
import type { LayoutOptions, LayoutSinkOptions } from '../layout.js'
import { inspectSqlite } from './inspect-sqlite.js'
import { readsBackOfSqlite } from './reads-back.js'
import { langgraphSqliteSource } from './sqlite-source.js'
import { createStatements, type SqliteLayoutName } from './sqlite-tables.js'
import { SqliteWriter } from './sqlite-writer.js'
import { requireOwnTables, tableSink } from './table-sink.js'

/** Writes checkpoints as a library keeps them in SQLite, exactly once: the rows of a batch in both tables are one transaction. */
export function langgraphSqliteSink(
  layout: SqliteLayoutName,
  options: LayoutOptions & LayoutSinkOptions,
): ExactSink<CheckpointRecord> {
  const { filename } = placeOfType(layout, options.place, 'sqlite')
  const { onConflict = 'error' } = options
  const name = `${placeName(options.place)} ${layout}`
  return tableSink({
    name,
    onConflict,
    readsBackAs: (record) => readsBackOfSqlite(record, layout),
    stateStore: async () => (await adapterOf('sqlite')).sqliteStateStore({ filename }),
    open: async () => {
      const { sqliteBatchSink } = await adapterOf('sqlite')
      const writer = new SqliteWriter(layout, onConflict)
      return sqliteBatchSink<CheckpointRecord>({
        filename,
        name: layout,
        keyed: onConflict !== 'error',
        prepare: (batch) => prepare(batch, layout),
        write: (records, batch, { signal }) => writer.write(records, batch, signal),
        readBack: () => langgraphSqliteSource(layout, options) as Source<object> as Source,
      })
    },
  })
}

/** @throws `SINK_NOT_READY` if other tables are there than those of the layout. */
async function prepare(batch: SqliteBatch, layout: SqliteLayoutName): Promise<void> {
  const { findings, tables, hasTaskPath } = await inspectSqlite(async (sql) => batch.all(sql), layout)
  if (tables.length === 0) {
    for (const statement of createStatements(layout)) await batch.exec(statement)
    return
  }
  const found = findings.length === 1 ? findings[0] : findings.find((finding) => finding.layout !== layout)
  requireOwnTables(layout, found, { tables, elsewhere: 'another file' })
  // What the library itself does with a file from before it had the column.
  if (layout === 'langgraph-sqlite' && !hasTaskPath) {
    await batch.exec(`ALTER TABLE writes ADD COLUMN task_path TEXT NOT NULL DEFAULT ''`)
  }
}
