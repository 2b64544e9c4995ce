import { existsSync, readdirSync } from 'node:fs'
import { stateStoreSuite, transactionalStateStoreSuite } from '@drover/conformance'
import { DroverError } from '@drover/core'
import { type Knex, knex as makeKnex } from 'knex'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { drivers, TestDatabase } from '../testing/test-database.js'
import { sqliteStateStore } from './sqlite-state-store.js'

for (const driver of drivers) {
  stateStoreSuite(`sqliteStateStore over ${driver}`, {
    create: async () => {
      const database = new TestDatabase(driver)
      return {
        open: () => sqliteStateStore({ filename: database.file, driver }),
        holds: async () => readdirSync(database.folder),
        [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
      }
    },
  })

  transactionalStateStoreSuite<Knex.Transaction>(`sqliteStateStore over ${driver}`, {
    create: async () => {
      const database = new TestDatabase(driver)
      await database.exec('CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT)')
      return {
        open: () => sqliteStateStore({ filename: database.file, driver }),
        write: async (tx, row) => void (await tx('people').insert(row)),
        contents: async () =>
          (await database.exact('SELECT id, name FROM people')).map(([id, name]) => ({ id: Number(id), name })),
        [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
      }
    },
  })
}

describe.each(drivers)('sqliteStateStore over %s', (driver) => {
  const operation = { signal: new AbortController().signal }
  const claim = { partition: { id: 'all', bounds: null }, holder: 'h', ttlMs: 60_000 }
  let database: TestDatabase
  let filename: string

  beforeEach(() => {
    database = new TestDatabase(driver)
    filename = database.file
  })

  afterEach(() => database[Symbol.asyncDispose]())

  it('creates its tables in several processes and sessions at once', async () => {
    const stores = Array.from({ length: 6 }, () => sqliteStateStore({ filename, driver }))
    await Promise.all(stores.map((store) => store.setup?.(operation)))
    await Promise.all(stores.map((store) => store[Symbol.asyncDispose]()))
    const tables = await database.exact(`SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1`)
    expect(tables).toEqual([['drover_meta'], ['drover_partitions'], ['drover_runs']])
    expect(await database.value('SELECT journal_mode FROM pragma_journal_mode')).toBe('wal')
  })

  it('leaves the journal mode of a database alone that has something in it', async () => {
    await database.exec('CREATE TABLE t (a)')
    await using store = sqliteStateStore({ filename, driver })
    await store.setup?.(operation)
    expect(await database.value('SELECT journal_mode FROM pragma_journal_mode')).toBe('delete')
  })

  it('makes nothing for who only looks', async () => {
    await using store = sqliteStateStore({ filename, driver })
    const looks = async () => {
      expect(await store.load('a', operation)).toBeNull()
      for await (const run of store.list(operation)) expect.fail(run.name)
    }
    await looks()
    expect(existsSync(filename)).toBe(false)
    await database.exec('CREATE TABLE t (a)')
    await looks()
    expect(await database.exact('SELECT name FROM sqlite_master')).toEqual([['t']])
    await store.open({ name: 'a', fingerprint: null, partitions: [], follows: null }, operation)
    expect((await store.load('a', operation))?.name).toBe('a')
  })

  it('keeps its tables under another prefix', async () => {
    await using store = sqliteStateStore({ filename, driver, tablePrefix: 'it"s ' })
    await store.open({ name: 'a', fingerprint: null, partitions: [], follows: null }, operation)
    expect(await sqliteStateStore({ filename, driver }).load('a', operation)).toBeNull()
    expect((await store.load('a', operation))?.name).toBe('a')
  })

  it('refuses tables that a newer version made', async () => {
    const old = sqliteStateStore({ filename, driver })
    await old.setup?.(operation)
    await old[Symbol.asyncDispose]()
    await database.exec(`UPDATE drover_meta SET value = '99'`)
    await expect(sqliteStateStore({ filename, driver }).load('a', operation)).rejects.toMatchObject({
      code: 'STATE_INVALID',
    })
  })

  it('goes on after it was disposed of', async () => {
    const store = sqliteStateStore({ filename, driver })
    await store.open({ name: 'a', fingerprint: { a: 1 }, partitions: [], follows: null }, operation)
    await store[Symbol.asyncDispose]()
    await store[Symbol.asyncDispose]()
    expect((await store.load('a', operation))?.fingerprint).toEqual({ a: 1 })
    await store[Symbol.asyncDispose]()
  })

  it('says STORE_BUSY, to be tried again, while somebody else writes', async () => {
    await using store = sqliteStateStore({ filename, driver, busyTimeoutMs: 30 })
    const { run } = await store.open({ name: 'a', fingerprint: null, partitions: [], follows: null }, operation)
    const other = await database.open()
    await other.exec('BEGIN IMMEDIATE')
    await expect(store.acquire({ ...claim, run }, operation)).rejects.toMatchObject({
      code: 'STORE_BUSY',
      isRetryable: true,
    })
    const waits = store.transaction(() => Promise.reject(new Error('must not be called')), operation)
    await expect(waits).rejects.toMatchObject({ code: 'STORE_BUSY', isRetryable: true })
    await other[Symbol.asyncDispose]()
    expect(await store.acquire({ ...claim, run }, operation)).toMatchObject({ fence: 1 })
  })

  it('keeps others from writing from the beginning of a transaction, so that what it read is still true', async () => {
    await using store = sqliteStateStore({ filename, driver })
    const { run } = await store.open({ name: 'a', fingerprint: null, partitions: [], follows: null }, operation)
    const lease = await store.acquire({ ...claim, run }, operation)
    if ('heldBy' in lease) throw new Error('held')
    await using other = await database.open()
    const counts = { read: 1, written: 1, filtered: 0, rejected: 0, emitted: 1, inserted: 0, updated: 1, skipped: 0 }
    await store.transaction(async (tx) => {
      await tx.select(tx.raw('1'))
      await expect((async () => other.exec('CREATE TABLE t (a)'))()).rejects.toMatchObject({ code: 'STORE_BUSY' })
      return { commit: { ...lease, sequence: 1, cursor: 1, done: false, counts }, value: undefined }
    }, operation)
    expect((await store.load('a', operation))?.positions).toHaveLength(1)
  })

  it('gives errors of the database in a transaction their codes, and stays usable', async () => {
    await database.exec('CREATE TABLE t (a INTEGER NOT NULL)')
    await using store = sqliteStateStore({ filename, driver })
    await store.setup?.(operation)
    const fails = store.transaction(async (tx) => {
      await tx('t').insert({ a: 1 })
      await tx('t').insert({ a: null })
      throw new Error('not reached')
    }, operation)
    await expect(fails).rejects.toMatchObject({ code: 'RECORD_REFUSED' })
    expect(await database.exact('SELECT * FROM t')).toEqual([])
    await expect(store.transaction(() => Promise.reject(new TypeError('mine')), operation)).rejects.toThrow(TypeError)
  })

  it('lives in the database of a knex instance, in a file or in memory', async () => {
    for (const name of [filename, ':memory:']) {
      const knex = makeKnex({ client: driver, connection: { filename: name }, useNullAsDefault: true })
      const store = sqliteStateStore({ knex })
      const { run } = await store.open({ name: 'a', fingerprint: null, partitions: [], follows: null }, operation)
      const lease = await store.acquire({ ...claim, run }, operation)
      if ('heldBy' in lease) throw new Error('held')
      const counts = { read: 1, written: 1, filtered: 0, rejected: 0, emitted: 1, inserted: 0, updated: 1, skipped: 0 }
      await store.transaction(async (tx) => {
        await tx.schema.createTable('notes', (table) => void table.text('text'))
        await tx('notes').insert({ text: 'x' })
        return { commit: { ...lease, sequence: 1, cursor: 1, done: false, counts }, value: undefined }
      }, operation)
      await store[Symbol.asyncDispose]()
      expect(await knex('notes').select()).toEqual([{ text: 'x' }])
      expect(await knex('drover_partitions').count({ n: '*' })).toEqual([{ n: 1 }])
      await knex.destroy()
    }
  })

  it.each([
    [{ filename: ':memory:' }, /gone with it/],
    [{ filename: 'file:a.db?mode=ro' }, /mode=ro/],
    [{ filename: 'a.db', tablePrefix: '' }, /tablePrefix/],
    [{ filename: 'a.db', synchronous: 'never' }, /synchronous/],
    [{ filename: 'a.db', tableprefix: 'x' }, /"tablePrefix"/],
  ])('refuses %j', (options, said) => {
    expect(() => sqliteStateStore(options as never)).toThrow(said)
    expect(() => sqliteStateStore(options as never)).toThrow(DroverError)
  })
})
