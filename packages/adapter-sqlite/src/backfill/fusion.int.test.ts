import { runBackfill, startBackfill } from '@drover/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { TestDatabase } from '../testing/test-database.js'
import { type SqliteBackfillOptions, sqliteBackfill } from './sqlite-backfill.js'

const rows = 5_000

describe('a set that SQLite calls', () => {
  let database: TestDatabase

  beforeEach(async () => {
    database = new TestDatabase('better-sqlite3')
    await database.exec(`
      PRAGMA journal_mode = WAL;
      CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT, n INTEGER DEFAULT 0, m, big INTEGER);
      WITH RECURSIVE i(v) AS (VALUES (1) UNION ALL SELECT v + 1 FROM i WHERE v < ${rows})
      INSERT INTO t (id, text) SELECT v, 'text ' || v FROM i;
    `)
  })

  afterEach(() => database[Symbol.asyncDispose]())

  function backfill(options: Partial<SqliteBackfillOptions>) {
    return sqliteBackfill({
      name: 'fill',
      filename: database.file,
      driver: 'better-sqlite3',
      table: 't',
      where: { n: { eq: 0 } },
      reads: ['text'],
      sets: ['n'],
      set: ({ text }) => ({ n: String(text).length }),
      batchSize: 1_000,
      ...options,
    })
  }

  it('is not called twice for a row, and gets the rows that others get', async () => {
    const set = vi.fn(({ id, text }: Record<string, unknown>) => ({ n: Number(id) + String(text).length }))
    const report = await runBackfill({ backfiller: backfill({ set }) })
    expect(report.counts).toMatchObject({ read: rows, updated: rows, skipped: 0 })
    expect(set).toHaveBeenCalledTimes(rows)
    expect(set.mock.calls.map(([row]) => row)).toEqual(
      Array.from({ length: rows }, (_, i) => ({ id: i + 1, text: `text ${i + 1}` })),
    )
    const contexts = new Set(
      set.mock.calls
        .map((call) => (call as readonly unknown[])[1])
        .map((context) => (context as { runStartedAt: Date }).runStartedAt.getTime()),
    )
    expect([...contexts]).toEqual([report.startedAt.getTime()])
    expect(await database.value(`SELECT count(*) FROM t WHERE n = id + length(text)`)).toBe(rows)
  })

  it.each([
    ['gives null', () => null, { skipped: 1 }],
    ['leaves a column out', () => ({ m: 'x' }), { skipped: 0 }],
    ['gives a promise', async () => ({ n: 7, m: 'x' }), { skipped: 0 }],
  ])('may change its mind: it %s', async (_, late, counts) => {
    const set = ({ id }: Record<string, unknown>) => (id === 3_456 ? late() : { n: 7, m: 'x' })
    const report = await runBackfill({ backfiller: backfill({ set, sets: ['n', 'm'] }) })
    expect(report.counts).toMatchObject({ read: rows, updated: rows - counts.skipped, ...counts })
    expect(await database.value('SELECT count(*) FROM t WHERE n = 7')).toBeGreaterThanOrEqual(rows - 1)
  })

  it('sets several columns, whatever their order', async () => {
    const set = ({ id, text }: Record<string, unknown>) => ({ m: `${text}!`, n: Number(id) * 2 })
    for (const sets of [
      ['n', 'm'],
      ['m', 'n'],
    ]) {
      await database.exec('UPDATE t SET n = 0, m = NULL')
      await runBackfill({ backfiller: backfill({ set, sets }) })
      expect(await database.value(`SELECT count(*) FROM t WHERE n = id * 2 AND m = text || '!'`)).toBe(rows)
    }
  })

  it('keeps storage classes and large integers both ways', async () => {
    await database.exec(
      `UPDATE t SET m = CASE id % 4 WHEN 0 THEN 1 WHEN 1 THEN 1.0 WHEN 2 THEN x'00ff' ELSE 9007199254740993 END, big = 9007199254740990 + id`,
    )
    const seen = new Set<string>()
    const set = ({ m, big }: Record<string, unknown>) => {
      seen.add(`${typeof m} ${typeof big}`)
      return { n: 1, text: typeof m, m }
    }
    await runBackfill({ backfiller: backfill({ set, reads: ['m', 'big'], sets: ['n', 'text', 'm'] }) })
    expect([...seen].sort()).toEqual(
      ['bigint bigint', 'bigint number', 'number bigint', 'number number', 'object bigint', 'object number'].filter(
        (pair) => seen.has(pair),
      ),
    )
    expect(
      await database.exact(`SELECT text, typeof(m), quote(m), count(*) FROM t GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`),
    ).toEqual([
      ['bigint', 'integer', '1', 1_250n],
      ['bigint', 'integer', '9007199254740993', 1_250n],
      ['number', 'real', '1.0', 1_250n],
      ['object', 'blob', `X'00FF'`, 1_250n],
    ])
  })

  it('names the row on which it throws, keeps what was read of it, and goes on without it', async () => {
    const set = ({ id, text }: Record<string, unknown>) => {
      if (id === 4_321) throw new RangeError('no such tokens')
      return { n: String(text).length }
    }
    const letters: unknown[] = []
    await expect(runBackfill({ backfiller: backfill({ set }) })).rejects.toMatchObject({ code: 'RECORD_REJECTED' })
    expect(await database.value('SELECT count(*) FROM t WHERE n > 0')).toBe(4_000)
    const report = await runBackfill({
      backfiller: backfill({ set }),
      maxRejected: 1,
      deadLetters: database.folder,
      redact: (record) => {
        letters.push(record)
        return record
      },
    })
    expect(report.counts).toMatchObject({ read: rows, updated: rows - 1, rejected: 1 })
    expect(report.rejected).toMatchObject([{ key: [4_321], message: expect.stringContaining('no such tokens') }])
    expect(letters).toContainEqual({ id: 4_321, text: 'text 4321' })
  })

  it('names the row that the table refuses', async () => {
    await database.exec(
      `CREATE TRIGGER refuse BEFORE UPDATE ON t WHEN NEW.n = 4999 BEGIN SELECT RAISE(ABORT, 'not that one'); END`,
    )
    const report = await runBackfill({
      backfiller: backfill({ set: ({ id }) => ({ n: Number(id) }) }),
      maxRejected: 1,
      deadLetters: database.folder,
    })
    expect(report.counts).toMatchObject({ read: rows, updated: rows - 1, rejected: 1 })
    expect(report.rejected).toMatchObject([{ key: [4_999], message: expect.stringContaining('not that one') }])
  })

  it('refuses a row whose text is no UTF-8, and takes one that has the sign for that', async () => {
    await database.exec(
      `UPDATE t SET text = CAST(x'61ff62' AS TEXT) WHERE id = 4000; UPDATE t SET text = 'a' || char(0xfffd) WHERE id = 4001`,
    )
    const report = await runBackfill({ backfiller: backfill({}), maxRejected: 1, deadLetters: database.folder })
    expect(report.counts).toMatchObject({ read: rows, updated: rows - 1, rejected: 1 })
    expect(report.rejected).toMatchObject([{ key: [4_000] }])
    expect(await database.value('SELECT n FROM t WHERE id = 4001')).toBe(2)
  })

  it('leaves what the application wrote meanwhile, and counts no row that nobody read', async () => {
    const application = await database.open()
    await using live = startBackfill({ backfiller: backfill({ batchSize: 100 }) })
    live.events.on('batch:committed', ({ cursor, sequence }) => {
      if (sequence !== 20) return
      const [id] = cursor as [number]
      // The next page has been read already; the ones behind it have not.
      void application.exec(`
        UPDATE t SET n = -1 WHERE id IN (${id + 50}, ${id + 1_050});
        DELETE FROM t WHERE id IN (${id + 60}, ${id + 1_060});
        INSERT INTO t (id, text) VALUES (-5, 'low'), (9000, 'high')`)
    })
    const { counts } = await live.result
    await application[Symbol.asyncDispose]()
    expect(counts).toMatchObject({ read: rows - 1, updated: rows - 3, skipped: 2 })
    expect(await database.exact('SELECT id, n FROM t WHERE n < 1 OR id = 9000 ORDER BY id')).toEqual([
      [-5n, 0n],
      [2_050n, -1n],
      [3_050n, -1n],
      [9_000n, 4n],
    ])
  })

  it('counts rows that came into a page meanwhile, if it updates them', async () => {
    await database.exec('DELETE FROM t WHERE id % 2 = 0')
    const application = await database.open()
    await using live = startBackfill({ backfiller: backfill({ batchSize: 100 }) })
    live.events.on('batch:committed', ({ cursor, sequence }) => {
      const [id] = cursor as [number]
      if (sequence === 10) void application.exec(`INSERT INTO t (id, text) VALUES (${id + 51}, 'new')`)
    })
    const { counts } = await live.result
    await application[Symbol.asyncDispose]()
    const left = await database.value(`SELECT count(*) FROM t WHERE n = 0`)
    expect(counts).toMatchObject({ read: rows / 2 + 1 - Number(left), skipped: 0 })
    expect(counts.updated).toBe(counts.read)
  })

  it('computes rows of a query too, with a composite key in any collation', async () => {
    await database.exec(`
      CREATE TABLE c (a TEXT COLLATE NOCASE, b REAL, v INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (a, b)) WITHOUT ROWID;
      INSERT INTO c (a, b) SELECT CASE id % 3 WHEN 0 THEN 'x' WHEN 1 THEN 'X' ELSE 'y' END || (id % 7), id / 2.0 FROM t;
    `)
    const set = ({ a, b, double }: Record<string, unknown>) => ({
      v: String(a).length * 1_000_000 + Number(b) * 2 + (double as number),
    })
    const backfiller = backfill({ table: 'c', where: 'c.v = 0', reads: { double: 'c.b * 2' }, sets: ['v'], set })
    expect((await runBackfill({ backfiller })).counts).toMatchObject({ read: rows, updated: rows })
    expect(await database.value('SELECT count(*) FROM c WHERE v = 2000000 + b * 4')).toBe(rows)
  })
})
