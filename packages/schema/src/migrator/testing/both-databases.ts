import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Row } from '@drover/core'
import { createDatabase, type Database } from '@drover-internal/postgres-server'
import { serverUrl } from '@drover-internal/postgres-server/vitest'
import { afterEach, beforeEach, describe, inject } from 'vitest'
import type { SchemaDatabase } from '../../contracts/database.js'
import type { Dialect } from '../../contracts/migration.js'
import { openDatabase } from '../../database/open-database.js'

/** An empty database for one test. */
export interface TestStore extends AsyncDisposable {
  readonly dialect: Dialect
  /** A URL or a path. */
  readonly location: string
  query(sql: string, values?: readonly unknown[]): Promise<readonly Row[]>
  exec(sql: string): Promise<void>
}

/** The same tests with SQLite and with PostgreSQL; each of them has an empty database. */
export function describeBoth(name: string, tests: (store: () => TestStore) => void): void {
  describe.each<Dialect>(['sqlite', 'postgres'])(`%s: ${name}`, (dialect) => {
    describe.skipIf(dialect === 'postgres' && inject('postgres') === null)('', () => {
      let store: TestStore | undefined
      let postgres: Database | undefined
      let folder: string | undefined

      beforeEach(async () => {
        let location: string
        if (dialect === 'postgres') {
          postgres = await createDatabase(serverUrl())
          location = postgres.url
        } else {
          folder = mkdtempSync(join(tmpdir(), 'drover-schema-'))
          location = join(folder, 'test.db')
        }
        store = testStore(dialect, location)
      })

      afterEach(async () => {
        await store?.[Symbol.asyncDispose]()
        await postgres?.[Symbol.asyncDispose]()
        if (folder !== undefined) rmSync(folder, { recursive: true })
      })

      tests(() => {
        if (store === undefined) throw new Error('The database exists in tests and hooks only.')
        return store
      })
    })
  })
}

function testStore(dialect: Dialect, location: string): TestStore {
  const { signal } = new AbortController()
  let opened: Promise<SchemaDatabase> | undefined
  const toDatabase = (): Promise<SchemaDatabase> => {
    opened ??= openDatabase(location)
    return opened
  }
  return {
    dialect,
    location,
    query: async (sql, values = []) => (await toDatabase()).query(sql, values, { signal }),
    async exec(sql) {
      await using connection = await (await toDatabase()).connect({ signal })
      await connection.exec(sql)
    },
    async [Symbol.asyncDispose]() {
      await (await opened)?.[Symbol.asyncDispose]()
    },
  }
}
