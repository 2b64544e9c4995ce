import type { BetterDatabase, NpmDatabase, SqliteDriver } from './sqlite-connection.js'

/** A driver's handle, and how it is closed. */
export interface OpenNative {
  readonly native: BetterDatabase | NpmDatabase
  readonly close: () => Promise<void>
}

/**
 * Opens a database by its driver alone. knex would do the same, but loading it takes as long as reading a hundred thousand
 * rows: it is loaded for those who build queries with it.
 */
export async function openNative(driver: SqliteDriver, filename: string, isReadonly: boolean): Promise<OpenNative> {
  if (driver === 'better-sqlite3') {
    const { default: Database } = await import('better-sqlite3')
    const database = new Database(filename, { readonly: isReadonly })
    return { native: database as BetterDatabase, close: async () => void database.close() }
  }
  const { default: sqlite3 } = await import('sqlite3')
  const flags = isReadonly ? sqlite3.OPEN_READONLY : sqlite3.OPEN_READWRITE | sqlite3.OPEN_CREATE
  const database = await new Promise<NpmDatabase>((resolve, reject) => {
    const opened = new sqlite3.Database(filename, flags | sqlite3.OPEN_FULLMUTEX, (error) =>
      error ? reject(error) : resolve(opened as NpmDatabase),
    )
  })
  const close = (): Promise<void> =>
    new Promise((resolve, reject) => database.close((error) => (error ? reject(error) : resolve())))
  return { native: database, close }
}
