import { checkOptionNames, checkText, checkWholeNumber, DroverError, pathName } from '@drover/core'
import type { Knex } from 'knex'
import { sqliteError } from '../errors/sqlite-error.js'
import { BetterHandle } from './better-handle.js'
import { chooseDriver } from './choose-driver.js'
import { checkFile, databaseLocation } from './database-location.js'
import { driverInUse, refuseOtherDriver, rememberDriver } from './drivers-in-use.js'
import { checkKnex, driverOf, fileOf, ownConfig, sharedHandle } from './given-knex.js'
import { NpmHandle } from './npm-handle.js'
import { type OpenNative, openNative } from './open-native.js'
import { openReadonly } from './open-readonly.js'
import { OwnConnection } from './own-connection.js'
import type { BetterDatabase, NpmDatabase, SqliteConnection, SqliteDriver } from './sqlite-connection.js'
import type { SqliteHandle } from './sqlite-handle.js'
import { waitWhileBusy } from './wait-while-busy.js'

/** Where the database is: by a path or URL, or by a knex instance. The options that source, sink and state store share. */
export interface SqliteLocation {
  /** `chat.db`, `sqlite:///relative.db`, `sqlite:////absolute.db`, a `file:` URI or `:memory:`. */
  readonly filename?: string
  /**
   * A knex instance of the application, for `sqlite3` or `better-sqlite3`. Of a database in a file, Drover opens connections of
   * its own with the same configuration, so that no statement of the application lands in its transactions; one in memory is
   * shared. The instance stays open: who creates a client closes it.
   */
  readonly knex?: Knex
  /** Which driver opens `filename`. @default 'better-sqlite3' where it is installed and works, else 'sqlite3' */
  readonly driver?: SqliteDriver
  /** How long to wait for a lock that somebody else holds, in milliseconds. @default 5000 */
  readonly busyTimeoutMs?: number
}

export const locationOptions = ['filename', 'knex', 'driver', 'busyTimeoutMs'] as const

export interface OpenOptions extends SqliteLocation {
  /** Nothing can be written, and a file that is not there is not created. @default false */
  readonly readonly?: boolean
  /** Create the file if it is not there. @default true, unless readonly */
  readonly create?: boolean
}

/**
 * Refuses a location that is none, without touching it: what a factory calls.
 *
 * @throws `OPTION_INVALID`
 */
export function checkLocation(where: string, options: SqliteLocation): void {
  const { filename, knex, driver } = options
  if (filename !== undefined && knex !== undefined) {
    throw new DroverError('OPTION_INVALID', `${where}: give either filename or knex, not both.`)
  }
  if (knex !== undefined) checkKnex(where, knex)
  else if (typeof filename === 'object' && filename !== null) checkKnex(where, filename)
  else {
    checkText(where, 'filename', filename)
    databaseLocation(filename as string, where)
  }
  if (driver !== undefined && driver !== 'better-sqlite3' && driver !== 'sqlite3') {
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: driver is "better-sqlite3" or "sqlite3", not ${JSON.stringify(driver)}.`,
    )
  }
  if (knex !== undefined && driver !== undefined) {
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: the knex instance brings its driver; leave the option driver out.`,
    )
  }
  checkWholeNumber(where, 'busyTimeoutMs', options.busyTimeoutMs, 0)
}

/** The database as messages and run names show it: `./chat.db` and `chat.db` are one. URLs are shown as they were given. */
export function locationName(options: SqliteLocation): string {
  const settings = options.knex?.client.connectionSettings as { readonly filename?: unknown } | undefined
  const given = options.filename ?? settings?.filename
  if (typeof given !== 'string') return 'the given knex instance'
  const name = pathName(given)
  // What is a path with a dot in front may be something else without it.
  return given === '' || name === ':memory:' || /^(?:sqlite3?|file):/i.test(name) ? given : name
}

/**
 * Opens a connection of our own.
 *
 * @throws `OPTION_INVALID`, `SOURCE_NOT_FOUND`, `SOURCE_INVALID`, `STORE_DENIED`, `STORE_BUSY`, `STORE_UNAVAILABLE`
 */
