import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DroverError } from '@drover/core'
import Database from 'better-sqlite3'
import { knex as makeKnex } from 'knex'
import sqlite3 from 'sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkLocation, openSqlite } from './open-sqlite.js'
import type { SqliteValue } from './sqlite-connection.js'

let folder: string
let file: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'drover-sqlite-'))
  file = join(folder, 'a b%41#?.db')
})

afterEach(() => rm(folder, { recursive: true, force: true }))

/** What the promise rejects with, as "CODE: message". */
async function failure(work: () => unknown): Promise<DroverError> {
  const error = await Promise.resolve()
    .then(work)
    .then(
      () => null,
      (failed: unknown) => failed,
    )
  if (!DroverError.isInstance(error)) throw new Error(`no DroverError but ${String(error)}`)
  return error
}

const edges: readonly SqliteValue[] = [
  null,
  0n,
  -1n,
  2147483647n,
  2147483648n,
  -2147483648n,
  -2147483649n,
  9007199254740991n,
  9007199254740993n,
  -9007199254740993n,
  9223372036854775807n,
  -9223372036854775808n,
  0,
  -0,
  1,
  -7,
  2147483647,
  2147483648,
  9007199254740992,
  1e300,
  5e-324,
  0.1 + 0.2,
  Number.MAX_VALUE,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  '',
  'i1',
  't',
  'a\0b',
  '🐑 "quoted" ?',
  new Uint8Array(0),
  new Uint8Array([0, 255, 10]),
]

