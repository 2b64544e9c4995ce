import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memorySource, type Row, runBackfill, runPipeline, type Source } from '@drover/core'
import { type Knex, knex as makeKnex } from 'knex'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sqliteBackfill } from '../backfill/sqlite-backfill.js'
import { openSqlite } from '../connection/open-sqlite.js'
import { sqliteSource } from '../source/sqlite-source.js'
import { poolRunning } from '../testing/knex-pool.js'
import { drivers, TestDatabase } from '../testing/test-database.js'
import { failure } from '../testing/test-lane.js'
import { type SqliteSinkOptions, sqliteSink } from './sqlite-sink.js'

const records: readonly (Row & { readonly id: number })[] = Array.from({ length: 6000 }, (_, i) => ({
  id: i + 1,
  text: `${i} `.padEnd(80, 'abcdefgh'),
}))

describe.each(drivers)('a disk that is full, over %s', (driver) => {
  let database: TestDatabase
  /** Pages that the database may have: the disk, as far as SQLite can tell. */
  let room: number
  let knex: Knex

  beforeEach(() => {
    database = new TestDatabase(driver)
    room = 100
    knex = makeKnex({
      client: driver,
      connection: { filename: database.file },
      useNullAsDefault: true,
      pool: poolRunning(driver, () => `PRAGMA max_page_count = ${room}`),
    })
  })

  afterEach(async () => {
    await knex.destroy()
    await database[Symbol.asyncDispose]()
  })

  const run = (source: Source<Row>, options: Partial<SqliteSinkOptions> = {}) =>
    runPipeline({
      name: 'fill',
      source,
      sink: sqliteSink({ knex, table: 't', ...options }),
      batchSize: 500,
      maxRetries: 0,
    })

  /** Rows, and whether there are as many as the position says. */
  async function state(): Promise<{ rows: number; position: number }> {
    const rows = Number(await database.value('SELECT count(*) FROM t'))
    const counts = JSON.parse(String(await database.value('SELECT counts FROM drover_partitions')))
    return { rows, position: counts.inserted }
  }

  it.each([
    ['a table without a key', 'id INTEGER, text TEXT', 'error'],
    ['a table with a key', 'id INTEGER PRIMARY KEY, text TEXT', 'error'],
    ['a table with a key that is updated', 'id INTEGER PRIMARY KEY, text TEXT UNIQUE', 'update'],
  ] as const)('leaves whole batches, and the run goes on once there is room: %s', async (_, columns, onConflict) => {
    await database.exec(`CREATE TABLE t (${columns})`)
    const source = memorySource({ records, key: 'id' })
    const error = await failure(run(source, { onConflict }))
    expect(error).toMatchObject({ code: 'STORE_FULL', isRetryable: false })
    expect(error.message).toContain('Make space')
    const { rows, position } = await state()
    expect(rows).toBeGreaterThan(0)
    expect(rows % 500).toBe(0)
    expect(position).toBe(rows)
    room = 1000
    await knex.destroy()
    knex.initialize()
    const report = await run(source, { onConflict })
    expect(report.counts).toMatchObject({ read: 6000, inserted: 6000, rejected: 0 })
    expect(await database.exact('SELECT count(*), count(DISTINCT id), min(id), max(id) FROM t')).toEqual([
      [6000n, 6000n, 1n, 6000n],
    ])
    expect(await database.value('PRAGMA integrity_check')).toBe('ok')
  })

  it('leaves whole batches of a copy inside SQLite', async () => {
    await using origin = new TestDatabase(driver, 'origin.db')
    await origin.exec(`CREATE TABLE t (id INTEGER, text TEXT);
      WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 6000)
      INSERT INTO t SELECT i, printf('%080d', i) FROM n`)
    await database.exec('CREATE TABLE t (id INTEGER, text TEXT)')
    const source = sqliteSource({ filename: origin.file, driver, table: 't' })
    expect(await failure(run(source))).toMatchObject({ code: 'STORE_FULL' })
    const { rows, position } = await state()
    expect(rows).toBeGreaterThan(0)
    expect(position).toBe(rows)
    room = 1000
    await knex.destroy()
    knex.initialize()
    expect((await run(source)).counts).toMatchObject({ read: 6000, inserted: 6000 })
    expect(await database.exact('SELECT count(*), count(DISTINCT id) FROM t')).toEqual([[6000n, 6000n]])
  })

  it.each([
    ['a function', ({ id }: Row) => ({ text: `${id}`.padEnd(300, '.') })],
    ['a function that takes its time', async ({ id }: Row) => ({ text: `${id}`.padEnd(300, '.') })],
    ['SQL', { text: `printf('%0300d', id)` }],
  ])('leaves whole batches of a backfill by %s', async (_, set) => {
    await database.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT);
      WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
      INSERT INTO t SELECT i, NULL FROM n`)
    const backfiller = () =>
      sqliteBackfill({
        name: 'fill',
        knex,
        table: 't',
        where: { text: { isNull: true } },
        sets: ['text'],
        set,
        batchSize: 200,
      })
    const error = await failure(runBackfill({ backfiller: backfiller(), maxRetries: 0 }))
    expect(error).toMatchObject({ code: 'STORE_FULL', isRetryable: false })
    const filled = Number(await database.value('SELECT count(*) FROM t WHERE length(text) = 300'))
    expect(filled).toBeGreaterThan(0)
    expect(filled % 200).toBe(0)
    expect(JSON.parse(String(await database.value('SELECT counts FROM drover_partitions'))).updated).toBe(filled)
    room = 1000
    await knex.destroy()
    knex.initialize()
    expect((await runBackfill({ backfiller: backfiller() })).counts).toMatchObject({ read: 3000, updated: 3000 })
    expect(await database.value('SELECT count(*) FROM t WHERE length(text) = 300')).toBe(3000)
  })
})

const smallDisk = mountSmallDisk()

afterAll(() => smallDisk?.unmount())

describe.skipIf(smallDisk === null).each(drivers)('a file system that is full, over %s', (driver) => {
  const folder = smallDisk?.folder ?? ''
  const ballast = join(folder, 'ballast')

  afterEach(() => {
    for (const file of readdirSync(folder)) rmSync(join(folder, file))
  })

  it.each(['wal', 'delete'])(
    'leaves whole batches, and the run goes on once there is room, in journal mode %s',
    async (mode) => {
      const filename = join(folder, 'full.db')
      {
        await using connection = await openSqlite({ filename, driver })
        await connection.exec(`PRAGMA journal_mode = ${mode}; CREATE TABLE t (id INTEGER, text TEXT)`)
      }
      writeFileSync(ballast, new Uint8Array(3_700_000))
      const run = () =>
        runPipeline({
          name: 'fill',
          source: memorySource({ records, key: 'id' }),
          sink: sqliteSink({ filename, driver, table: 't' }),
          batchSize: 500,
          maxRetries: 0,
        })
      const error = await failure(run())
      expect(error).toMatchObject({ code: 'STORE_FULL', isRetryable: false })
      rmSync(ballast)
      const rows = await count(filename)
      expect(rows).toBeGreaterThan(0)
      expect(rows % 500).toBe(0)
      expect((await run()).counts).toMatchObject({ read: 6000, inserted: 6000 })
      expect(await count(filename)).toBe(6000)
    },
  )

  async function count(filename: string): Promise<number> {
    await using connection = await openSqlite({ filename, driver })
    const row = await connection.get('SELECT count(*) AS n, count(DISTINCT id) AS ids FROM t')
    expect(row?.[0]).toBe(row?.[1])
    return Number(row?.[0])
  }
})

/** Four megabytes of their own; null where this user may not mount. */
function mountSmallDisk(): { readonly folder: string; readonly unmount: () => void } | null {
  const folder = mkdtempSync(join(tmpdir(), 'drover-small-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', folder], { stdio: 'ignore' })
  } catch {
    rmSync(folder, { recursive: true })
    return null
  }
  return {
    folder,
    unmount: () => {
      execFileSync('umount', [folder])
      rmSync(folder, { recursive: true })
    },
  }
}
