import { DroverError, type Filter, type Row } from '@drover/core'
import { knex as makeKnex } from 'knex'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openSqlite } from '../connection/open-sqlite.js'
import type { SqliteValue } from '../connection/sqlite-connection.js'
import { askings, operation, readSession, readSource } from '../testing/read-source.js'
import { drivers, TestDatabase } from '../testing/test-database.js'
import { sqliteSource } from './sqlite-source.js'

async function failure(work: () => unknown): Promise<DroverError> {
  try {
    await work()
  } catch (error) {
    if (DroverError.isInstance(error)) return error
    throw error
  }
  throw new Error('nothing failed')
}

/** Values and what they are in memory behind a column of each affinity, `any` being none. */
const edges: readonly SqliteValue[] = [
  null,
  0n,
  1n,
  -1n,
  9007199254740991n,
  9007199254740992n,
  9007199254740993n,
  -9007199254740993n,
  9223372036854775807n,
  -9223372036854775808n,
  0,
  1,
  -2.5,
  9007199254740992,
  1e300,
  5e-324,
  0.1 + 0.2,
  1 / 3,
  Number.MAX_VALUE,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  '',
  'plain',
  '5',
  '1.0',
  'a\0b',
  '\u2028 "quoted" \\ \n \t 🐑 \ufffd',
  new Uint8Array(0),
  new Uint8Array([0, 255, 10, 0x61]),
]