describe.each(['better-sqlite3', 'sqlite3'] as const)('a connection by %s', (driver) => {
  it('binds and reads every value of every storage class without changing it', async () => {
    await using connection = await openSqlite({ filename: ':memory:', driver })
    expect(connection.driver).toBe(driver)
    await connection.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, "v?" BLOB)')
    for (const value of edges) await connection.run('INSERT INTO t ("v?") VALUES (?) -- really?', [value])
    const rows = await connection.all('SELECT "v?", typeof("v?") FROM t ORDER BY id', [], { integers: 'bigint' })
    expect(rows.map(([value]) => (value instanceof Uint8Array ? new Uint8Array(value) : value))).toEqual(edges)
    expect(rows.map(([, type]) => type)).toEqual(edges.map(storageClass))
  })

  it('reads integers as numbers while they are safe', async () => {
    await using connection = await openSqlite({ filename: ':memory:', driver })
    const sql = 'SELECT ? AS a, ? AS b, ? AS c, ? AS d'
    const values = [1n, 9007199254740991n, 9007199254740992n, 1e300]
    expect(await connection.get(sql, values)).toEqual([1, 9007199254740991, 9007199254740992n, 1e300])
    expect(await connection.get(sql, [1n, 2n, -3n, 4])).toEqual([1, 2, -3, 4])
    expect(await connection.get(sql, values)).toEqual([1, 9007199254740991, 9007199254740992n, 1e300])
  })

  it('compares a bound value with a column as the plain value would be compared', async () => {
    await using connection = await openSqlite({ filename: ':memory:', driver })
    await connection.exec(`CREATE TABLE t (v); INSERT INTO t VALUES ('10000000000'), (10000000000), ('5')`)
    const sql = 'SELECT typeof(v) FROM t WHERE v = ?'
    expect(await connection.all(sql, [10000000000n])).toEqual([['integer']])
    expect(await connection.all(sql, [5])).toEqual([])
  })

  it('refuses an integer of more than 64 bits', async () => {
    await using connection = await openSqlite({ filename: ':memory:', driver })
    expect(await failure(() => connection.all('SELECT ?', [2n ** 63n]))).toMatchObject({ code: 'RECORD_REFUSED' })
  })

  it('commits, rolls back what throws, and leaves nothing when told to roll back', async () => {
    await using connection = await openSqlite({ filename: ':memory:', driver })
    await connection.exec('CREATE TABLE t (v INTEGER UNIQUE)')
    await connection.transaction(() => connection.run('INSERT INTO t VALUES (1)'))
    await connection.transaction(() => connection.run('INSERT INTO t VALUES (2)'), { end: 'rollback' })
    const refused = await failure(() =>
      connection.transaction(async () => {
        await connection.run('INSERT INTO t VALUES (3)')
        await connection.run('INSERT INTO t VALUES (1)')
      }),
    )
    expect(refused).toMatchObject({ code: 'RECORD_REFUSED', isRetryable: false })
    expect(refused.message).toContain('UNIQUE constraint failed: t.v')
    expect(await connection.all('SELECT v FROM t')).toEqual([[1]])
  })

  it('runs the transactions of one connection one after the other', async () => {
    await using connection = await openSqlite({ filename: ':memory:', driver })
    await connection.exec('CREATE TABLE t (v)')
    await Promise.all(
      [1n, 2n, 3n].map((v) =>
        connection.transaction(async () => {
          await connection.run('INSERT INTO t VALUES (?)', [v])
          await new Promise(setImmediate)
          await connection.run('INSERT INTO t VALUES (?)', [v])
        }),
      ),
    )
    expect((await connection.all('SELECT v FROM t')).flat()).toEqual([1, 1, 2, 2, 3, 3])
  })

  it('waits for a lock of another session without blocking the event loop', async () => {
    await using first = await openSqlite({ filename: file, driver })
    await using second = await openSqlite({ filename: file, driver })
    await first.exec('CREATE TABLE t (v)')
    let release = (): void => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const order: string[] = []
    let begin = (): void => {}
    const begun = new Promise<void>((resolve) => {
      begin = resolve
    })
    const holding = first.transaction(async () => {
      await first.run('INSERT INTO t VALUES (1)')
      begin()
      await held
      order.push('first')
    })
    await begun
    const waiting = second.transaction(async () => {
      order.push('second')
      await second.run('INSERT INTO t VALUES (2)')
    })
    setTimeout(release, 60)
    await Promise.all([holding, waiting])
    expect(order).toEqual(['first', 'second'])
    expect(await first.all('SELECT v FROM t')).toEqual([[1], [2]])
  })

  it('says STORE_BUSY, retryable, when the lock is held for longer than the timeout', async () => {
    await using first = await openSqlite({ filename: file, driver })
    await using second = await openSqlite({ filename: file, driver, busyTimeoutMs: 20 })
    await first.exec('CREATE TABLE t (v)')
    await first.transaction(async () => {
      const error = await failure(() => second.transaction(() => undefined))
      expect(error).toMatchObject({ code: 'STORE_BUSY', isRetryable: true })
      expect(error.message).toContain('raise busyTimeoutMs')
    })
  })

  it('answers what is under way when it is closed, and nothing afterwards', async () => {
    const connection = await openSqlite({ filename: file, driver })
    const answer = connection.all('SELECT 1 AS one')
    await connection[Symbol.asyncDispose]()
    expect(await answer).toEqual([[1]])
    expect(await failure(() => connection.all('SELECT 1 AS one'))).toMatchObject({ code: 'CONTRACT_BROKEN' })
    await connection[Symbol.asyncDispose]()
  })

  it('opens read-only: writes are refused and a missing file is not created', async () => {
    const missing = await failure(() => openSqlite({ filename: file, driver, readonly: true }))
    expect(missing).toMatchObject({ code: 'SOURCE_NOT_FOUND' })
    await (await openSqlite({ filename: file, driver }))[Symbol.asyncDispose]()
    await using connection = await openSqlite({ filename: file, driver, readonly: true })
    expect(await failure(() => connection.exec('CREATE TABLE t (v)'))).toMatchObject({ code: 'STORE_DENIED' })
  })

  it('tells a directory, a missing folder and a file that is no database apart', async () => {
    expect(await failure(() => openSqlite({ filename: folder, driver }))).toMatchObject({
      code: 'SOURCE_NOT_FOUND',
      message: `"${folder}" is a directory, not an SQLite database.`,
    })
    const nowhere = await failure(() => openSqlite({ filename: join(folder, 'no', 'x.db'), driver }))
    expect(nowhere.message).toContain('there is no folder')
    await writeFile(file, 'once upon a time there was a herd of sheep that someone took for a database'.repeat(20))
    expect(await failure(() => openSqlite({ filename: file, driver }))).toMatchObject({ code: 'SOURCE_INVALID' })
  })

  it('takes a knex instance, on a connection of its own, and leaves it open', async () => {
    const knex = makeKnex({ client: driver, connection: { filename: file }, useNullAsDefault: true })
    try {
      await knex.raw('CREATE TABLE t (v)')
      await using connection = await openSqlite({ knex })
      expect(connection).toMatchObject({ driver, name: file, path: file })
      await connection.transaction(async () => {
        await connection.run('INSERT INTO t VALUES (1)')
        expect(await knex('t').select()).toEqual([])
      })
      expect(await knex('t').select()).toEqual([{ v: 1 }])
    } finally {
      await knex.destroy()
    }
  })

  it('shares the database of a knex instance in memory, and gives its connection back', async () => {
    const knex = makeKnex({ client: driver, connection: { filename: ':memory:' }, useNullAsDefault: true })
    try {
      await knex.raw('CREATE TABLE t (v)')
      {
        await using first = await openSqlite({ knex })
        await using second = await openSqlite({ knex })
        await first.transaction(() => first.run('INSERT INTO t VALUES (1)'))
        expect(await second.all('SELECT v FROM t')).toEqual([[1]])
        expect(first.path).toBeNull()
      }
      expect(await knex('t').select()).toEqual([{ v: 1 }])
    } finally {
      await knex.destroy()
    }
  })
})

