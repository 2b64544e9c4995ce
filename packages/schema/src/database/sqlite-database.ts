import type { SqliteConnection } from '@drover/adapter-sqlite'
import { DroverError } from '@drover/core'
import makeKnex, { type Knex } from 'knex'
import type { SchemaDatabase } from '../contracts/database.js'
import { loadAdapter } from './load-adapter.js'
import { OwnSqlite } from './own-sqlite.js'
import { backfillOptions } from './postgres-database.js'
import { sqliteValue } from './sqlite-values.js'

interface SqliteTarget {
  readonly filename?: string
  readonly knex?: Knex
  readonly driver?: 'better-sqlite3' | 'sqlite3'
  readonly busyTimeoutMs?: number
}

export async function openSqliteDatabase(
  where: string,
  given: SqliteTarget,
  tablePrefix: string | undefined,
): Promise<SchemaDatabase> {
  const { databaseLocation, locationName, openSqlite, sqliteBackfill, sqliteStateStore } = await loadAdapter('sqlite')
  const isMemory = given.filename !== undefined && databaseLocation(given.filename, where).path === null
  // Each connection to ":memory:" is a database of its own; connections of one instance of knex share it.
  const own = isMemory ? await inMemory(given) : undefined
  const location: SqliteTarget = own === undefined ? given : { knex: own, ...busyTimeout(given) }
  const prefix = tablePrefix === undefined ? {} : { tablePrefix }
  const open = (): Promise<SqliteConnection> => openSqlite(location)
  let reader: Promise<SqliteConnection> | undefined
  const toReader = (): Promise<SqliteConnection> => {
    if (reader === undefined) {
      reader = open()
      reader.catch(() => {
        reader = undefined
      })
    }
    return reader
  }
  let path: string | null = null
  try {
    if (location.filename !== undefined) path = databaseLocation(location.filename, where).path
    else path = (await toReader()).path
  } catch (error) {
    await own?.destroy()
    throw error
  }
  const state = sqliteStateStore({ ...location, ...prefix })
  return {
    dialect: 'sqlite',
    name: isMemory ? ':memory:' : locationName(location),
    path,
    url: path,
    state,
    async connect({ signal }) {
      if (signal.aborted) throw DroverError.from(signal.reason, `${where}: connecting was given up`, 'ABORTED')
      return await OwnSqlite.open(await open(), signal)
    },
    async query(sql, values) {
      return (await (await toReader()).objects(sql, values.map(sqliteValue))).rows
    },
    toBackfill: (backfill) => sqliteBackfill({ ...location, ...prefix, ...backfillOptions(backfill) }),
    async [Symbol.asyncDispose]() {
      await state[Symbol.asyncDispose]?.()
      await (await reader?.catch(() => undefined))?.[Symbol.asyncDispose]()
      reader = undefined
      await own?.destroy()
    },
  }
}

function busyTimeout({ busyTimeoutMs }: SqliteTarget): Pick<SqliteTarget, 'busyTimeoutMs'> {
  return busyTimeoutMs === undefined ? {} : { busyTimeoutMs }
}

async function inMemory({ driver }: SqliteTarget): Promise<Knex> {
  const { openSqlite } = await loadAdapter('sqlite')
  await using probe = await openSqlite({ filename: ':memory:', ...(driver === undefined ? {} : { driver }) })
  return makeKnex({ client: probe.driver, connection: { filename: ':memory:' }, useNullAsDefault: true })
}
