import { from, memorySource, type RecordSchema, type Row, rename, runPipeline } from '@drover/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sqliteSource } from '../source/sqlite-source.js'
import { drivers, TestDatabase } from '../testing/test-database.js'
import { failure, TestLane } from '../testing/test-lane.js'
import { type SqliteSinkOptions, sqliteSink } from './sqlite-sink.js'

describe.each(drivers)('the table of a sink, over %s', (driver) => {
  let origin: TestDatabase
  let database: TestDatabase

  beforeEach(() => {
    origin = new TestDatabase(driver, 'origin.db')
    database = new TestDatabase(driver)
  })

  afterEach(async () => {
    await origin[Symbol.asyncDispose]()
    await database[Symbol.asyncDispose]()
  })

  const sink = (options: Partial<SqliteSinkOptions> = {}) =>
    sqliteSink({ filename: database.file, driver, table: 't', ...options })

  const copy = (options: Partial<SqliteSinkOptions> = {}, name = 'copy') =>
    runPipeline({ name, source: sqliteSource({ filename: origin.file, driver, table: 't' }), sink: sink(options) })

  const ddl = () => database.value(`SELECT sql FROM sqlite_master WHERE name = 't'`)

  const schema = (fields: RecordSchema['fields'], key: readonly string[] = []): RecordSchema => ({ fields, key })

  describe('that is made', () => {
    it.each([
      [
        'id INTEGER PRIMARY KEY, a NVARCHAR(160) NOT NULL, b NUMERIC(10,2), c',
        '("id" INTEGER PRIMARY KEY, "a" NVARCHAR(160) NOT NULL, "b" NUMERIC(10,2), "c")',
      ],
      [
        'mail TEXT COLLATE NOCASE PRIMARY KEY, name TEXT COLLATE NOCASE',
        '("mail" TEXT NOT NULL COLLATE NOCASE, "name" TEXT, PRIMARY KEY ("mail"))',
      ],
      ['mail TEXT, PRIMARY KEY (mail COLLATE RTRIM)', '("mail" TEXT NOT NULL COLLATE RTRIM, PRIMARY KEY ("mail"))'],
      ['k COLLATE NOCASE PRIMARY KEY NOT NULL', '("k" NOT NULL COLLATE NOCASE, PRIMARY KEY ("k"))'],
      [
        'a INT, b TEXT COLLATE NOCASE, PRIMARY KEY (b, a)) WITHOUT ROWID',
        '("a" INT NOT NULL, "b" TEXT NOT NULL COLLATE NOCASE, PRIMARY KEY ("b", "a"))',
      ],
      [
        'id INTEGER PRIMARY KEY AUTOINCREMENT, a ANY, b BLOB, c REAL) STRICT',
        '("id" INTEGER PRIMARY KEY, "a", "b" BLOB, "c" REAL)',
      ],
      [
        "id INTEGER PRIMARY KEY, v INTEGER AS (id * 2), s TEXT AS (id || 'x') STORED",
        '("id" INTEGER PRIMARY KEY, "v" INTEGER, "s" TEXT)',
      ],
      ['a INTEGER, b TEXT', '("a" INTEGER, "b" TEXT)'],
    ])('of a table (%s) declares the same types and key', async (declared, made) => {
      await origin.exec(
        `CREATE TABLE t (${declared.includes(') WITHOUT') || declared.includes(') STRICT') ? declared : `${declared})`}`,
      )
      await copy()
      expect(await ddl()).toBe(`CREATE TABLE "t" ${made}`)
    })

    it('takes for the same key what the original does', async () => {
      await origin.exec(
        `CREATE TABLE t (mail TEXT COLLATE NOCASE PRIMARY KEY, n INTEGER); INSERT INTO t VALUES ('Ann', 1), ('bob', 2)`,
      )
      expect((await copy({ onConflict: 'update' })).counts).toMatchObject({ inserted: 2 })
      await origin.exec(`UPDATE t SET mail = 'ANN', n = 3 WHERE mail = 'ann'; INSERT INTO t VALUES ('cy', 4)`)
      expect((await copy({ onConflict: 'update' }, 'again')).counts).toMatchObject({ inserted: 1, updated: 2 })
      expect(await database.exact('SELECT * FROM t ORDER BY n')).toEqual([
        ['bob', 2n],
        ['Ann', 3n],
        ['cy', 4n],
      ])
    })

    it('keeps the collation where the key goes by another name or order', async () => {
      await origin.exec(
        `CREATE TABLE t (mail TEXT COLLATE NOCASE UNIQUE NOT NULL, n INTEGER PRIMARY KEY); INSERT INTO t VALUES ('Ann', 1)`,
      )
      await copy({ key: ['mail'] })
      expect(await ddl()).toBe(
        'CREATE TABLE "t" ("mail" TEXT NOT NULL COLLATE NOCASE, "n" INTEGER NOT NULL, PRIMARY KEY ("mail"))',
      )
    })

    it('takes any names', async () => {
      const table = `a "b" 'c'; DROP TABLE x -- ?`
      const records = [{ select: 1, 'a"b': 2, 'ü 🐑': 'x', '?': 4, __proto__x: 5, 'drop table y;--': null }]
      const source = memorySource({ records, key: ['select', 'a"b'] })
      const run = (onConflict: 'error' | 'update' | 'skip', name: string) =>
        runPipeline({ name, source, sink: sink({ table, onConflict }) })
      expect((await run('error', '1')).counts.inserted).toBe(1)
      expect((await run('update', '2')).counts.updated).toBe(1)
      expect((await run('skip', '3')).counts.skipped).toBe(1)
      expect(await database.records(table, Object.keys(records[0] ?? {}))).toEqual(records)
      const back = sqliteSource({ filename: database.file, driver, table })
      expect((await runPipeline({ name: '4', source: back, sink: sink({ table: `${table}2` }) })).counts.inserted).toBe(
        1,
      )
    })

    it('is not there before the run begins to write, and is left alone if it is', async () => {
      await using lane = await TestLane.open(sink(), {
        schema: schema([{ name: 'id', type: { kind: 'int', bits: 64 }, nullable: false }], ['id']),
      })
      expect(await ddl()).toBe('CREATE TABLE "t" ("id" INTEGER PRIMARY KEY)')
      await lane.write([{ id: 1 }])
      await using again = await TestLane.open(sink(), {
        run: 'again',
        schema: schema([{ name: 'id', type: { kind: 'text' }, nullable: true }]),
      })
      await again.write([{ id: 2 }])
      expect(await database.exact('SELECT id FROM t')).toEqual([[1n], [2n]])
    })

    it('is not made where the conflict policy asks for a key that the records do not have: giving it is enough', async () => {
      const keyless = schema([{ name: 'id', type: { kind: 'int', bits: 64 }, nullable: false }], [])
      const error = await failure(TestLane.open(sink({ onConflict: 'update' }), { schema: keyless }))
      expect(error).toMatchObject({ code: 'SINK_NOT_READY', message: expect.stringContaining('give key') })
      await using lane = await TestLane.open(sink({ onConflict: 'update', key: 'id' }), { schema: keyless })
      expect((await lane.write([{ id: 1 }])).inserted).toBe(1)
    })
  })

  describe('that is there', () => {
    it.each([
      [
        { createTable: false, table: 'tt' },
        /^SINK_NOT_READY.*"tt" of .* there is no such table, and createTable is false.*did you mean "t"/,
      ],
      [{ table: 'v' }, /^SINK_NOT_READY.*it is a view; name the table behind it/],
      [{ table: 'found', onConflict: 'update', key: 'id' }, /^SINK_NOT_READY.*it is a virtual table/],
      [{ table: 'few' }, /^SINK_NOT_READY.*it has no column "name".*did you mean "nome"/],
      [{ table: 'strange' }, /^SINK_NOT_READY.*its column "tenant" must not be null and has no default/],
      [
        { onConflict: 'update', table: 'keyless' },
        /^SINK_NOT_READY.*no primary key or unique index is over exactly \("id"\)/,
      ],
      [
        { onConflict: 'update', key: 'name' },
        /^SINK_NOT_READY.*no primary key or unique index is over exactly \("name"\)/,
      ],
      [{ onConflict: 'update', key: ['id', 'name'] }, /^SINK_NOT_READY.*over exactly \("id", "name"\)/],
      [{ onConflict: 'skip', key: 'nome' }, /^SINK_NOT_READY.*it has no column "nome".*did you mean "name"/],
      [{ onConflict: { merge: ['nome'] } }, /^SINK_NOT_READY.*it has no column "nome"/],
      [{ table: 'partial', key: 'name', onConflict: 'update' }, /^SINK_NOT_READY.*over exactly \("name"\)/],
      [{ table: 'expression', key: 'name', onConflict: 'skip' }, /^SINK_NOT_READY.*over exactly \("name"\)/],
      [
        { table: 'computed', key: 'lower', onConflict: 'update' },
        /^SINK_NOT_READY.*the key names "lower", which computes itself/,
      ],
      [
        { table: 'computed', onConflict: { merge: ['lower'] } },
        /^SINK_NOT_READY.*the merge names "lower", which computes itself/,
      ],
    ] satisfies readonly (readonly [Partial<SqliteSinkOptions>, RegExp])[])(
      'and does not fit %j is refused with what is wrong',
      async (options, said) => {
        await database.exec(`
        CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT);
        CREATE VIEW v AS SELECT * FROM t;
        CREATE VIRTUAL TABLE found USING fts5 (id, name);
        CREATE TABLE few (id INTEGER PRIMARY KEY, nome TEXT);
        CREATE TABLE strange (id INTEGER PRIMARY KEY, name TEXT, tenant TEXT NOT NULL);
        CREATE TABLE keyless (id INTEGER, name TEXT);
        CREATE TABLE partial (id INTEGER PRIMARY KEY, name TEXT); CREATE UNIQUE INDEX some ON partial (name) WHERE id > 5;
        CREATE TABLE expression (id INTEGER PRIMARY KEY, name TEXT); CREATE UNIQUE INDEX folded ON expression (lower(name));
        CREATE TABLE computed (id INTEGER PRIMARY KEY, name TEXT, lower TEXT AS (lower(name)) UNIQUE);
      `)
        const source = memorySource({ records: [{ id: 1, name: 'one' }], key: 'id' })
        const error = await failure(async () => runPipeline({ name: 'r', source, sink: sink(options) }))
        expect(`${error.code} ${error.message}`).toMatch(said)
        expect(await database.value('SELECT count(*) FROM t')).toBe(0)
      },
    )

    it('is found in any case, as SQLite finds names', async () => {
      await database.exec('CREATE TABLE Messages (Id INTEGER PRIMARY KEY, Name TEXT)')
      const source = from(memorySource({ records: [{ id: 1, text: 'one' }], key: 'id' })).pipe(rename({ text: 'NAME' }))
      await runPipeline({ name: 'r', source, sink: sink({ table: 'MESSAGES', key: 'ID', onConflict: 'update' }) })
      expect(await database.exact('SELECT * FROM messages')).toEqual([[1n, 'one']])
      expect(await database.value(`SELECT count(*) FROM sqlite_master WHERE name LIKE 'messages'`)).toBe(1)
    })

    it('lets its virtual and stored columns compute themselves, whether or not records bring them', async () => {
      await database.exec(
        `CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, v INTEGER AS (a * 2), s TEXT AS (a || '!') STORED)`,
      )
      await using lane = await TestLane.open(sink({ onConflict: 'update' }))
      const rows: Row[] = [
        { id: 1, a: 1, v: 99, s: 'no' },
        { id: 2, a: 2 },
        { id: 1, a: 3, v: 0 },
      ]
      expect(await lane.write(rows)).toEqual({ inserted: 2, updated: 1, skipped: 0 })
      expect(await database.exact('SELECT * FROM t')).toEqual([
        [1n, 3n, 6n, '3!'],
        [2n, 2n, 4n, '2!'],
      ])
    })

    it('may be a virtual one, as far as it takes rows', async () => {
      await database.exec('CREATE VIRTUAL TABLE t USING fts5 (id UNINDEXED, text)')
      await using lane = await TestLane.open(sink())
      const rows = Array.from({ length: 300 }, (_, i) => ({ id: i, text: `sheep number ${i}` }))
      expect(await lane.write(rows)).toEqual({ inserted: 300, updated: 0, skipped: 0 })
      expect(await database.value(`SELECT count(*) FROM t WHERE t MATCH 'sheep'`)).toBe(300)
    })

    it('goes on counting with AUTOINCREMENT behind the ids that were copied', async () => {
      await origin.exec(
        `CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT); INSERT INTO t VALUES (7, 'x'), (500, 'y')`,
      )
      await database.exec('CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT)')
      await copy()
      await database.exec(`DELETE FROM t; INSERT INTO t (a) VALUES ('next')`)
      expect(await database.value('SELECT id FROM t')).toBe(501)
      await using lane = await TestLane.open(sink())
      await lane.write([{ id: 900, a: 'z' }, { a: 'given' }, { id: undefined, a: 'given too' }])
      expect(await database.exact('SELECT id, a FROM t ORDER BY id')).toEqual([
        [501n, 'next'],
        [900n, 'z'],
        [901n, 'given'],
        [902n, 'given too'],
      ])
    })
  })
})
