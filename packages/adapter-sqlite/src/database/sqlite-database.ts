import { checkOptionNames, type Database } from '@drover/core'
import { checkLocation, locationName } from '../connection/open-sqlite.js'
import type { SqliteDriver } from '../connection/sqlite-connection.js'
import { locationOf } from '../sink/location-of.js'
import { sqliteStateStore } from '../state/sqlite-state-store.js'
import { checkTablePrefix } from '../state/state-tables.js'
import { checkWritable, type Synchronous } from '../writer/open-writer.js'
import { openSession } from './database-session.js'

/** Options of {@link sqliteDatabase}. */
export interface SqliteDatabaseOptions {
  /** `chat.db`, `sqlite:///relative.db`, `sqlite:////absolute.db` or a `file:` URI. */
  readonly filename: string
  /** Which driver opens it. @default 'better-sqlite3' where it is installed and works, else 'sqlite3' */
  readonly driver?: SqliteDriver
  /** How long to wait for a lock that somebody else holds, in milliseconds. @default 5000 */
  readonly busyTimeoutMs?: number
  /** How much SQLite waits for the disk. @default 'normal' if the database is in WAL mode, else 'full' */
  readonly synchronous?: Synchronous
  /** What the names of Drover's own tables begin with, which are not copied. @default 'drover_' */
  readonly tablePrefix?: string
}

/**
 * An SQLite database as a whole, for `copyDatabase`. Read from, it is never written to. Written to, it is created if it is not there;
 * tables are created with their keys and foreign keys, which are not checked before all rows are there.
 *
 * @throws `OPTION_INVALID`
 *
 * @example
 * await copyDatabase({ from: sqliteDatabase({ filename: 'chat.db' }), to: sqliteDatabase({ filename: 'copy.db' }) })
 */
export function sqliteDatabase(options: SqliteDatabaseOptions): Database {
  const where = 'sqliteDatabase'
  checkOptionNames(where, options, ['filename', 'driver', 'busyTimeoutMs', 'synchronous', 'tablePrefix'])
  checkLocation(where, options)
  checkTablePrefix(where, options.tablePrefix)
  const location = locationOf(options)
  const { tablePrefix } = options
  return {
    specVersion: 1,
    name: `sqlite ${locationName(options)}`,
    batchSize: 10_000,
    stateStore: () => {
      checkWritable(where, options)
      return sqliteStateStore({ ...location, ...(tablePrefix === undefined ? {} : { tablePrefix }) })
    },
    connect: async (operation) => {
      if (operation.role === 'to') checkWritable(where, options)
      return openSession({ location, tablePrefix }, operation)
    },
  }
}
