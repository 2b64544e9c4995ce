import { afterAll, beforeAll, describe, inject } from 'vitest'
import { createDatabase, type Database } from './database.js'
import { findBinaries } from './find-binaries.js'
import type {} from './global-setup.js'

/** `describe` for tests that need PostgreSQL: skipped, and said so, where there is none. */
export const describePostgres = describe.skipIf(inject('postgres') === null)

/** `describe` for tests that start servers of their own, which a DATABASE_URL cannot stand in for. */
export const describeOwnServer = describe.skipIf(findBinaries() === null)

/** The server's URL, where a test needs the server itself. */
export function serverUrl(): string {
  const url = inject('postgres')
  if (url === null) throw new Error('There is no PostgreSQL; put the test below describePostgres.')
  return url
}

/** A fresh database for the tests of the block that it is called in. @param url Of the server. @default the one that all tests share */
export function useDatabase(url: () => string = serverUrl): Pick<Database, 'name' | 'url' | 'query'> {
  let database: Database | undefined
  const current = (): Database => {
    if (database === undefined) throw new Error('The database exists in tests and hooks only.')
    return database
  }
  beforeAll(async () => {
    database = await createDatabase(url())
  })
  afterAll(async () => {
    await database?.[Symbol.asyncDispose]()
  })
  return {
    get name() {
      return current().name
    },
    get url() {
      return current().url
    },
    query: (sql, values) => current().query(sql, values),
  }
}
