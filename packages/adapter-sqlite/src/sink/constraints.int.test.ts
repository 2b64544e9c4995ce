import { memoryAckSink, memorySource, type Row, runPipeline } from '@drover/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { drivers, TestDatabase } from '../testing/test-database.js'
import { failure, TestLane } from '../testing/test-lane.js'
import type { OnConflict } from './conflict.js'
import { type SqliteSinkOptions, sqliteSink } from './sqlite-sink.js'

describe.each(drivers)('constraints of the table, over %s', (driver) => {
  let database: TestDatabase

  beforeEach(() => {
    database = new TestDatabase(driver)
  })

  afterEach(() => database[Symbol.asyncDispose]())

  const sink = (options: Partial<SqliteSinkOptions> = {}) =>
    sqliteSink({ filename: database.file, driver, table: 't', ...options })

  const lane = (options: Partial<SqliteSinkOptions> = {}, run = 'run') => TestLane.open(sink(options), { run })

  describe.each(['REPLACE', 'IGNORE', 'FAIL', 'ROLLBACK'])('with ON CONFLICT %s in its DDL', (clause) => {
    const rows: Row[] = Array.from({ length: 250 }, (_, i) => ({ id: i + 1, mail: `m${i + 1}`, n: 1 }))

    beforeEach(() =>
      database.exec(`CREATE TABLE t (
        id INTEGER PRIMARY KEY ON CONFLICT ${clause},
        mail TEXT UNIQUE ON CONFLICT ${clause},
        n INTEGER DEFAULT 5 NOT NULL ON CONFLICT ${clause},
        CHECK (n < 1000) ON CONFLICT ${clause === 'REPLACE' ? 'ABORT' : clause}
      ); INSERT INTO t VALUES (1000, 'there', 1)`),
    )

    it.each([
      ['its key', { id: 1000, mail: 'new', n: 1 }, 'UNIQUE constraint failed: t.id'],
      ['another unique column', { id: 2000, mail: 'there', n: 1 }, 'UNIQUE constraint failed: t.mail'],
      ['a null', { id: 2000, mail: 'new', n: null }, 'NOT NULL constraint failed: t.n'],
      ['a check', { id: 2000, mail: 'new', n: 1000 }, 'CHECK constraint failed'],
    ])('refuses a row for %s, and no row is dropped or replaced', async (_, row, said) => {
      await using one = await lane()
      const error = await failure(one.write([...rows, row]))
      expect(error).toMatchObject({ code: 'RECORD_REFUSED', row: 250 })
      expect(error.message).toContain(said)
      expect(await database.exact('SELECT * FROM t')).toEqual([[1000n, 'there', 1n]])
      expect(await one.write(rows)).toEqual({ inserted: 250, updated: 0, skipped: 0 })
    })

    it('updates and skips by the key alone, and refuses a row that another unique column stands in the way of', async () => {
      await using updating = await lane({ onConflict: 'update' })
      expect(await updating.write([...rows, { id: 1000, mail: 'there', n: 2 }])).toEqual({
        inserted: 250,
        updated: 1,
        skipped: 0,
      })
      for (const mail of ['there', 'm7']) {
        expect(await failure(updating.write([{ id: 3, mail, n: 3 }]))).toMatchObject({ code: 'RECORD_REFUSED', row: 0 })
      }
      await using skipping = await lane({ onConflict: 'skip' }, 'skip')
      expect(
        await skipping.write([
          { id: 1, mail: 'm9', n: 9 },
          { id: 300, mail: 'm300', n: 1 },
        ]),
      ).toEqual({
        inserted: 1,
        updated: 0,
        skipped: 1,
      })
      expect(await failure(skipping.write([{ id: 400, mail: 'there', n: 1 }]))).toMatchObject({
        code: 'RECORD_REFUSED',
      })
      expect(await database.exact('SELECT count(*), sum(n), count(DISTINCT mail) FROM t')).toEqual([[252n, 253n, 252n]])
    })
  })

  describe('foreign keys', () => {
    beforeEach(() =>
      database.exec(`
        CREATE TABLE parents (id INTEGER PRIMARY KEY);
        INSERT INTO parents VALUES (1);
        CREATE TABLE t (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parents (id));
        CREATE TABLE later (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES later (id) DEFERRABLE INITIALLY DEFERRED);
      `),
    )

    it('that are checked at once name the row', async () => {
      await using one = await lane()
      const rows = [
        { id: 1, parent: 1 },
        { id: 2, parent: null },
        { id: 3, parent: 9 },
      ]
      expect(await failure(one.write(rows))).toMatchObject({ code: 'RECORD_REFUSED', row: 2 })
      expect(await failure(one.probe(rows))).toMatchObject({ code: 'RECORD_REFUSED', row: 2 })
      expect(await database.value('SELECT count(*) FROM t')).toBe(0)
    })

    it('that are deferred may be broken within a batch', async () => {
      await using one = await lane({ table: 'later' })
      expect(
        await one.write([
          { id: 1, parent: 3 },
          { id: 2, parent: 1 },
          { id: 3, parent: 2 },
        ]),
      ).toMatchObject({ inserted: 3 })
    })

    it('that are deferred refuse a batch that leaves them broken, and the engine finds the record', async () => {
      const letters = memoryAckSink()
      const records = Array.from({ length: 100 }, (_, i) => ({ id: i + 1, parent: i === 41 ? 999 : i + 1 }))
      const report = await runPipeline({
        name: 'later',
        source: memorySource({ records, key: 'id' }),
        sink: sink({ table: 'later' }),
        batchSize: 30,
        maxRejected: 1,
        deadLetters: letters,
      })
      expect(report.counts).toMatchObject({ read: 100, inserted: 99, rejected: 1 })
      expect(letters.store.rows).toMatchObject([{ key: [42], code: 'RECORD_REFUSED' }])
    })

    it('are not checked if the option says so', async () => {
      await using one = await lane({ foreignKeys: false })
      expect(await one.write([{ id: 3, parent: 9 }])).toMatchObject({ inserted: 1 })
    })

    it('that point to a row do not lose it when it is updated', async () => {
      await database.exec('INSERT INTO t VALUES (1, 1); ALTER TABLE parents ADD name TEXT')
      await using one = await lane({ table: 'parents', onConflict: 'update' })
      expect(await one.write([{ id: 1, name: 'changed' }])).toMatchObject({ updated: 1 })
      expect(await database.exact('SELECT parent FROM t')).toEqual([[1n]])
    })
  })

  it('of a STRICT table name the row whose value is of another type', async () => {
    await database.exec(`CREATE TABLE t (i INTEGER, r REAL, t TEXT, b BLOB, a ANY) STRICT`)
    await using one = await lane()
    const good: Row = { i: 1, r: 1.5, t: 'x', b: new Uint8Array([1]), a: 1n }
    const bad: Row[] = [
      { ...good, i: 1.5 },
      { ...good, i: 'x' },
      { ...good, r: 'x' },
      { ...good, t: new Uint8Array([1]) },
      { ...good, b: 'x' },
    ]
    for (const row of bad) {
      expect(await failure(one.write([good, good, row, good])), String(Object.values(row))).toMatchObject({
        code: 'RECORD_REFUSED',
        row: 2,
      })
    }
    expect(await one.write([good, { i: null, a: 1 }, { t: 5, a: 'x' }, { r: 2, i: 3n, a: null }])).toMatchObject({
      inserted: 4,
    })
    expect(await database.exact('SELECT i, r, t, typeof(a) FROM t')).toEqual([
      [1n, 1.5, 'x', 'integer'],
      [null, null, null, 'real'],
      [null, null, '5', 'text'],
      [3n, 2, null, 'null'],
    ])
  })

  it.each(['', 'WITHOUT ROWID'])(
    'of a unique index that is partial or over an expression refuse rows, and no key is made of them %s',
    async (options) => {
      await database.exec(`
      CREATE TABLE t (id TEXT PRIMARY KEY, mail TEXT, active INTEGER) ${options};
      CREATE UNIQUE INDEX one_active ON t (mail) WHERE active;
      CREATE UNIQUE INDEX folded ON t (lower(id));
    `)
      for (const [i, onConflict] of (['error', 'skip', 'update'] as const).entries()) {
        await using one = await lane({ onConflict }, onConflict)
        const mail = `m${i}`
        expect(
          await one.write([
            { id: `a${i}`, mail, active: 1 },
            { id: `b${i}`, mail, active: 0 },
          ]),
        ).toMatchObject({ inserted: 2 })
        for (const row of [
          { id: `c${i}`, mail, active: 1 },
          { id: `A${i}`, mail: 'other', active: 0 },
        ]) {
          expect(await failure(one.write([{ id: `d${i}`, mail: `d${i}`, active: 1 }, row]))).toMatchObject({
            code: 'RECORD_REFUSED',
            row: 1,
          })
        }
      }
      expect(await database.value('SELECT count(*) FROM t')).toBe(6)
    },
  )

  describe('a row whose key is there', () => {
    beforeEach(() =>
      database.exec(`CREATE TABLE t (tenant TEXT, id INTEGER, name TEXT, n INTEGER DEFAULT 7, PRIMARY KEY (tenant, id)) WITHOUT ROWID;
        INSERT INTO t VALUES ('a', 1, 'old', 1), ('a', 2, 'old', 2), ('b', 1, 'old', 3)`),
    )

    const rows: Row[] = [
      { tenant: 'a', id: 1, name: 'new', n: 10 },
      { tenant: 'c', id: 1, name: 'new', n: 11 },
      { tenant: 'b', id: 1, name: 'new', n: 12 },
      { tenant: 'c', id: 1, name: 'newer', n: 13 },
    ]

    it.each([
      ['skip', { inserted: 1, updated: 0, skipped: 3 }, ['old 1', 'old 2', 'old 3', 'new 11']],
      ['update', { inserted: 1, updated: 3, skipped: 0 }, ['new 10', 'old 2', 'new 12', 'newer 13']],
      [{ merge: ['n'] }, { inserted: 1, updated: 3, skipped: 0 }, ['old 10', 'old 2', 'old 12', 'new 13']],
      [{ merge: ['name', 'n'] }, { inserted: 1, updated: 3, skipped: 0 }, ['new 10', 'old 2', 'new 12', 'newer 13']],
    ] satisfies readonly (readonly [OnConflict, object, readonly string[]])[])(
      'is counted and treated as %j says',
      async (onConflict, counts, left) => {
        await using one = await lane({ onConflict })
        await one.probe(rows)
        expect(await one.write(rows, 3)).toEqual(counts)
        expect((await database.exact(`SELECT name || ' ' || n FROM t ORDER BY tenant, id`)).flat()).toEqual(left)
      },
    )

    it('is refused by place with error, also the second of two in a batch', async () => {
      await using one = await lane()
      expect(await failure(one.write(rows))).toMatchObject({ code: 'RECORD_REFUSED', row: 0 })
      expect(await failure(one.write(rows.filter(({ tenant }) => tenant === 'c')))).toMatchObject({ row: 1 })
      expect(await failure(one.probe(rows.slice(1, 3), 1))).toMatchObject({ row: 1 })
    })

    it('keeps what the record does not bring, and is counted also where nothing is left to replace', async () => {
      await using updating = await lane({ onConflict: 'update' })
      expect(
        await updating.write([
          { tenant: 'a', id: 1, n: 5 },
          { tenant: 'a', id: 2 },
          { tenant: 'z', id: 1 },
        ]),
      ).toEqual({
        inserted: 1,
        updated: 2,
        skipped: 0,
      })
      await using merging = await lane({ onConflict: { merge: ['n'] } }, 'merge')
      expect(
        await merging.write([
          { tenant: 'b', id: 1, name: 'x' },
          { tenant: 'b', id: 1, n: undefined, name: 'x' },
        ]),
      ).toEqual({
        inserted: 0,
        updated: 0,
        skipped: 2,
      })
      expect(await database.exact('SELECT * FROM t ORDER BY tenant, id')).toEqual([
        ['a', 1n, 'old', 5n],
        ['a', 2n, 'old', 2n],
        ['b', 1n, 'old', 3n],
        ['z', 1n, null, 7n],
      ])
    })

    it.each(['skip', 'update'] as const)('needs a key without nulls in each record: %s', async (onConflict) => {
      await using one = await lane({ onConflict })
      for (const bad of [
        { tenant: 'x', id: null, name: 'x' },
        { tenant: 'x', name: 'x' },
        { id: undefined, tenant: 'x' },
      ]) {
        const error = await failure(one.write([{ tenant: 'y', id: 1, name: 'x' }, bad]))
        expect(error).toMatchObject({ code: 'RECORD_REFUSED', row: 1 })
        expect(error.message).toContain('part of the key')
      }
      expect(await database.value('SELECT count(*) FROM t')).toBe(3)
    })
  })

  it('of a key by another unique index decide, and the primary key is replaced like any column', async () => {
    await database.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, mail TEXT COLLATE NOCASE NOT NULL UNIQUE, n INTEGER);
      INSERT INTO t VALUES (1, 'Ann', 1)`)
    await using one = await lane({ key: 'mail', onConflict: 'update' })
    expect(
      await one.write([
        { mail: 'ANN', n: 2 },
        { mail: 'bob', n: 3 },
        { mail: 'BOB', n: 4, id: 9 },
      ]),
    ).toEqual({
      inserted: 1,
      updated: 2,
      skipped: 0,
    })
    expect(await database.exact('SELECT * FROM t')).toEqual([
      [1n, 'Ann', 2n],
      [9n, 'bob', 4n],
    ])
  })
})
