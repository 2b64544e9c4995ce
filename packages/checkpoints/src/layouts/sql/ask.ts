import type { Operation, Row, Source } from '@drover/core'
import { adapterOf } from '../../base/adapters.js'
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

async function rowsOf(source: Source<Row>, { signal }: Operation): Promise<readonly (readonly unknown[])[]> {
  await using session = await source.connect({ signal })
  const rows: unknown[][] = []
  const partition = { id: 'all', bounds: null }
  for await (const page of session.read({ signal, partition, after: null, page: { records: 1000, bytes: 1 << 20 } })) {
    rows.push(...page.rows().map((row) => Object.values(row).slice(1)))
  }
  return rows
}