export async function openSqlite(options: OpenOptions): Promise<SqliteConnection> {
  const where = 'openSqlite'
  checkOptionNames(where, options, [...locationOptions, 'readonly', 'create'])
  checkLocation(where, options)
  const about = {
    name: locationName(options),
    isReadonly: options.readonly ?? false,
    busyTimeoutMs: options.busyTimeoutMs ?? 5000,
  }
  if (options.knex !== undefined) return openGiven(options.knex, about)
  const location = databaseLocation(about.name, where)
  const isReadonly = (about.isReadonly || location.isReadonly) && location.path !== null
  await checkFile(location, (options.create ?? !about.isReadonly) && location.mayCreate && !isReadonly)
  const driver = await chooseDriver(options.driver ?? driverInUse(location.path), where)
  refuseOtherDriver(location.path, driver, location.name)
  const filename = location.path ?? ':memory:'
  return connect(
    () => (isReadonly ? openReadonly(driver, filename) : openNative(driver, filename, false)),
    about,
    async () => {
      const { default: makeKnex } = await import('knex')
      return makeKnex({ client: driver, connection: { filename }, useNullAsDefault: true })
    },
  )
}

interface About {
  readonly name: string
  readonly isReadonly: boolean
  readonly busyTimeoutMs: number
}

async function openGiven(knex: Knex, about: About): Promise<SqliteConnection> {
  const file = await fileOf(knex).catch((error: unknown) => {
    throw sqliteError(error, `opening "${about.name}"`)
  })
  if (file === null) {
    const shared = await sharedHandle(knex, makeHandle)
    return new OwnConnection({ ...about, ...shared, toKnex: async () => knex, path: null, database: knex })
  }
  refuseOtherDriver(file, driverOf(knex), about.name)
  const { default: makeKnex } = await import('knex')
  const pool = makeKnex(ownConfig(knex))
  const open = async (): Promise<OpenNative> => {
    try {
      const native = await pool.client.acquireConnection()
      const close = async (): Promise<void> => {
        await pool.client.releaseConnection(native)
        await pool.destroy()
      }
      return { native, close }
    } catch (error) {
      await pool.destroy()
      throw error
    }
  }
  return connect(open, about, async () => pool)
}

/** Gives the handle of whichever driver it is. */
function makeHandle(native: unknown): SqliteHandle {
  return 'pragma' in (native as object)
    ? new BetterHandle(native as BetterDatabase)
    : new NpmHandle(native as NpmDatabase)
}

/** @param makeKnex The query builder for that database, which is made when somebody asks for it. */
async function connect(
  open: () => Promise<OpenNative>,
  about: About,
  makeKnex: () => Promise<Knex>,
): Promise<SqliteConnection> {
  const doing = `opening "${about.name}"`
  let knex: Promise<Knex> | undefined
  const toKnex = (): Promise<Knex> => {
    knex ??= makeKnex()
    return knex
  }
  let release = async (): Promise<void> => {
    await (await knex)?.destroy()
  }
  try {
    const opened = await open()
    const handle = makeHandle(opened.native)
    const destroy = release
    release = async () => {
      await handle.release()
      await opened.close()
      await destroy()
    }
    // SQLite must not wait by itself, see waitWhileBusy.
    await handle.exec(`PRAGMA busy_timeout = 0${about.isReadonly ? '; PRAGMA query_only = ON' : ''}`)
    // The first look at the file is what finds out that it is no database.
    await waitWhileBusy(() => handle.all('SELECT count(*) FROM sqlite_master', [], 'auto'), about.busyTimeoutMs)
    // Another process may be changing the journal mode meanwhile, which locks readers out.
    const file = `SELECT file FROM pragma_database_list WHERE name = 'main'`
    const [row] = await waitWhileBusy(() => handle.all(file, [], 'auto'), about.busyTimeoutMs)
    const path = typeof row?.[0] === 'string' && row[0] !== '' ? row[0] : null
    const close = release
    const forget = path === null ? () => {} : rememberDriver(path, handle.native.driver)
    release = async () => {
      await close()
      forget()
    }
    return new OwnConnection({ ...about, handle, toKnex, path, release })
  } catch (error) {
    await release()
    throw sqliteError(error, doing)
  }
}
