import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { directoryStateStore } from '@drover/core'
import { type OperatedStore, operatedTests } from '@drover-internal/sql-tests/operated-tests'
import { describe } from 'vitest'
import { openSqlite } from '../connection/open-sqlite.js'
import { sqliteStateStore } from './sqlite-state-store.js'

const program = join(import.meta.dirname, '..', 'testing', 'operated.child.ts')

async function scene(place: 'database' | 'directory'): Promise<OperatedStore> {
  const folder = await mkdtemp(join(tmpdir(), 'drover-operated-'))
  const filename = join(folder, 'test.db')
  const directory = join(folder, 'state')
  const database = await openSqlite({ filename })
  await database.exec('PRAGMA journal_mode = wal; CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)')
  return {
    program,
    parameters: [filename, place === 'database' ? place : directory],
    open: () => (place === 'database' ? sqliteStateStore({ filename }) : directoryStateStore({ directory })),
    rows: async () => Number((await database.get('SELECT count(*) FROM t'))?.[0]),
    [Symbol.asyncDispose]: async () => {
      await database[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    },
  }
}

describe.each(['database', 'directory'] as const)('operated through a %s', (place) => {
  operatedTests(() => scene(place))
})
