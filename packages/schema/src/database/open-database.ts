import { checkOptionNames, DroverError } from '@drover/core'
import type { Knex } from 'knex'
import type { SchemaDatabase } from '../contracts/database.js'
import type { SchemaLocation } from '../contracts/migrator.js'
import { openPostgresDatabase } from './postgres-database.js'
import { openSqliteDatabase } from './sqlite-database.js'

/** Options of {@link openDatabase}. */
export interface OpenDatabaseOptions {
  /** Who asks, for messages. @default 'openDatabase' */
  readonly where?: string
  /** What the names of the state store's tables begin with. @default 'drover_' */
  readonly tablePrefix?: string
}

/**
 * Opens the database that migrations are for. PostgreSQL is connected to at once; the file of a SQLite database is opened, and created, with
 * the first connection.
 *
 * @param location `postgres://…`, `sqlite:…`, `file:…`, a path, `:memory:`; the application's knex instance; `{ filename }`; `{ postgres }` with a
 *   pool or a configuration of pg. @default the variable DATABASE_URL
 * @throws `OPTION_INVALID`, `PACKAGE_MISSING`, `SOURCE_NOT_FOUND`, `STORE_DENIED`, `STORE_BUSY`, `STORE_UNAVAILABLE`
 */
export async function openDatabase(
  location: SchemaLocation | undefined,
  { where = 'openDatabase', tablePrefix }: OpenDatabaseOptions = {},
): Promise<SchemaDatabase> {
  const given = location ?? process.env.DATABASE_URL
  if (given === undefined || given === '') {
    throw invalid(
      where,
      'give connection, or set the variable DATABASE_URL: postgres://user:password@host:port/database, or the path of a SQLite file',
    )
  }
  if (typeof given === 'string') {
    if (/^postgres(?:ql)?(?:\+\w+)?:\/\//i.test(given)) {
      const connection = location === undefined ? undefined : given
      return openPostgresDatabase(
        where,
        { connection, url: given.replace(/^(postgres(?:ql)?)\+\w+:/i, '$1:') },
        tablePrefix,
      )
    }
    const scheme = /^([a-z][a-z\d+.-]+):\/\//i.exec(given)?.[1]
    if (scheme !== undefined && !/^(?:sqlite3?|file)$/i.test(scheme)) {
      throw invalid(
        where,
        `connection begins with ${scheme}://; migrations are for PostgreSQL (postgres://…) and SQLite (a path, sqlite:… or file:…)`,
      )
    }
    return openSqliteDatabase(where, { filename: given }, tablePrefix)
  }
  if (typeof given === 'function') return openGivenKnex(where, given, tablePrefix)
  if (typeof given === 'object' && given !== null && 'postgres' in given) {
    checkOptionNames(`${where}, connection`, given, ['postgres'])
    const connection = given.postgres
    return openPostgresDatabase(where, { connection, url: urlOf(connection) }, tablePrefix)
  }
  if (typeof given === 'object' && given !== null && 'filename' in given) {
    checkOptionNames(`${where}, connection`, given, ['filename', 'driver', 'busyTimeoutMs'])
    return openSqliteDatabase(where, given, tablePrefix)
  }
  throw invalid(
    where,
    'connection is a URL, a path, a knex instance, { filename } or { postgres: a pool or a configuration of pg }',
  )
}

function openGivenKnex(where: string, knex: Knex, tablePrefix: string | undefined): Promise<SchemaDatabase> {
  const { client } = knex as { readonly client?: { readonly dialect?: unknown } }
  if (client?.dialect === 'postgresql') return openPostgresDatabase(where, { connection: knex, url: null }, tablePrefix)
  if (client?.dialect === 'sqlite3') return openSqliteDatabase(where, { knex }, tablePrefix)
  throw invalid(
    where,
    client === undefined
      ? 'connection is a function, but no knex instance'
      : `connection is a knex instance for "${String(client.dialect)}"; migrations are for PostgreSQL and SQLite`,
  )
}

/** What pg_dump could enter with; null of a pool, and where the password is a function's. */
function urlOf(connection: object): string | null {
  const { connectionString, host, port, database, user, password } = connection as Readonly<Record<string, unknown>>
  if (typeof connectionString === 'string') return connectionString
  if (typeof host !== 'string' || host.startsWith('/') || (password !== undefined && typeof password !== 'string'))
    return null
  const enter = [user, password].filter((part) => part !== undefined).map((part) => encodeURIComponent(String(part)))
  const at = enter.length === 0 ? '' : `${enter.join(':')}@`
  const server = host.includes(':') ? `[${host}]` : host
  return `postgres://${at}${server}${port === undefined ? '' : `:${String(port)}`}/${encodeURIComponent(String(database ?? ''))}`
}

function invalid(where: string, what: string): DroverError {
  return new DroverError('OPTION_INVALID', `${where}: ${what}.`)
}
