import { type Row, runBackfill, runPipeline } from '@drover/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sqliteSink } from '../sink/sqlite-sink.js'
import { sqliteSource } from '../source/sqlite-source.js'
import { drivers, TestDatabase } from '../testing/test-database.js'
import { failure } from '../testing/test-lane.js'
import { type SqliteBackfillOptions, sqliteBackfill } from './sqlite-backfill.js'

describe.each(drivers)('what a backfill asks of rows, over %s', (driver) => {
  let database: TestDatabase

  beforeEach(async () => {
    database = new TestDatabase(driver)
    await database.exec(`
      CREATE TABLE t (id INTEGER PRIMARY KEY, content TEXT, created_at TEXT, n INTEGER NOT NULL DEFAULT 0);
      WITH RECURSIVE i (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM i WHERE i < 300)
      INSERT INTO t SELECT i, 'text ' || i, strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-' || (i / 150) || ' days'), 0 FROM i;
    `)
  })

  afterEach(() => database[Symbol.asyncDispose]())

  const backfill = (options: Partial<SqliteBackfillOptions> = {}) =>
    sqliteBackfill({
      name: 'b',
      filename: database.file,
      driver,
      table: 't',
      sets: ['n'],
      set: () => ({ n: 1 }),
      batchSize: 50,
      ...options,
    })

  describe('a time in the predicate', () => {
    const twice = async (options: () => Partial<SqliteBackfillOptions>) => {
      const first = await runBackfill({ backfiller: backfill(options()), stopAfter: { records: 50 } })
      expect(first).toMatchObject({ status: 'stopped', counts: { updated: 50 } })
      return runBackfill({ backfiller: backfill(options()) })
    }

    it('that stands still can be resumed as a Date', async () => {
      const report = await twice(() => ({ where: { n: { eq: 0 }, created_at: { lt: new Date('2999-01-01') } } }))
      expect(report.counts).toMatchObject({ read: 300, updated: 300 })
    })

    it('that moves can be resumed as SQL', async () => {
      const hour = `n = 0 AND julianday(created_at) < julianday('now', '-1 hour') -- an hour ago`
      const report = await twice(() => ({ where: hour }))
      expect(report.counts).toMatchObject({ read: 151, updated: 151 })
    })

    it('that moves is another pipeline as a Date, which is said, and can be gone on with', async () => {
      let calls = 0
      const moving = () => ({ where: { created_at: { lt: new Date(Date.now() + ++calls * 1000) } } })
      const error = await failure(twice(moving))
      expect(error.code).toBe('PIPELINE_CHANGED')
      const report = await runBackfill({ backfiller: backfill(moving()), whenChanged: 'continue' })
      expect(report.counts).toMatchObject({ updated: 300 })
    })

    it('that moves stands in the query of a source', async () => {
      const run = (stopAfter?: { records: number }) =>
        runPipeline({
          name: 'old',
          source: sqliteSource({
            filename: database.file,
            driver,
            query: `SELECT * FROM t WHERE julianday(created_at) < julianday('now', '-1 hour')`,
            key: 'id',
          }),
          sink: sqliteSink({ filename: database.file, driver, table: 'old', key: 'id' }),
          batchSize: 50,
          ...(stopAfter && { stopAfter }),
        })
      expect((await run({ records: 50 })).status).toBe('stopped')
      expect((await run()).counts).toMatchObject({ read: 151, inserted: 151 })
    })
  })

  it('integers that SQL computes are numbers while they are safe, whichever way rows come', async () => {
    const seen: Record<string, Set<string>> = {}
    const set = ({ one, large, real, text, none }: Row): { n: number } => {
      for (const [name, value] of Object.entries({ one, large, real, text, none })) {
        seen[name] = (seen[name] ?? new Set()).add(`${typeof value} ${value}`)
      }
      return { n: 1 }
    }
    const reads = {
      one: '1 + 0 -- a number',
      large: '9007199254740993',
      real: '0.5 + 1',
      text: `'x' || 1`,
      none: 'NULL',
    }
    const expected = {
      one: new Set(['number 1']),
      large: new Set(['bigint 9007199254740993']),
      real: new Set(['number 1.5']),
      text: new Set(['string x1']),
      none: new Set(['object null']),
    }
    for (const [name, how] of [
      ['at once', set],
      ['late', async (row: Row) => set(row)],
    ] as const) {
      const report = await runBackfill({
        backfiller: backfill({ name, reads, set: how, where: 'true -- all of them' }),
      })
      expect(report.counts).toMatchObject({ read: 300, updated: 300 })
      expect(seen).toEqual(expected)
    }
  })

  it('SQL that sets may end in a comment', async () => {
    const report = await runBackfill({ backfiller: backfill({ set: { n: 'id * 2 -- twice' }, where: 'n = 0 -- new' }) })
    expect(report.counts).toMatchObject({ updated: 300 })
    expect(await database.value('SELECT sum(n = id * 2) FROM t')).toBe(300)
  })

  it.each([
    [{ reads: { id: 'id + 1' } }, '"id"'],
    [{ reads: { Content: 'upper(content)' }, where: { content: { ne: '' } } }, '"Content"'],
  ])('SQL under the name of a column that is read too is refused: %j', async (options, name) => {
    const error = await failure(runBackfill({ backfiller: backfill(options) }))
    expect(error.code).toBe('OPTION_INVALID')
    expect(error.message).toContain(`${name} is the name of a column`)
  })
})
