import { realpath } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Operation } from '@drover/core'
import type { SchemaDatabase } from '../contracts/database.js'

/** Which database it is, to know its backups from those of others. */
export interface DatabaseIdentity {
  /** Of a SQLite file without its extension. */
  readonly database: string
  readonly identity: string
}

/** Whether the function may be called: managed servers keep it to themselves. */
const mayAskSql = `SELECT current_database() AS database, pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'execute') AS "mayAsk"`

export async function identityOf(database: SchemaDatabase, operation: Operation): Promise<DatabaseIdentity> {
  if (database.dialect === 'sqlite') {
    if (database.path === null) return { database: 'memory', identity: ':memory:' }
    const path = await realpath(database.path).catch(() => database.path ?? '')
    return { database: basename(path).replace(/\.(?:db|sqlite3?|sqlitedb)$/i, ''), identity: path }
  }
  const [row] = await database.query(mayAskSql, [], operation)
  const name = String(row?.database)
  if (row?.mayAsk !== true) return { database: name, identity: database.name }
  const [system] = await database.query(
    'SELECT system_identifier::text AS id FROM pg_catalog.pg_control_system()',
    [],
    operation,
  )
  return { database: name, identity: `server ${String(system?.id)}/${name}` }
}