describe('two drivers and one file', () => {
  it('are refused, because neither sees the locks of the other', async () => {
    await using first = await openSqlite({ filename: file, driver: 'sqlite3' })
    const error = await failure(() =>
      openSqlite({ filename: `file://${encodeURI(folder)}/a%20b%2541%23%3F.db`, driver: 'better-sqlite3' }),
    )
    expect(error).toMatchObject({
      code: 'OPTION_INVALID',
      message: expect.stringContaining('open with the driver sqlite3'),
    })
    await using second = await openSqlite({ filename: file })
    expect(second.driver).toBe(first.driver)
  })

  it('may follow each other', async () => {
    await (await openSqlite({ filename: file, driver: 'sqlite3' }))[Symbol.asyncDispose]()
    await using second = await openSqlite({ filename: file, driver: 'better-sqlite3' })
    expect(second.driver).toBe('better-sqlite3')
  })
})

describe('what is no location', () => {
  it.each([
    ['a bare handle of better-sqlite3', () => ({ knex: new Database(':memory:') }), 'bare handle'],
    ['a bare handle of sqlite3', () => ({ filename: new sqlite3.Database(':memory:') }), 'bare handle'],
    ['knex of another store', () => ({ knex: makeKnex({ client: 'pg' }) }), 'not for SQLite'],
    ['something else', () => ({ knex: {} }), 'not a knex instance'],
    ['both', () => ({ filename: 'a', knex: makeKnex({ client: 'sqlite3', useNullAsDefault: true }) }), 'not both'],
    ['nothing', () => ({}), 'filename is a text'],
    ['a URL without a file', () => ({ filename: 'sqlite://' }), 'three slashes'],
    ['a URL with two slashes', () => ({ filename: 'sqlite://chat.db' }), 'three slashes'],
    ['a parameter nobody knows', () => ({ filename: 'file:a.db?cache=shared' }), '"cache"'],
    ['another driver', () => ({ filename: 'a.db', driver: 'bun' }), 'driver is'],
    ['a timeout that is none', () => ({ filename: 'a.db', busyTimeoutMs: -1 }), 'busyTimeoutMs'],
  ])('%s is refused', async (_, options, words) => {
    const error = await failure(() => checkLocation('test', options() as never))
    expect(error.code).toBe('OPTION_INVALID')
    expect(error.message).toContain(words)
  })
})

function storageClass(value: SqliteValue): string {
  if (value === null) return 'null'
  if (typeof value === 'bigint') return 'integer'
  if (typeof value === 'number') return 'real'
  return typeof value === 'string' ? 'text' : 'blob'
}
