import { execFile } from 'node:child_process'
import { chmodSync, chownSync, copyFileSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { memorySource, runPipeline } from '@drover/core'
import { knex as makeKnex } from 'knex'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { childProgram } from '../../../../tooling/child-program.js'
import { LockHolder } from '../testing/lock-holder.js'
import { drivers, TestDatabase } from '../testing/test-database.js'
import { failure, TestLane } from '../testing/test-lane.js'
import { type SqliteSinkOptions, sqliteSink } from './sqlite-sink.js'

const rows = (count: number, from = 1) => Array.from({ length: count }, (_, i) => ({ id: from + i, name: `n${i}` }))

describe.each(drivers)('what may happen around a sink, over %s', (driver) => {
  let database: TestDatabase

  beforeEach(async () => {
    database = new TestDatabase(driver)
    await database.exec('PRAGMA journal_mode = WAL; CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)')
  })

  afterEach(() => database[Symbol.asyncDispose]())

  const sink = (options: Partial<SqliteSinkOptions> = {}) =>
    sqliteSink({ filename: database.file, driver, table: 't', ...options })

  const run = (options: Partial<SqliteSinkOptions> = {}, count = 100, maxRetries = 8) =>
    runPipeline({
      name: 'r',
      source: memorySource({ records: rows(count), key: 'id' }),
      sink: sink(options),
      batchSize: 10,
      maxRetries,
    })

  const count = () => database.value('SELECT count(*) FROM t')

  describe.each(['wal', 'delete'])('in journal mode %s', (mode) => {
    beforeEach(() => database.exec(`PRAGMA journal_mode = ${mode}`))

    it('waits for another process that holds the lock for less than the timeout', async () => {
      await using holder = await LockHolder.of(database.file)
      const running = run({ busyTimeoutMs: 10_000 }, 100, 0)
      setTimeout(() => void holder.release(), 150)
      expect((await running).counts).toMatchObject({ inserted: 100 })
    })

    it('says STORE_BUSY if it holds it for longer, and writes the same batch once it is free', async () => {
      await using lane = await TestLane.open(sink({ busyTimeoutMs: 40 }))
      await lane.write(rows(10))
      await using holder = await LockHolder.of(database.file)
      const started = performance.now()
      const error = await failure(lane.write(rows(10, 11)))
      expect(error).toMatchObject({ code: 'STORE_BUSY', isRetryable: true })
      expect(error.message).toContain('busyTimeoutMs')
      // SQLite counts whole milliseconds, and this clock parts of them.
      expect(performance.now() - started).toBeGreaterThanOrEqual(39)
      await holder.release()
      expect(await count()).toBe(10)
      expect(await lane.write(rows(10, 11))).toEqual({ inserted: 10, updated: 0, skipped: 0 })
    })

    it('fails resumably when the lock is never given back, and goes on later', async () => {
      await run({}, 30)
      await using holder = await LockHolder.of(database.file)
      const error = await failure(
        runPipeline({
          name: 'second',
          source: memorySource({ records: rows(50, 100), key: 'id' }),
          sink: sink({ busyTimeoutMs: 10 }),
          maxRetries: 1,
        }),
      )
      expect(error.code).toBe('STORE_BUSY')
      await holder.release()
      expect(await count()).toBe(30)
    })

    it.each(['deleted', 'replaced', 'moved away'])(
      'notices that the file was %s, and does not write into nothing',
      async (what) => {
        await using lane = await TestLane.open(sink())
        await lane.write(rows(10))
        const other = join(database.folder, 'other.db')
        if (what === 'replaced') {
          copyFileSync(database.file, other)
          renameSync(other, database.file)
        } else if (what === 'moved away') renameSync(database.file, other)
        else rmSync(database.file)
        const error = await failure(lane.write(rows(10, 11)))
        expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE', isRetryable: false })
        expect(error.message).toContain('deleted or replaced')
      },
    )
  })

  it('creates a database in WAL mode, and leaves the mode of one that is there', async () => {
    const modeOf = async (filename: string): Promise<unknown> => {
      await run({ filename })
      await using test = await TestLane.open(sink({ filename }), { run: filename })
      expect(await test.write(rows(1, 1000))).toMatchObject({ inserted: 1 })
      const knex = makeKnex({ client: driver, connection: { filename }, useNullAsDefault: true })
      const [{ journal_mode: mode }] = await knex.raw('PRAGMA journal_mode')
      await knex.destroy()
      return mode
    }
    expect(await modeOf(join(database.folder, 'new.db'))).toBe('wal')
    await database.exec('PRAGMA journal_mode = delete')
    expect(await modeOf(database.file)).toBe('delete')
  })

  describe('for a user who may not write', () => {
    const nobody = 65_534

    /** Rights mean nothing to root, so this becomes somebody else meanwhile. */
    async function asNobody<T>(work: () => Promise<T>): Promise<T> {
      if (process.geteuid?.() !== 0) return work()
      process.seteuid?.(nobody)
      try {
        return await work()
      } finally {
        process.seteuid?.(0)
      }
    }

    const give = (folderMode: number, fileMode: number): void => {
      for (const name of readdirSync(database.folder)) {
        const file = join(database.folder, name)
        if (process.geteuid?.() === 0) chownSync(file, nobody, nobody)
        chmodSync(file, fileMode)
      }
      if (process.geteuid?.() === 0) chownSync(database.folder, nobody, nobody)
      chmodSync(database.folder, folderMode)
    }

    afterEach(() => give(0o755, 0o644))

    it.each([
      ['the file', 'wal', 0o755, 0o444],
      ['the file', 'delete', 0o755, 0o444],
      ['the folder', 'wal', 0o555, 0o644],
      ['the folder', 'delete', 0o555, 0o644],
    ])('%s, in journal mode %s, it says STORE_DENIED', async (_, mode, folderMode, fileMode) => {
      await database.exec(`PRAGMA journal_mode = ${mode}`)
      give(folderMode, fileMode)
      const error = await asNobody(() => failure(run({}, 10, 0)))
      expect(error).toMatchObject({ code: 'STORE_DENIED', isRetryable: false })
      expect(error.message).toContain(database.file)
      give(0o755, 0o644)
      expect(await count()).toBe(0)
      expect((await asNobody(() => run())).counts).toMatchObject({ inserted: 100 })
    })
  })

  it('lets two processes write through sinks of runs of their own, and make the database', {
    timeout: 60_000,
  }, async () => {
    await using made = new TestDatabase(driver)
    const child = join(import.meta.dirname, '..', 'testing', 'two-writers.child.ts')
    const write = async (name: string): Promise<unknown> => {
      const args = [childProgram(child), made.file, driver, name, '600']
      const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: import.meta.dirname })
      return JSON.parse(stdout)
    }
    const counts = await Promise.all([write('one'), write('two')])
    for (const each of counts) expect(each).toMatchObject({ read: 600, inserted: 600, updated: 0, skipped: 0 })
    expect(await made.exact(`SELECT count(*), count(DISTINCT id), sum(n) FROM t`)).toEqual([[1200n, 1200n, 359_400n]])
    expect(await made.exact(`SELECT count(*) FROM drover_partitions WHERE done = 1`)).toEqual([[2n]])
  })
})
