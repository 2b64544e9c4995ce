import { truncateSync } from 'node:fs'
import { DroverError } from '@drover/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openSqlite } from '../connection/open-sqlite.js'
import { drivers, TestDatabase } from '../testing/test-database.js'
import { sqliteError } from './sqlite-error.js'

describe.each(drivers)('errors of %s', (driver) => {
  let database: TestDatabase

  beforeEach(() => {
    database = new TestDatabase(driver)
  })

  afterEach(() => database[Symbol.asyncDispose]())

  async function failure(work: () => unknown): Promise<unknown> {
    try {
      await work()
    } catch (error) {
      return error
    }
    throw new Error('nothing failed')
  }

  it('STORE_FULL: no page can be added', async () => {
    await using connection = await database.open()
    await connection.exec('CREATE TABLE t (v)')
    await connection.exec('PRAGMA max_page_count = 3')
    const work = () => connection.run('INSERT INTO t VALUES (zeroblob(100000))')
    expect(await failure(() => connection.transaction(work))).toMatchObject({ code: 'STORE_FULL', isRetryable: false })
    expect(await connection.all('SELECT * FROM t')).toEqual([])
  })

  it('SOURCE_INVALID: the file is damaged', async () => {
    await database.exec('CREATE TABLE t (v); INSERT INTO t VALUES (zeroblob(50000))')
    truncateSync(database.file, 20000)
    const open = () => openSqlite({ filename: database.file, driver, readonly: true })
    const read = async () => {
      await using connection = await open()
      await connection.all('SELECT hex(v) AS v FROM t')
    }
    expect(await failure(read)).toMatchObject({ code: 'SOURCE_INVALID', isRetryable: false })
  })

  it('STORE_BUSY: somebody wrote between a read and the write behind it', async () => {
    await database.exec('PRAGMA journal_mode = WAL; CREATE TABLE t (v)')
    await using reader = await openSqlite({ filename: database.file, driver, busyTimeoutMs: 50 })
    await using writer = await database.open()
    const work = async () => {
      await reader.all('SELECT * FROM t')
      await writer.run('INSERT INTO t VALUES (1)')
      await reader.run('INSERT INTO t VALUES (2)')
    }
    const error = await failure(() => reader.transaction(work, { mode: 'deferred' }))
    expect(error).toMatchObject({ code: 'STORE_BUSY', isRetryable: true })
    expect(await reader.all('SELECT v FROM t')).toEqual([[1]])
  })

  it('RECORD_REFUSED: every kind of constraint', async () => {
    await using connection = await database.open()
    await connection.exec(
      `CREATE TABLE t (id INTEGER PRIMARY KEY, u UNIQUE, n INT NOT NULL DEFAULT 1, c CHECK (c > 0), r REFERENCES t) STRICT`.replace(
        / u UNIQUE| c CHECK| r REF/g,
        (part) => part.replace(/ (\w)/, ' $1 INT'),
      ),
    )
    await connection.exec('PRAGMA foreign_keys = ON; INSERT INTO t (id, u) VALUES (1, 1)')
    for (const row of [
      '(1, 2, 1, 1, 1)',
      '(2, 1, 1, 1, 1)',
      '(2, 2, NULL, 1, 1)',
      '(2, 2, 1, 0, 1)',
      '(2, 2, 1, 1, 9)',
      `(2, 'x', 1, 1, 1)`,
    ]) {
      expect(await failure(() => connection.run(`INSERT INTO t VALUES ${row}`)), row).toMatchObject({
        code: 'RECORD_REFUSED',
        isRetryable: false,
      })
    }
  })

  it('UNEXPECTED: whatever else SQLite says, with its words', async () => {
    await using connection = await database.open()
    expect(await failure(() => connection.run('SELEKT 1'))).toMatchObject({
      code: 'UNEXPECTED',
      message: expect.stringContaining('near "SELEKT": syntax error'),
    })
  })
})

it('leaves a DroverError as it is', () => {
  const error = new DroverError('ABORTED', 'given up')
  expect(sqliteError(error, 'reading')).toBe(error)
})
