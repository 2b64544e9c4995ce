import { tableSql } from './postgres-query.js'

/** The layouts in PostgreSQL. */
export type PostgresLayoutName = 'langgraph-postgres' | 'langgraph-postgres-shallow' | 'langgraph-js-postgres'

export const postgresTables = ['checkpoint_migrations', 'checkpoints', 'checkpoint_blobs', 'checkpoint_writes'] as const

/** How often the tables of a layout have been changed, as checkpoint_migrations counts it: the number of the last migration. */
export const lastMigrations: Readonly<Record<PostgresLayoutName, number>> = {
  'langgraph-postgres': 9,
  'langgraph-postgres-shallow': 7,
  'langgraph-js-postgres': 4,
}

/** Columns that each table of a layout has at its last migration. */
export const postgresColumns: Readonly<Record<PostgresLayoutName, Readonly<Record<string, readonly string[]>>>> = {
  'langgraph-postgres': columns({ isShallow: false, hasTaskPath: true }),
  'langgraph-postgres-shallow': columns({ isShallow: true, hasTaskPath: true }),
  'langgraph-js-postgres': columns({ isShallow: false, hasTaskPath: false }),
}

function columns({
  isShallow,
  hasTaskPath,
}: {
  isShallow: boolean
  hasTaskPath: boolean
}): Record<string, readonly string[]> {
  const scope = ['thread_id', 'checkpoint_ns']
  const ids = isShallow ? [] : ['checkpoint_id', 'parent_checkpoint_id']
  const path = hasTaskPath ? ['task_path'] : []
  return {
    checkpoints: [...scope, ...ids, 'type', 'checkpoint', 'metadata'],
    checkpoint_blobs: [...scope, 'channel', ...(isShallow ? [] : ['version']), 'type', 'blob'],
    checkpoint_writes: [...scope, 'checkpoint_id', 'task_id', 'idx', 'channel', 'type', 'blob', ...path],
  }
}

/**
 * The tables as the libraries' own migrations leave them (`MIGRATIONS` of langgraph-checkpoint-postgres 3.2 and of its shallow saver,
 * `getMigrations` of @langchain/langgraph-checkpoint-postgres 1.0), with the numbers that `setup()` would find. Indexes are built at once, the
 * tables being empty.
 */
export function createStatements(layout: PostgresLayoutName, schema: string | undefined): readonly string[] {
  const table = (name: string): string => tableSql(schema, name)
  const isShallow = layout === 'langgraph-postgres-shallow'
  const isPython = layout !== 'langgraph-js-postgres'
  const scope = `thread_id TEXT NOT NULL, checkpoint_ns TEXT NOT NULL DEFAULT ''`
  const indexed = isPython ? ['checkpoints', 'checkpoint_blobs', 'checkpoint_writes'] : []
  return [
    ...(schema === undefined ? [] : [`CREATE SCHEMA IF NOT EXISTS "${schema.replaceAll('"', '""')}"`]),
    `CREATE TABLE ${table('checkpoint_migrations')} (v INTEGER PRIMARY KEY)`,
    `CREATE TABLE ${table('checkpoints')} (
      ${scope}, ${isShallow ? '' : 'checkpoint_id TEXT NOT NULL, parent_checkpoint_id TEXT, '}type TEXT,
      checkpoint JSONB NOT NULL, metadata JSONB NOT NULL DEFAULT '{}',
      PRIMARY KEY (thread_id, checkpoint_ns${isShallow ? '' : ', checkpoint_id'}))`,
    `CREATE TABLE ${table('checkpoint_blobs')} (
      ${scope}, channel TEXT NOT NULL, ${isShallow ? '' : 'version TEXT NOT NULL, '}type TEXT NOT NULL, blob BYTEA,
      PRIMARY KEY (thread_id, checkpoint_ns, channel${isShallow ? '' : ', version'}))`,
    `CREATE TABLE ${table('checkpoint_writes')} (
      ${scope}, checkpoint_id TEXT NOT NULL, task_id TEXT NOT NULL, idx INTEGER NOT NULL, channel TEXT NOT NULL, type TEXT, blob BYTEA NOT NULL,
      ${isPython ? `task_path TEXT NOT NULL DEFAULT '', ` : ''}PRIMARY KEY (thread_id, checkpoint_ns, checkpoint_id, task_id, idx))`,
    ...indexed.map((name) => `CREATE INDEX IF NOT EXISTS ${name}_thread_id_idx ON ${table(name)} (thread_id)`),
    `INSERT INTO ${table('checkpoint_migrations')} (v) SELECT generate_series(0, ${lastMigrations[layout]})`,
  ]
}
