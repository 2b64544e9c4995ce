import type { PostgresConnection } from '@drover/adapter-postgres'
import type { SqliteConnection } from '@drover/adapter-sqlite'
import { DroverError } from '@drover/core'
import type { SchemaConnection } from '../contracts/database.js'
import { OwnSqlite } from '../database/own-sqlite.js'
import { OwnPostgres } from '../database/postgres-database.js'

/** The adapter's connection, for what only one database can do: COPY, snapshots that are shared. */
export function postgresOf(connection: SchemaConnection): PostgresConnection {
  if (connection instanceof OwnPostgres) return connection.connection
  throw new DroverError('CONTRACT_BROKEN', `${connection.name} is no connection to PostgreSQL of this package.`)
}

/** The adapter's connection, for the driver's own backup. */
export function sqliteOf(connection: SchemaConnection): SqliteConnection {
  if (connection instanceof OwnSqlite) return connection.connection
  throw new DroverError('CONTRACT_BROKEN', `${connection.name} is no connection to SQLite of this package.`)
}