describe.each(drivers)('a source by %s', (driver) => {
  let database: TestDatabase
  const read = (table: string, options = {}) =>
    sqliteSource({ filename: database.file, driver, table, ...options } as never)

  beforeEach(() => {
    database = new TestDatabase(driver)
  })

  afterEach(() => database[Symbol.asyncDispose]())

  describe.each(askings)('asked for %s', (asking) => {
    it.each(['INTEGER', 'REAL', 'TEXT', 'NUMERIC', 'BLOB', ''])(
      'gives every value of every storage class out of a column declared "%s" as it stands there',
      async (declared) => {
        await database.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, v ${declared}, w TEXT NOT NULL DEFAULT 'w')`)
        {
          await using connection = await database.open()
          await connection.transaction(async () => {
            for (const value of edges) await connection.run('INSERT INTO t (v) VALUES (?)', [value])
          })
        }
        const isAny = declared === 'BLOB' || declared === ''
        const stored = (await database.exact('SELECT id, v, w FROM t ORDER BY id')).map(([id, v, w]) => ({
          id: Number(id),
          v: v instanceof Uint8Array ? new Uint8Array(v) : isAny ? v : safe(v as SqliteValue),
          w,
        }))
        const { rows, keys } = await readSource(read('t'), { asking, page: { records: 4, bytes: 1e6 } })
        expect(rows).toEqual(stored)
        expect(keys).toEqual(stored.map(({ id }) => [id]))
      },
    )

    it('keeps integers apart as bigint when asked', async () => {
      await database.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, v NUMERIC); INSERT INTO t VALUES (1, 2), (2, 2.5)')
      const { rows } = await readSource(read('t', { integers: 'bigint' }), { asking, page: { records: 1, bytes: 1e6 } })
      expect(rows).toEqual([
        { id: 1n, v: 2n },
        { id: 2n, v: 2.5 },
      ])
    })

    it.each([1, 2, 3, 7, 1000])('gives each row once, in the order of its key, in pages of %i', async (records) => {
      await database.exec(
        `CREATE TABLE t (a TEXT COLLATE NOCASE, b INT, v, PRIMARY KEY (b, a)) WITHOUT ROWID;
        INSERT INTO t SELECT char(66 + value % 3, 0x1F411), value / 3, value FROM generate_series(1, 20)`.replace(
          'generate_series(1, 20)',
          `(WITH RECURSIVE s(value) AS (VALUES (1) UNION ALL SELECT value + 1 FROM s WHERE value < 20) SELECT value FROM s)`,
        ),
      )
      const all = await database.exact('SELECT b, a FROM t ORDER BY b, a')
      const { keys, pages } = await readSource(read('t'), { asking, page: { records, bytes: 1e6 } })
      expect(keys).toEqual(all.map(([b, a]) => [Number(b), a]))
      expect(keys).toHaveLength(20)
      expect(pages.every(({ count }) => count <= records)).toBe(true)
    })

    it('fills every page but the last, so that batches are as large as they are asked to be', async () => {
      await database.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);
        WITH RECURSIVE s(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM s WHERE i < 1300) INSERT INTO t SELECT i, 'text ' || i FROM s`)
      const { pages, keys } = await readSource(read('t'), { asking, page: { records: 500, bytes: 1e6 } })
      expect(pages.map(({ count }) => count)).toEqual([500, 500, 300])
      expect(keys).toEqual(Array.from({ length: 1300 }, (_, i) => [i + 1]))
    })

    it('goes on behind the cursor of any page', async () => {
      await database.exec(`CREATE TABLE t (k TEXT PRIMARY KEY, v);
        INSERT INTO t VALUES ('a', 1), ('B', 2), ('', 3), ('🐑', 4), ('a''b', 5)`)
      const first = await readSource(read('t'), { asking, page: { records: 2, bytes: 1e6 } })
      for (const [i, { cursor }] of first.pages.entries()) {
        const stored = JSON.parse(JSON.stringify(cursor))
        const rest = await readSource(read('t'), { asking, after: stored, page: { records: 2, bytes: 1e6 } })
        expect(rest.rows).toEqual(first.rows.slice(2 * i + 2))
      }
    })

    it('reads keys of any type: large integers, REAL, BLOB and mixed ones', async () => {
      await database.exec(`CREATE TABLE t (k PRIMARY KEY NOT NULL);
        INSERT INTO t VALUES (9223372036854775807), (9007199254740993), (-1), (1.5), (-9e999), (x'00ff'), (x''), (''), ('x')`)
      const { rows, keys } = await readSource(read('t'), { asking, page: { records: 1, bytes: 1e6 } })
      expect(rows.map(({ k }) => k)).toEqual([
        Number.NEGATIVE_INFINITY,
        -1n,
        1.5,
        9007199254740993n,
        9223372036854775807n,
        '',
        'x',
        new Uint8Array(0),
        new Uint8Array([0, 255]),
      ])
      expect(keys[3]).toEqual(['9007199254740993'])
      expect(keys[8]).toEqual(['AP8='])
    })

    it('reads a table without a key by its rowid', async () => {
      await database.exec(`CREATE TABLE t (rowid TEXT, v INT); INSERT INTO t VALUES ('b', 1), ('b', 1), ('a', 2);
        DELETE FROM t WHERE _rowid_ = 2`)
      const { rows, keys } = await readSource(read('t'), { asking, page: { records: 1, bytes: 1e6 } })
      expect(rows).toEqual([
        { rowid: 'b', v: 1 },
        { rowid: 'a', v: 2 },
      ])
      expect(keys).toEqual([[1], [3]])
    })

    it('rejects a record with a text that is no UTF-8, with its bytes, and gives all others', async () => {
      await database.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);
        INSERT INTO t VALUES (1, 'a'), (2, CAST(x'61ff62' AS TEXT)), (3, '\ufffd'), (4, CAST(x'eda080' AS TEXT)), (5, 'é')`)
      const { rows, rejected, pages } = await readSource(read('t'), { asking, page: { records: 2, bytes: 1e6 } })
      expect(rows.map(({ id }) => id)).toEqual([1, 3, 5])
      expect(rejected).toMatchObject([{ key: [2] }, { key: [4] }])
      expect(new Uint8Array(rejected[0]?.raw ?? [])).toEqual(new Uint8Array([0x61, 0xff, 0x62]))
      expect(rejected[0]?.error).toMatchObject({ code: 'RECORD_UNREADABLE' })
      expect(String(rejected[0]?.error)).toContain('column "v" of the record with the key (2)')
      expect(pages.every((page) => page.count === page.rows().length + (page.rejected?.length ?? 0))).toBe(true)
    })

    it('goes on behind a key that is no UTF-8', async () => {
      await database.exec(`CREATE TABLE t (k TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;
        INSERT INTO t VALUES ('a'), (CAST(x'61ff' AS TEXT)), (CAST(x'61fe' AS TEXT)), ('b')`)
      const { rows, rejected } = await readSource(read('t'), { asking, page: { records: 1, bytes: 1e6 } })
      expect(rows).toEqual([{ k: 'a' }, { k: 'b' }])
      expect(rejected).toHaveLength(2)
    })

    it('ends a page at its bytes, or at its first record if that is larger', async () => {
      await database.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, b BLOB);
        INSERT INTO t WITH RECURSIVE s(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM s WHERE i < 400)
          SELECT i, CASE WHEN i % 97 = 0 THEN hex(zeroblob(200000)) ELSE hex(zeroblob(i)) END, NULL FROM s`)
      const bytes = 20_000
      const { rows, pages } = await readSource(read('t'), { asking, page: { records: 100, bytes } })
      expect(rows.map(({ id }) => id)).toEqual(Array.from({ length: 400 }, (_, i) => i + 1))
      for (const page of pages) if (page.count > 1) expect(page.bytes).toBeLessThanOrEqual(bytes)
      expect(pages.filter((page) => page.bytes > bytes)).toHaveLength(4)
      expect(pages.length).toBeLessThan(60)
    })

    it('reads names that need quotes', async () => {
      await database.exec(`CREATE TABLE "x""; drop table y" ("or""der" INTEGER PRIMARY KEY, "a?'b" TEXT, c0 INT, __proto__ INT, "" INT);
        INSERT INTO "x""; drop table y" VALUES (1, 'v', 2, 3, 4), (2, NULL, NULL, NULL, NULL)`)
      const { rows } = await readSource(read('x"; drop table y'), { asking, page: { records: 1, bytes: 1e6 } })
      expect(rows.map((row) => Object.entries(row))).toEqual([
        [
          ['or"der', 1],
          ["a?'b", 'v'],
          ['c0', 2],
          ['__proto__', 3],
          ['', 4],
        ],
        [
          ['or"der', 2],
          ["a?'b", null],
          ['c0', null],
          ['__proto__', null],
          ['', null],
        ],
      ])
    })

    it('reads some columns, and sees nothing of the key if it is not among them', async () => {
      await database.exec(
        'CREATE TABLE t (id INTEGER PRIMARY KEY, a INT, b INT); INSERT INTO t VALUES (7, 1, 2), (9, 3, 4)',
      )
      const source = read('t', { columns: ['b', 'A'] })
      const { rows, keys } = await readSource(source, { asking, page: { records: 1, bytes: 1e6 } })
      expect(rows.map((row) => Object.entries(row))).toEqual([
        [
          ['b', 2],
          ['a', 1],
        ],
        [
          ['b', 4],
          ['a', 3],
        ],
      ])
      expect(keys).toEqual([[7], [9]])
    })

    it('reads a view and a query by the key that was declared', async () => {
      await database.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, tags TEXT); INSERT INTO t VALUES (1, '[1,2]'), (2, '[]');
        CREATE VIEW v AS SELECT id * 10 AS k, json(tags) AS tags, count(*) OVER () AS n FROM t`)
      const rows = [
        { k: 10n, tags: '[1,2]', n: 2n },
        { k: 20n, tags: '[]', n: 2n },
      ]
      const view = sqliteSource({ filename: database.file, driver, view: 'v', key: 'k' })
      expect((await readSource(view, { asking, page: { records: 1, bytes: 1e6 } })).rows).toEqual(rows)
      const query = sqliteSource({
        filename: database.file,
        driver,
        query: `SELECT * FROM v WHERE tags <> '?';`,
        key: ['k'],
      })
      expect((await readSource(query, { asking, page: { records: 1, bytes: 1e6 } })).rows).toEqual(rows)
    })
  })

  describe('keys', () => {
    it.each([
      ['a declared key', `CREATE VIEW v AS SELECT a AS k, b FROM t`, { view: 'v', key: 'k' }],
      ['a primary key', '', { table: 't' }],
    ])('refuses nulls in %s, with an example', async (_, sql, options) => {
      await database.exec(
        `CREATE TABLE t (a TEXT PRIMARY KEY, b INT); INSERT INTO t VALUES ('x', 1), (NULL, 42); ${sql}`,
      )
      const error = await failure(() => readSource(sqliteSource({ filename: database.file, driver, ...options })))
      expect(error.code).toBe('KEY_INVALID')
      expect(error.message).toContain('null, b: 42')
    })

    it.each([1, 2, 1000])('refuses duplicates by the collation of the key, in pages of %i', async (records) => {
      await database.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, mail TEXT COLLATE NOCASE);
        INSERT INTO t VALUES (1, 'a@x'), (2, 'b@x'), (3, 'B@X'), (4, 'c@x')`)
      const source = read('t', { key: 'mail' })
      const error = await failure(() => readSource(source, { page: { records, bytes: 1e6 } }))
      expect(error.code).toBe('KEY_INVALID')
      expect(error.message).toMatch(/2 records have the same key \(mail\) = \("b@x"\)/i)
    })

    it('takes a unique index without nulls as a key', async () => {
      await database.exec(
        `CREATE TABLE t (id INTEGER PRIMARY KEY, mail TEXT NOT NULL UNIQUE); INSERT INTO t VALUES (1, 'b'), (2, 'a')`,
      )
      expect((await readSource(read('t', { key: 'mail' }))).keys).toEqual([['a'], ['b']])
    })

    it('takes the rowid as a key where the primary key has nulls', async () => {
      await database.exec(`CREATE TABLE t (a TEXT PRIMARY KEY); INSERT INTO t VALUES (NULL), ('x'), (NULL)`)
      expect((await readSource(read('t', { key: 'rowid' }))).rows).toEqual([{ a: null }, { a: 'x' }, { a: null }])
    })

    it('asks for a key where the rowid is hidden, and of views', async () => {
      await database.exec('CREATE TABLE t (rowid, _rowid_, oid); CREATE VIEW v AS SELECT 1 AS a')
      expect(await failure(() => readSource(read('t')))).toMatchObject({ code: 'KEY_INVALID' })
      expect(await failure(() => readSource(read('v')))).toMatchObject({ code: 'KEY_INVALID' })
    })
  })

  it('describes the fields and the key', async () => {
    await database.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, name NVARCHAR(160) NOT NULL, price NUMERIC(10,2),
      at DATETIME, ok BOOLEAN, raw BLOB, v, twice INT AS (id * 2))`)
    await using session = await read('t').connect(operation)
    expect(await session.describe(operation)).toEqual({
      key: ['id'],
      fields: [
        { name: 'id', type: { kind: 'int', bits: 64 }, nullable: false, native: 'INTEGER' },
        { name: 'name', type: { kind: 'text' }, nullable: false, native: 'NVARCHAR(160)' },
        { name: 'price', type: { kind: 'float', bits: 64 }, nullable: true, native: 'NUMERIC(10,2)' },
        { name: 'at', type: { kind: 'text' }, nullable: true, native: 'DATETIME' },
        { name: 'ok', type: { kind: 'int', bits: 64 }, nullable: true, native: 'BOOLEAN' },
        { name: 'raw', type: { kind: 'any' }, nullable: true, native: 'BLOB' },
        { name: 'v', type: { kind: 'any' }, nullable: true },
        { name: 'twice', type: { kind: 'int', bits: 64 }, nullable: true, native: 'INT' },
      ],
    })
  })

  it('partitions any key into disjoint ranges that hold all records, later ones too', async () => {
    await database.exec(`CREATE TABLE t (a INT, b TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID;
      INSERT INTO t WITH RECURSIVE s(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM s WHERE i < 103) SELECT i / 40, 'k' || i FROM s`)
    await using session = await read('t').connect(operation)
    const partitions = (await session.partition?.({ ...operation, count: 4 })) ?? []
    expect(partitions).toHaveLength(4)
    await database.exec(`INSERT INTO t VALUES (-1, ''), (99, 'z')`)
    const parts = await Promise.all(
      partitions.map((partition) => readSession(session, { partition: JSON.parse(JSON.stringify(partition)) })),
    )
    expect(parts.map(({ rows }) => rows.length)).toEqual([26, 26, 26, 27])
    const all = await database.exact('SELECT a, b FROM t ORDER BY a, b')
    expect(parts.flatMap(({ keys }) => keys)).toEqual(all.map(([a, b]) => [Number(a), b]))
  })

  it('splits what is left of a partition in two', async () => {
    await database.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY);
      INSERT INTO t WITH RECURSIVE s(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM s WHERE i < 10) SELECT i FROM s`)
    await using session = await read('t').connect(operation)
    const halves =
      (await session.split?.({
        ...operation,
        partition: { id: '2', bounds: { after: [2], upto: [9] } },
        after: [3],
      })) ?? []
    expect(halves.map(({ id }) => id)).toEqual(['2.1', '2.2'])
    const parts = await Promise.all(halves.map((partition) => readSession(session, { partition })))
    expect(parts.map(({ keys }) => keys.flat())).toEqual([
      [4, 5, 6],
      [7, 8, 9],
    ])
  })

  it('counts, with the filter it took', async () => {
    await database.exec(
      `CREATE TABLE t (id INTEGER PRIMARY KEY, role TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, NULL)`,
    )
    await using session = await read('t', { where: { id: { gt: 1 } } }).connect(operation)
    expect(await session.count?.(operation)).toEqual({ value: 2, exact: true })
    expect(await session.count?.({ ...operation, filter: { role: { ne: 'a' } } })).toEqual({ value: 1, exact: true })
  })

  it('does what SQLite cannot do of where itself, on columns that are not read too', async () => {
    await database.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, at TEXT, role TEXT);
      INSERT INTO t VALUES (1, '2024-01-01T00:00:00Z', 'a'), (2, '2024-01-01 02:00:00+02:00', 'b'), (3, '2023-01-01', 'c')`)
    const where: Filter = { and: [{ at: { eq: '2024-01-01T00:00:00Z' } }, { id: { lte: 2 } }] }
    const source = read('t', { where, columns: ['role'] })
    expect((await readSource(source, { page: { records: 1, bytes: 1e6 } })).rows).toEqual([
      { role: 'a' },
      { role: 'b' },
    ])
    await using session = await source.connect(operation)
    expect(await session.count?.(operation)).toEqual({ value: 2, exact: false })
  })

  it('says what is not there, with the nearest names', async () => {
    await database.exec('CREATE TABLE messages (id INTEGER PRIMARY KEY, role TEXT)')
    expect(await failure(() => readSource(read('mesages')))).toMatchObject({
      code: 'SOURCE_NOT_FOUND',
      message: expect.stringContaining('did you mean "messages"?'),
    })
    for (const options of [{ columns: ['roll'] }, { key: 'roll' }, { where: { roll: { eq: 'x' } } }]) {
      expect(await failure(() => readSource(read('messages', options)))).toMatchObject({
        code: 'NAME_UNKNOWN',
        message: expect.stringContaining('has no column "roll"; did you mean "role"?'),
      })
    }
    const query = (sql: string) => sqliteSource({ filename: database.file, driver, query: sql, key: 'id' })
    expect(await failure(() => readSource(query('SELECT id FROM nowhere')))).toMatchObject({ code: 'SOURCE_NOT_FOUND' })
    expect(await failure(() => readSource(query('SELEKT 1')))).toMatchObject({ code: 'OPTION_INVALID' })
    expect(await failure(() => readSource(query('DELETE FROM messages')))).toMatchObject({ code: 'OPTION_INVALID' })
  })

  it('runs no second statement behind a query', async () => {
    await database.exec('CREATE TABLE t (id INTEGER PRIMARY KEY)')
    const source = sqliteSource({ filename: database.file, driver, query: 'SELECT id FROM t; DROP TABLE t', key: 'id' })
    await readSource(source).catch((error: unknown) => expect(error).toMatchObject({ name: 'DroverError' }))
    expect(await database.value('SELECT count(*) FROM t')).toBe(0)
  })

  it('reads while another connection writes, and sees one moment if asked to', async () => {
    await database.exec(`PRAGMA journal_mode = WAL; CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);
      INSERT INTO t VALUES (1, 'a'), (2, 'a'), (3, 'a')`)
    await using writer = await database.open()
    for (const snapshot of [false, true]) {
      await writer.exec(`DELETE FROM t WHERE id > 3; UPDATE t SET v = 'a'`)
      await using session = await read('t', { snapshot }).connect(operation)
      const seen: Row[] = []
      const reading = session.read({
        ...operation,
        partition: { id: 'all', bounds: null },
        after: null,
        page: { records: 1, bytes: 1e6 },
      })
      for await (const page of reading) {
        seen.push(...page.rows())
        if (seen.length === 1) await writer.exec(`UPDATE t SET v = 'b'; INSERT INTO t VALUES (4, 'new')`)
      }
      const later = snapshot ? 'a' : 'b'
      const rows = [
        { id: 1, v: 'a' },
        // It may have been on its way already.
        { id: 2, v: driver === 'sqlite3' ? expect.stringMatching(`a|${later}`) : later },
        { id: 3, v: later },
      ]
      expect(seen).toEqual(snapshot ? rows : [...rows, { id: 4, v: 'new' }])
    }
  })

  it('says STORE_BUSY when a writer holds the file for longer than the timeout', async () => {
    await database.exec('CREATE TABLE t (id INTEGER PRIMARY KEY)')
    await using writer = await database.open()
    await writer.exec('BEGIN EXCLUSIVE')
    expect(await failure(() => readSource(read('t', { busyTimeoutMs: 10 })))).toMatchObject({
      code: 'STORE_BUSY',
      isRetryable: true,
    })
    await writer.exec('ROLLBACK')
  })

  it('reads by a knex instance, and leaves it open', async () => {
    const knex = makeKnex({ client: driver, connection: { filename: database.file }, useNullAsDefault: true })
    try {
      await knex.schema.createTable('t', (table) => table.increments('id'))
      await knex('t').insert([{ id: 1 }, { id: 2 }])
      expect((await readSource(sqliteSource({ knex, table: 't' }))).rows).toEqual([{ id: 1 }, { id: 2 }])
      await knex('t').insert({ id: 3 })
    } finally {
      await knex.destroy()
    }
  })

  it('reads a query of a knex instance in memory while a sink writes to it', async () => {
    const knex = makeKnex({ client: driver, connection: { filename: ':memory:' }, useNullAsDefault: true })
    try {
      await knex.raw('CREATE TABLE t (id INTEGER PRIMARY KEY)')
      await knex('t').insert([{ id: 1 }, { id: 2 }, { id: 3 }])
      await using session = await sqliteSource({ knex, query: 'SELECT id * 2 AS n FROM t', key: 'n' }).connect(
        operation,
      )
      await using writer = await openSqlite({ knex })
      await writer.transaction(async () => {
        await writer.run('DELETE FROM t WHERE id = 2')
        expect((await readSession(session, { page: { records: 1, bytes: 100 } })).rows).toEqual([{ n: 2n }, { n: 6n }])
      })
    } finally {
      await knex.destroy()
    }
  })

  it('stops between pages when its signal is aborted', async () => {
    await database.exec('CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1), (2)')
    const error = await failure(() => readSource(read('t'), { signal: AbortSignal.abort() }))
    expect(error.code).toBe('ABORTED')
  })
})

describe('options of a source', () => {
  it.each([
    [{ filename: 'a.db', tabel: 't' }, 'there is no option "tabel"; did you mean "table"?'],
    [{ filename: 'a.db' }, 'one of table, view and query'],
    [{ filename: 'a.db', table: 't', query: 'SELECT 1' }, 'one of table, view and query'],
    [{ filename: 'a.db', query: 'SELECT 1' }, 'needs key'],
    [{ filename: 'a.db', table: 't', key: [] }, 'key is a list'],
    [{ filename: 'a.db', table: 't', columns: ['a', 'a'] }, 'twice'],
    [{ filename: 'a.db', table: 't', integers: 'number' }, 'integers'],
    [{ table: 't' }, 'filename is a text'],
  ])('%o is refused', async (options, words) => {
    const error = await failure(() => sqliteSource(options as never))
    expect(error.code).toBe('OPTION_INVALID')
    expect(error.message).toContain(words)
  })

  it('refuses an operator that does not exist', async () => {
    const options = { filename: 'a.db', table: 't', where: { id: { greater: 1 } } }
    expect(await failure(() => sqliteSource(options as never))).toMatchObject({ code: 'NAME_UNKNOWN' })
  })

  it('names the file and table, and what else decides about the records', () => {
    expect(sqliteSource({ filename: 'chat.db', table: 'messages' })).toMatchObject({ name: 'sqlite chat.db messages' })
    const filtered = (role: string) =>
      sqliteSource({ filename: 'a', table: 't', where: { role: { eq: role } } }).version
    expect(filtered('a')).toBe(filtered('a'))
    expect(filtered('a')).not.toBe(filtered('b'))
  })
})

/** INTEGER as a source gives it: a number while it is safe. */
function safe(value: SqliteValue): SqliteValue {
  return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value
}
