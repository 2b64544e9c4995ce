import type { Operation, Row, Source } from '@drover/core'
import { adapterOf } from '../../base/adapters.js'
import { readAll } from '../../base/read-all.js'
import type { Ask } from './inspect-postgres.js'

/** Asks a PostgreSQL database, read-only, on a connection for each question. */
export function askPostgres(connection: string | object, operation: Operation): Ask {
  return async (sql) => {
    const { postgresSource } = await adapterOf('postgres')
    return rowsOf(postgresSource({ connection, query: numbered(sql), key: 'drover_n', json: 'text' }), operation)
  }
}

/** Asks an SQLite database, read-only. */
export function askSqlite(filename: string, operation: Operation): Ask {
  return async (sql) => {
    const { sqliteSource } = await adapterOf('sqlite')
    return rowsOf(sqliteSource({ filename, query: numbered(sql), key: 'drover_n' }), operation)
  }
}

/** Sources are read by key. */
function numbered(sql: string): string {
  return `SELECT row_number() OVER () AS drover_n, q.* FROM (${sql}) AS q`
}

async function rowsOf(source: Source<Row>, operation: Operation): Promise<readonly (readonly unknown[])[]> {
  return (await readAll(source, operation)).map((row) => Object.values(row).slice(1))
}
