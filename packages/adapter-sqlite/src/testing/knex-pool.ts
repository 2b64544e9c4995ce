import type { Knex } from 'knex'
import type { SqliteDriver } from '../connection/sqlite-connection.js'

interface Native {
  exec(sql: string, done?: (error: unknown) => void): unknown
  close(): unknown
}

/** A pool each of whose connections runs this SQL first, as an application's hook would. */
export function poolRunning(
  driver: SqliteDriver,
  sql: () => string,
  opened: { close(): unknown }[] = [],
): Knex.PoolConfig {
  return {
    afterCreate: (native: Native, done: (error: unknown, native: Native) => void) => {
      opened.push(native)
      if (driver === 'sqlite3') {
        native.exec(sql(), (error) => done(error, native))
        return
      }
      native.exec(sql())
      done(null, native)
    },
  }
}
