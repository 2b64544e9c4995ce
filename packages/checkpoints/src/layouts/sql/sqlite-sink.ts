import type { SqliteBatch } from '@drover/adapter-sqlite'
import { DroverError, type ExactSink, type Source } from '@drover/core'
import { adapterOf } from '../../base/adapters.js'
import { LazyStateStore } from '../../base/lazy-state-store.js'
import { placeName, placeOfType } from '../../base/place-name.js'
import type { CheckpointRecord } from '../../records/checkpoint-record.js'
import type { LayoutOptions, LayoutSinkOptions } from '../layout.js'
import { inspectSqlite } from './inspect-sqlite.js'
import { langgraphSqliteSource } from './sqlite-source.js'
import { createStatements, type SqliteLayoutName } from './sqlite-tables.js'
import { SqliteWriter } from './sqlite-writer.js'

/** Writes checkpoints as a library keeps them in SQLite, exactly once: the rows of a batch in both tables are one transaction. */
export function langgraphSqliteSink(
  layout: SqliteLayoutName,
  options: LayoutOptions & LayoutSinkOptions,
): ExactSink<CheckpointRecord> {
  const { filename } = placeOfType(layout, options.place, 'sqlite')
  const { onConflict = 'error' } = options
  const name = `${placeName(options.place)} ${layout}`
  const made = async (): Promise<ExactSink<CheckpointRecord>> => {
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
  }
  return {
    specVersion: 1,
    name,
    ...(onConflict === 'error' ? {} : { version: onConflict }),
    guarantee: 'exactly-once',
    keyed: onConflict !== 'error',
    batchSize: 1000,
    limits: { bytes: 32 * 1024 * 1024 },
    connect: async (operation) => (await made()).connect(operation),
    stateStore: () => new LazyStateStore(name, async () => (await adapterOf('sqlite')).sqliteStateStore({ filename })),
  }
}

/** @throws `SINK_NOT_READY` if other tables are there than those of the layout. */
async function prepare(batch: SqliteBatch, layout: SqliteLayoutName): Promise<void> {
  const { findings, tables, hasTaskPath } = await inspectSqlite(async (sql) => batch.all(sql), layout)
  if (tables.length === 0) {
    for (const statement of createStatements(layout)) await batch.exec(statement)
    return
  }
  const [found] = findings
  if (findings.length !== 1 || found?.layout !== layout) {
    const what = found === undefined ? `a table ${tables.join(', ')} of something else` : `the layout "${found.layout}"`
    throw new DroverError(
      'SINK_NOT_READY',
      `Checkpoints of "${layout}" cannot be written: ${what} is there. Write into another file, or name that layout.`,
    )
  }
  if (found.problem !== undefined) {
    throw new DroverError('SINK_NOT_READY', `Checkpoints of "${layout}" cannot be written: ${found.problem}`)
  }
  // What the library itself does with a file from before it had the column.
  if (layout === 'langgraph-sqlite' && !hasTaskPath) {
    await batch.exec(`ALTER TABLE writes ADD COLUMN task_path TEXT NOT NULL DEFAULT ''`)
  }
}
