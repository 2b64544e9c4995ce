import type { Layout } from '../layout.js'
import { langgraphPostgresSink } from './postgres-sink.js'
import { langgraphPostgresSource } from './postgres-source.js'
import type { PostgresLayoutName } from './postgres-tables.js'
import { langgraphSqliteSink } from './sqlite-sink.js'
import { langgraphSqliteSource } from './sqlite-source.js'
import type { SqliteLayoutName } from './sqlite-tables.js'

/** Checkpoints of LangGraph in SQL. */
export const sqlLayouts: readonly Layout[] = [
  postgresLayout('langgraph-postgres'),
  postgresLayout('langgraph-postgres-shallow'),
  postgresLayout('langgraph-js-postgres'),
  sqliteLayout('langgraph-sqlite'),
  sqliteLayout('langgraph-js-sqlite'),
]

function postgresLayout(name: PostgresLayoutName): Layout {
  return {
    name,
    records: 'checkpoints',
    store: 'postgres',
    source: (options) => langgraphPostgresSource(name, options),
    sink: (options) => langgraphPostgresSink(name, options),
  }
}

function sqliteLayout(name: SqliteLayoutName): Layout {
  return {
    name,
    records: 'checkpoints',
    store: 'sqlite',
    source: (options) => langgraphSqliteSource(name, options),
    sink: (options) => langgraphSqliteSink(name, options),
  }
}
