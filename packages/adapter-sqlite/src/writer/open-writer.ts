import { DroverError } from '@drover/core'
import { databaseLocation } from '../connection/database-location.js'
import { checkLocation, openSqlite, type SqliteLocation } from '../connection/open-sqlite.js'
import type { SqliteConnection } from '../connection/sqlite-connection.js'

/** How much SQLite waits for the disk: https://www.sqlite.org/pragma.html#pragma_synchronous */
export type Synchronous = 'off' | 'normal' | 'full'

/** What those who write say besides where the database is. */
export interface WriterLocation extends SqliteLocation {
  /**
   * How much SQLite waits for the disk. With `normal` in WAL mode a power cut may take the last batches, but always
   * rows and position together, so the run goes on from before them.
   *
   * @default 'normal' if the database is in WAL mode, else 'full'; what the hooks of a knex instance set stays
   */
  readonly synchronous?: Synchronous
}

/**
 * Refuses a location that nobody could write to, without touching it.
 *
 * @throws `OPTION_INVALID`
 */
export function checkWritable(where: string, options: WriterLocation): void {
  checkLocation(where, options)
  const { filename, synchronous } = options
  if (synchronous !== undefined && !['off', 'normal', 'full'].includes(synchronous)) {
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: synchronous is 'off', 'normal' or 'full', not ${JSON.stringify(synchronous)}.`,
    )
  }
  if (filename === undefined) return
  const location = databaseLocation(filename, where)
  if (location.isReadonly) {
    throw new DroverError('OPTION_INVALID', `${where}: "${filename}" says mode=ro, and this writes to it.`)
  }
  if (location.path === null) {
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: "${filename}" is a new database for each connection and gone with it; give a file, or a knex instance of the database in memory.`,
    )
  }
}

/**
 * Opens a connection to write with. A database that has nothing in it yet gets WAL; the mode of others is left alone.
 *
 * @param create Whether a file that is not there is created.
 */
export async function openWriter(options: WriterLocation, create = true): Promise<SqliteConnection> {
  const { filename, knex, driver, busyTimeoutMs } = options
  const connection = await openSqlite({
    create,
    ...(filename === undefined ? {} : { filename }),
    ...(knex === undefined ? {} : { knex }),
    ...(driver === undefined ? {} : { driver }),
    ...(busyTimeoutMs === undefined ? {} : { busyTimeoutMs }),
  })
  try {
    // The connection of a database in memory is the application's own: its settings are not ours to change.
    if (connection.path !== null) await settle(connection, options)
    return connection
  } catch (error) {
    await connection[Symbol.asyncDispose]()
    throw error
  }
}

async function settle(connection: SqliteConnection, options: WriterLocation): Promise<void> {
  const [pages] = (await connection.get('SELECT page_count FROM pragma_page_count')) as [number]
  if (pages === 0) await connection.exec('PRAGMA journal_mode = WAL')
  const [mode] = (await connection.get('SELECT journal_mode FROM pragma_journal_mode')) as [string]
  if (mode === 'off') {
    throw new DroverError(
      'OPTION_INVALID',
      `"${connection.name}": its connections set journal_mode = off, with which SQLite cannot take back a batch that failed; leave it out.`,
    )
  }
  const usual = options.knex === undefined ? (mode === 'wal' ? 'normal' : 'full') : undefined
  const synchronous = options.synchronous ?? usual
  if (synchronous !== undefined) await connection.exec(`PRAGMA synchronous = ${synchronous}`)
}
