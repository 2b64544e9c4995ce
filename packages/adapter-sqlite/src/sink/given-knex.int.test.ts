import { memorySource, runPipeline } from '@drover/core'
import { type Knex, knex as makeKnex } from 'knex'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { poolRunning } from '../testing/knex-pool.js'
import { drivers, TestDatabase } from '../testing/test-database.js'
import { failure, TestLane } from '../testing/test-lane.js'
import { sqliteSink } from './sqlite-sink.js'

const rows = (count: number, from = 1) => Array.from({ length: count }, (_, i) => ({ id: from + i, name: `n${i}` }))

describe.each(drivers)('a sink over a knex instance with %s', (driver) => {
  let database: TestDatabase

  beforeEach(async () => {
    database = new TestDatabase(driver)
    await database.exec('PRAGMA journal_mode = WAL; CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)')
  })

  afterEach(() => database[Symbol.asyncDispose]())

  async function withKnex(
    filename: string,
    work: (knex: Knex) => Promise<void>,
    hooks: Knex.PoolConfig = {},
  ): Promise<void> {
    const knex = makeKnex({
      client: driver,
      connection: { filename },
      useNullAsDefault: true,
      pool: { min: 1, max: 1, ...hooks },
    })
    try {
      await work(knex)
    } finally {
      await knex.destroy()
    }
  }

  it.each(['a file', 'memory'])('of a database in %s, the instance goes on as it was', async (where) => {
    await withKnex(where === 'a file' ? database.file : ':memory:', async (knex) => {
      await knex.raw('CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, name TEXT)')
      await knex.raw('CREATE TEMP TABLE mine (x)')
      const settings = () =>
        knex.raw(
          'SELECT (SELECT foreign_keys FROM pragma_foreign_keys) AS f, (SELECT synchronous FROM pragma_synchronous) AS s',
        )
      const before = await settings()
      for (const onConflict of ['error', 'update'] as const) {
        const report = await runPipeline({
          name: onConflict,
          source: memorySource({ records: rows(100, onConflict === 'error' ? 1 : 51), key: 'id' }),
          sink: sqliteSink({ table: 't', knex, onConflict }),
          batchSize: 30,
        })
        expect(report.counts).toMatchObject(onConflict === 'error' ? { inserted: 100 } : { inserted: 50, updated: 50 })
      }
      expect(await knex('t').count({ n: '*' })).toEqual([{ n: 150 }])
      expect(await settings()).toEqual(before)
      expect(await knex('sqlite_temp_master').select('name')).toEqual([{ name: 'mine' }])
    })
  })

  it('no statement of the application lands in a transaction of the sink, nor the other way round', async () => {
    await withKnex(database.file, async (knex) => {
      await using lane = await TestLane.open(sqliteSink({ table: 't', knex }))
      await lane.write(rows(3))
      const application = knex.transaction(async (trx) => {
        await trx('t').insert({ id: 1000, name: 'mine' })
        throw new Error('the application gives up')
      })
      await expect(application).rejects.toThrow('gives up')
      await lane.write(rows(3, 4))
      expect(await knex('t').count({ n: '*' })).toEqual([{ n: 6 }])
    })
  })

  it.runIf(driver === 'better-sqlite3')('says so when its connections break off', async () => {
    const opened: { close(): unknown }[] = []
    await withKnex(
      database.file,
      async (knex) => {
        const lane = await TestLane.open(sqliteSink({ table: 't', knex }))
        await lane.write(rows(3))
        for (const native of opened) native.close()
        expect(await failure(lane.write(rows(3, 4)))).toMatchObject({ code: 'STORE_UNAVAILABLE' })
        await lane[Symbol.asyncDispose]()
        expect(await database.value('SELECT count(*) FROM t')).toBe(3)
      },
      poolRunning(driver, () => '', opened),
    )
  })

  it.each(['memory', 'truncate', 'persist'])(
    'writes in journal mode %s where a knex instance sets it',
    async (mode) => {
      await database.exec('PRAGMA journal_mode = delete')
      const knex = makeKnex({
        client: driver,
        connection: { filename: database.file },
        useNullAsDefault: true,
        pool: poolRunning(driver, () => `PRAGMA journal_mode = ${mode}`),
      })
      const report = await runPipeline({
        name: mode,
        source: memorySource({ records: rows(100), key: 'id' }),
        sink: sqliteSink({ table: 't', knex }),
        batchSize: 10,
      })
      await knex.destroy()
      expect(report.counts).toMatchObject({ inserted: 100 })
      expect(await database.value('SELECT count(*) FROM t')).toBe(100)
    },
  )

  // better-sqlite3 opens databases defensively and does not let it be set.
  it.runIf(driver === 'sqlite3')(
    'refuses one that sets journal mode off, where nothing can be taken back',
    async () => {
      const pool = poolRunning(driver, () => 'PRAGMA journal_mode = off')
      await database.exec('PRAGMA journal_mode = delete')
      await withKnex(
        database.file,
        async (knex) => {
          const error = await failure(TestLane.open(sqliteSink({ table: 't', knex })))
          expect(error).toMatchObject({ code: 'OPTION_INVALID' })
          expect(error.message).toContain('journal_mode')
        },
        pool,
      )
    },
  )
})
