import { checkOptionNames, checkWholeNumber, DroverError, type HealthSignal } from '@drover/core'
import { checkLocation, locationOptions, openSqlite, type SqliteLocation } from '../connection/open-sqlite.js'
import type { SqliteConnection } from '../connection/sqlite-connection.js'

/** Options of {@link sqliteHealth}. */
export interface SqliteHealthOptions extends Omit<SqliteLocation, 'busyTimeoutMs'> {
  /** How long somebody else who wants to write may have to wait for it, in milliseconds. @default 250 */
  readonly busyMs?: number
}

const defaultBusyMs = 250
/** Beyond twice the limit the run stands still: longer is not waited for. */
const longest = 2

/**
 * A signal that slows a run down when those who write to the same SQLite database have to wait for it. It takes the write lock
 * once a second, on a connection of its own, and gives it back at once without having written: how long that takes is what
 * the application's own writes wait.
 *
 * @throws `OPTION_INVALID`
 *
 * @example
 * await runBackfill({ backfiller, signals: [sqliteHealth({ filename: 'chat.db', busyMs: 100 })] })
 */
export function sqliteHealth(options: SqliteHealthOptions): HealthSignal {
  const where = 'sqliteHealth'
  const known = locationOptions.filter((name) => name !== 'busyTimeoutMs')
  checkOptionNames(where, options, [...known, 'busyMs'])
  checkLocation(where, options)
  checkWholeNumber(where, 'busyMs', options.busyMs, 1)
  const { busyMs = defaultBusyMs, ...location } = options
  const busyTimeoutMs = Math.ceil(busyMs * longest)
  let opening: Promise<SqliteConnection> | undefined
  const opened = (): Promise<SqliteConnection> => {
    opening ??= openSqlite({ ...location, busyTimeoutMs, create: false })
    opening.catch(() => {
      // The next reading tries anew.
      opening = undefined
    })
    return opening
  }
  const reading = (ms: number, more = '') => ({
    load: ms / busyMs,
    reason: `a writer waits ${more}${Math.round(ms)} ms of ${busyMs} ms`,
  })
  return {
    name: 'SQLite busy',
    timeoutMs: Math.max(5_000, busyTimeoutMs * longest),
    async check() {
      try {
        const connection = await opened()
        const begun = performance.now()
        await connection.transaction(() => {}, { end: 'rollback' })
        return reading(performance.now() - begun)
      } catch (error) {
        if (DroverError.isInstance(error, 'STORE_BUSY')) return reading(busyTimeoutMs, 'more than ')
        // The run is about to create it.
        if (DroverError.isInstance(error, 'SOURCE_NOT_FOUND')) return { load: 0, reason: 'there is no database yet' }
        throw error
      }
    },
    async close() {
      const closing = opening
      opening = undefined
      await (await closing?.catch(() => undefined))?.[Symbol.asyncDispose]()
    },
  }
}
