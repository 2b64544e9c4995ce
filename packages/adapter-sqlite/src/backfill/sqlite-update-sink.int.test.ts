import { memoryAckSink, memorySource, type Row, runPipeline } from '@drover/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { drivers, TestDatabase } from '../testing/test-database.js'
import { failure, TestLane } from '../testing/test-lane.js'
import { type SqliteUpdateSinkOptions, sqliteUpdateSink } from './sqlite-update-sink.js'

describe.each(drivers)('sqliteUpdateSink over %s', (driver) => {
  let database: TestDatabase

  beforeEach(async () => {
    database = new TestDatabase(driver)
    await database.exec(`
      PRAGMA journal_mode = WAL;
      CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, n INTEGER CHECK (n < 1000), note TEXT DEFAULT 'none');
      WITH RECURSIVE i (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM i WHERE i < 300)
      INSERT INTO t (id, name, n) SELECT i, 'name ' || i, 0 FROM i;
    `)
  })

  afterEach(() => database[Symbol.asyncDispose]())

  const sink = (options: Partial<SqliteUpdateSinkOptions> = {}) =>
    sqliteUpdateSink({ filename: database.file, driver, table: 't', sets: ['n'], ...options })

  const lane = (options: Partial<SqliteUpdateSinkOptions> = {}, run = 'run') => TestLane.open(sink(options), { run })

  const setting = (n: number, from = 1, to = 300): Row[] =>
    Array.from({ length: to - from + 1 }, (_, i) => ({ id: from + i, n }))

  it('updates the rows that are there, counts those that are gone as skipped, and inserts none', async () => {
    await database.exec('DELETE FROM t WHERE id % 3 = 0')
    await using one = await lane()
    await one.probe(setting(5))
    expect(await database.value('SELECT sum(n) FROM t')).toBe(0)
    expect(await one.write([...setting(5), { id: 5000, n: 1 }], 70)).toEqual({
      inserted: 0,
      updated: 200,
      skipped: 101,
    })
    expect(await database.exact('SELECT count(*), sum(n) FROM t')).toEqual([[200n, 1000n]])
  })

  it.each([
    ['a filter', { n: { eq: 0 } }],
    ['SQL', 'n = 0'],
    ['SQL with its own table', 't.n = 0 AND NOT EXISTS (SELECT 1 FROM t AS o WHERE o.id = t.id AND o.n > 0)'],
    ['SQL with a comment', 'n = 0 -- only what nobody counted?'],
  ] as const)('leaves rows for which the predicate does not hold any more: %s', async (_, where) => {
    await using one = await lane({ where })
    await database.exec('UPDATE t SET n = 7 WHERE id <= 100')
    expect(await one.write(setting(5))).toEqual({ inserted: 0, updated: 200, skipped: 100 })
    expect(await one.write(setting(6))).toEqual({ inserted: 0, updated: 0, skipped: 300 })
    expect(await database.exact('SELECT n, count(*) FROM t GROUP BY n')).toEqual([
      [5n, 200n],
      [7n, 100n],
    ])
  })

  it('compares what a filter asks that SQL could not repeat with what the records bring', async () => {
    await using one = await lane({ where: { name: { like: 'name %' } } })
    await database.exec(`UPDATE t SET name = 'other' WHERE id = 2`)
    const records = [
      { id: 1, name: 'name 1', n: 1 },
      { id: 2, name: 'name 2', n: 1 },
      { id: 3, n: 1 },
    ]
    expect(await one.write(records)).toEqual({ inserted: 0, updated: 1, skipped: 2 })
    expect(await database.exact('SELECT id, name FROM t WHERE n = 1')).toEqual([[1n, 'name 1']])
  })

  it('writes the last of two records for one row, whatever lies between', async () => {
    await using one = await lane({ sets: ['n', 'note'] })
    const records = [
      { id: 1, n: 1 },
      { id: 2, n: 2 },
      { id: 1, n: 3 },
      { id: 1, note: 'x' },
      { id: 1, n: 4 },
    ]
    expect(await one.write(records)).toEqual({ inserted: 0, updated: 5, skipped: 0 })
    expect(await database.exact('SELECT n, note FROM t WHERE id = 1')).toEqual([[4n, 'x']])
  })

  it('leaves a column alone whose field is missing or undefined, and sets null where it is null', async () => {
    await using one = await lane({ sets: ['n', 'note'] })
    const records = [
      { id: 1, n: 1, note: undefined },
      { id: 2, n: undefined, note: 'b' },
      { id: 3 },
      { id: 4, n: undefined, note: undefined },
      { id: 5, n: null, note: null },
    ]
    expect(await one.write(records)).toEqual({ inserted: 0, updated: 3, skipped: 2 })
    expect(await database.exact('SELECT n, note FROM t WHERE id < 6')).toEqual([
      [1n, 'none'],
      [0n, 'b'],
      [0n, 'none'],
      [0n, 'none'],
      [null, null],
    ])
  })

  it('refuses a record without a key by its place, rather than to skip it', async () => {
    await using one = await lane()
    for (const bad of [{ n: 1 }, { id: null, n: 1 }, { id: undefined, n: 1 }]) {
      const error = await failure(one.write([{ id: 1, n: 1 }, bad, { id: 3, n: 1 }]))
      expect(error).toMatchObject({ code: 'RECORD_REFUSED', row: 1 })
      expect(error.message).toContain('"id"')
    }
    expect(await database.value('SELECT sum(n) FROM t')).toBe(0)
  })

  it.each([
    ['a check', { id: 150, n: 1000 }, 'CHECK constraint failed'],
    ['a unique column', { id: 150, name: 'name 1' }, 'UNIQUE constraint failed: t.name'],
    ['a null where none may be', { id: 150, name: null }, 'NOT NULL constraint failed: t.name'],
    ['an integer of more than 64 bits', { id: 150, n: 2n ** 63n }, '64 bits'],
    ['NaN', { id: 150, n: Number.NaN }, 'NaN'],
    ['half a surrogate pair', { id: 150, name: '\ud800' }, 'surrogate'],
    ['a function', { id: 150, name: () => 1 }, 'a function'],
    ['a field that is not among the sets', { id: 150, note: 'x' }, 'no column "note"'],
    ['a field that no column has', { id: 150, nmae: 'x' }, 'did you mean "name"'],
  ])('names the row that is refused for %s, and leaves nothing of the batch', async (_, bad, said) => {
    await using one = await lane({ sets: ['n', 'name'] })
    const records = setting(5).map((row) => (row.id === 150 ? bad : row))
    for (const attempt of [() => one.write(records, 100), () => one.probe(records)]) {
      const error = await failure(attempt)
      expect(error).toMatchObject({ code: 'RECORD_REFUSED', row: 149 })
      expect(error.message).toContain(said)
    }
    expect(await database.value('SELECT sum(n) FROM t')).toBe(0)
    expect(await one.write(setting(5, 1, 149))).toMatchObject({ updated: 149 })
  })

  it.each(['ABORT', 'FAIL', 'ROLLBACK', 'IGNORE'])(
    'a trigger with RAISE(%s) leaves nothing half done',
    async (raise) => {
      const raised = raise === 'IGNORE' ? 'RAISE(IGNORE)' : `RAISE(${raise}, 'not this one')`
      await database.exec(`CREATE TRIGGER no BEFORE UPDATE ON t WHEN NEW.id = 150 BEGIN SELECT ${raised}; END`)
      const letters = memoryAckSink()
      const report = await runPipeline({
        name: 'r',
        source: memorySource({ records: setting(5) as { id: number }[], key: 'id' }),
        sink: sink(),
        batchSize: 100,
        maxRejected: 1,
        deadLetters: letters,
      })
      const refused = raise === 'IGNORE' ? 0 : 1
      expect(report.counts).toMatchObject({ read: 300, updated: 299, rejected: refused, skipped: 1 - refused })
      expect(letters.store.rows.map(({ key }) => key)).toEqual(refused === 1 ? [[150]] : [])
      expect(await database.exact('SELECT count(*), sum(n) FROM t WHERE id <> 150')).toEqual([[299n, 1495n]])
    },
  )

  it('keeps the conflict clauses of triggers, and overrules those of the table', async () => {
    await database.exec(`
      CREATE TABLE names (name TEXT PRIMARY KEY);
      CREATE TRIGGER names AFTER UPDATE ON t BEGIN INSERT OR IGNORE INTO names VALUES ('one'); END;
      CREATE TABLE r (id INTEGER PRIMARY KEY, name TEXT UNIQUE ON CONFLICT REPLACE);
      INSERT INTO r VALUES (1, 'a'), (2, 'b');
    `)
    await using one = await lane()
    expect(await one.write(setting(5))).toMatchObject({ updated: 300 })
    await using two = await lane({ table: 'r', sets: ['name'] }, 'two')
    expect(await failure(two.write([{ id: 1, name: 'b' }]))).toMatchObject({ code: 'RECORD_REFUSED', row: 0 })
    expect(await database.exact('SELECT * FROM r')).toEqual([
      [1n, 'a'],
      [2n, 'b'],
    ])
  })

  describe('finds rows', () => {
    it('by a composite key in any collation and affinity', async () => {
      await database.exec(`CREATE TABLE c (a TEXT COLLATE NOCASE, b NUMERIC, v, PRIMARY KEY (a, b)) WITHOUT ROWID;
        INSERT INTO c VALUES ('x', 1, NULL), ('x', 2.5, NULL), ('y', 1, NULL), ('5', 9007199254740993, NULL)`)
      await using one = await lane({ table: 'c', sets: ['v'] })
      const records = [
        { a: 'X', b: 1, v: 'first' },
        { a: 'x', b: 2.5, v: 'second' },
        { a: 'Y', b: 2, v: 'none' },
        { a: '5', b: 9007199254740993n, v: 1n },
      ]
      expect(await one.write(records)).toEqual({ inserted: 0, updated: 3, skipped: 1 })
      expect(await database.exact('SELECT v FROM c ORDER BY a, b')).toEqual([[1n], ['first'], ['second'], [null]])
      expect(await failure(one.write([{ a: 'x', v: 1 }]))).toMatchObject({ code: 'RECORD_REFUSED', row: 0 })
    })

    it('by the rowid of a table without a key', async () => {
      await database.exec(`CREATE TABLE k (v TEXT); INSERT INTO k VALUES ('a'), ('a'), ('a')`)
      await using one = await lane({ table: 'k', sets: ['v'] })
      expect(
        await one.write([
          { rowid: 2, v: 'b' },
          { rowid: 9, v: 'c' },
        ]),
      ).toEqual({ inserted: 0, updated: 1, skipped: 1 })
      expect(await database.exact('SELECT v FROM k')).toEqual([['a'], ['b'], ['a']])
    })

    it('by another unique key, in any case of its name', async () => {
      await using one = await lane({ key: 'NAME' })
      expect(
        await one.write([
          { Name: 'name 1', n: 1 },
          { name: 'name 2', N: 2 },
        ]),
      ).toMatchObject({ updated: 2 })
      expect(await database.exact('SELECT id, n FROM t WHERE n > 0')).toEqual([
        [1n, 1n],
        [2n, 2n],
      ])
    })

    it('by keys with names that need quoting', async () => {
      await database.exec(
        `CREATE TABLE "a ""b"" ?" ("select" TEXT PRIMARY KEY NOT NULL, "x'y?" INTEGER); INSERT INTO "a ""b"" ?" VALUES ('k', 0)`,
      )
      await using one = await lane({ table: 'a "b" ?', sets: [`x'y?`], where: { "x'y?": { eq: 0 } } })
      expect(await one.write([{ select: 'k', "x'y?": 7 }])).toMatchObject({ updated: 1 })
    })
  })

  it.each([
    [{ table: 'tt' }, /^SOURCE_NOT_FOUND.*did you mean "t"/],
    [{ table: 'v' }, /^OPTION_INVALID.*is a view/],
    [{ sets: ['m'] }, /^NAME_UNKNOWN.*"m"/],
    [{ sets: ['id'] }, /^OPTION_INVALID.*part of the key/],
    [{ sets: ['double'], table: 'g' }, /^OPTION_INVALID.*computes itself/],
    [{ key: 'n' }, /^KEY_INVALID.*no primary key/],
    [{ where: { m: { eq: 1 } } }, /^NAME_UNKNOWN.*"m"/],
    [{ filename: '/nowhere/x.db' }, /^SOURCE_NOT_FOUND/],
    [{ where: 'm = 1' }, /^SOURCE_NOT_FOUND.*no such column: m/],
    [{ where: 'n = (' }, /^OPTION_INVALID.*where/],
  ] satisfies readonly (readonly [Partial<SqliteUpdateSinkOptions>, RegExp])[])(
    'says before the first batch what is wrong with %j',
    async (options, said) => {
      await database.exec(
        'CREATE VIEW v AS SELECT * FROM t; CREATE TABLE g (id INTEGER PRIMARY KEY, n, double AS (n * 2))',
      )
      const error = await failure(lane(options))
      expect(`${error.code} ${error.message}`).toMatch(said)
    },
  )

  it.each([
    [{ sets: [] }, /sets/],
    [{ sets: 'n' }, /sets/],
    [{ where: '' }, /where/],
    [{ where: { n: { equals: 1 } } }, /equals/],
    [{ key: [] }, /key/],
    [{ onConflict: 'update' }, /onConflict/],
    [{ filename: ':memory:' }, /memory/],
  ])('refuses %j', async (options, said) => {
    const error = await failure(() => sink(options as never))
    expect(['OPTION_INVALID', 'NAME_UNKNOWN']).toContain(error.code)
    expect(error.message).toMatch(said)
  })
})
