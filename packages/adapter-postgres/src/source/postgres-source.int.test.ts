import { type Filter, from, memorySink, memoryStateStore, type Row, runPipeline } from '@drover/core'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { CopyPage } from '../wire/copy-page.js'
import { type PostgresSourceOptions, postgresSource } from './postgres-source.js'
import { failure, operation, readSession, readSource, whole } from './testing/read-source.js'

describePostgres('a source', () => {
  const database = useDatabase()
  let tables = 0

  const source = (options: Partial<PostgresSourceOptions>) => postgresSource({ connection: database.url, ...options })
  const read = (options: Partial<PostgresSourceOptions>, how = {}) => readSource(source(options), how)

  /** Creates a table by a name of its own, filled. */
  async function filled(columns: string, values: string): Promise<string> {
    const table = `t${++tables}`
    await database.query(`CREATE TABLE ${table} (${columns})`)
    await database.query(`INSERT INTO ${table} ${values}`)
    return table
  }

  describe.each<[string, string, string]>([
    [
      'bigint',
      'bigint',
      `VALUES (9007199254740993), (9007199254740992), (9223372036854775807), (-9223372036854775808), (0)`,
    ],
    ['numeric', 'numeric', `VALUES (1.50), (1.5000000000000000000001), (-1e40), (1e40), ('NaN'), ('Infinity'), (0.1)`],
    ['float8', 'float8', `VALUES (0.1), (0.30000000000000004), (0.3), ('-Infinity'), ('NaN'), (5e-324)`],
    ['float4', 'float4', `VALUES (0.1), (0.3), (16777217), ('-Infinity'), (-0.1)`],
    ['uuid', 'uuid', `SELECT md5(g::text)::uuid FROM generate_series(1, 9) g`],
    [
      'text by ICU',
      'text COLLATE "und-x-icu"',
      `VALUES ('a'), ('B'), ('b'), ('ä'), ('🐑'), (''), (' '), ('a''b'), ('a\\b')`,
    ],
    ['text by bytes', 'text COLLATE "C"', `VALUES ('a'), ('B'), ('b'), ('ä'), ('🐑'), (''), ('\uffee')`],
    ['varchar', 'varchar(5)', `VALUES ('a'), ('B'), ('10'), ('9')`],
    ['char', 'char(3)', `VALUES ('a'), ('B'), (''), ('ab'), ('abc')`],
    [
      'timestamptz',
      'timestamptz',
      `VALUES ('2024-01-01 00:00:00.000001Z'), ('2024-01-01 00:00:00.000002Z'), ('infinity'), ('-infinity'), ('0044-03-15 BC'), ('10000-01-01')`,
    ],
    [
      'timestamp',
      'timestamp',
      `VALUES ('2024-01-01 00:00:00.000001'), ('2024-01-01 00:00:00.000002'), ('0044-03-15 BC')`,
    ],
    ['date', 'date', `VALUES ('2024-02-29'), ('infinity'), ('0044-03-15 BC'), ('20000-01-01')`],
    ['time', 'time', `VALUES ('12:00:00.000001'), ('12:00'), ('24:00')`],
    ['timetz', 'timetz', `VALUES ('12:00+02'), ('12:00-03:30'), ('11:59:59.999999Z')`],
    ['interval', 'interval', `VALUES ('1 mon'), ('29 days'), ('-1 day 3 hours'), ('0.000001 s')`],
    ['bytea', 'bytea', `VALUES ('\\x00ff'), ('\\x'), ('\\x00'), ('\\x5c27')`],
    ['bool', 'bool', `VALUES (true), (false)`],
    ['inet', 'inet', `VALUES ('10.0.0.1'), ('10.0.0.1/8'), ('::1')`],
    ['int[]', 'int[]', `VALUES ('{1,2}'), ('{1,NULL}'), ('{}'), ('[0:1]={1,2}')`],
    ['text[]', 'text[]', `VALUES ('{a,"b,c"}'), ('{"\\"q\\""}'), ('{}')`],
    ['jsonb', 'jsonb', `VALUES ('{"a": 9007199254740993}'), ('"x"'), ('1.50'), ('[]'), ('null')`],
    ['int4range', 'int4range', `VALUES ('[1,5)'), ('empty'), ('(,3)')`],
    ['money', 'money', `VALUES (1.5), (-3)`],
    ['name', 'name', `VALUES ('pg'), ('Pg'), ('ä')`],
    ['"char"', '"char"', `VALUES ('a'), ('B')`],
  ])('by a key of type %s', (_, type, values) => {
    it('reads each record once, in the order of PostgreSQL, and goes on behind every one', async () => {
      const table = await filled(`k ${type} PRIMARY KEY, n serial`, `(k) ${values}`)
      const expected = (await database.query(`SELECT n FROM ${table} ORDER BY k`)).map(({ n }) => n)
      const one = { page: { records: 1, bytes: 1e6 } }
      await using session = await source({ table }).connect(operation)
      const { rows, pages, rejected } = await readSession(session, one)
      const count = rows.length + rejected.length
      expect(count).toBe(expected.length)
      if (rejected.length === 0) expect(rows.map(({ n }) => n)).toEqual(expected)
      for (const [i, { cursor }] of pages.entries()) {
        const rest = await readSession(session, { ...one, after: JSON.parse(JSON.stringify(cursor)) })
        expect(rest.pages.map((page) => page.cursor)).toEqual(pages.slice(i + 1).map((page) => page.cursor))
      }
      const parts = await session.partition?.({ ...operation, count: 3 })
      const all = await Promise.all((parts ?? []).map((partition) => readSession(session, { partition })))
      expect(all.flatMap((part) => part.pages).reduce((sum, page) => sum + page.count, 0)).toBe(count)
      expect(all.flatMap((part) => part.keys)).toEqual((await readSession(session)).keys)
    })
  })

  it('reads composite keys with an enum, a domain and a composite type among them', async () => {
    await database.query(`CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy'); CREATE TYPE pair AS (a int, b text);
      CREATE DOMAIN short AS text COLLATE "C" CHECK (length(VALUE) < 9)`)
    const table = await filled(
      'm mood, s short, p pair, n serial, PRIMARY KEY (m, s, p)',
      `(m, s, p) SELECT m::mood, s, row(x, s)::pair FROM unnest('{sad,ok,happy}'::text[]) m, unnest('{b,B,"a,b"}'::text[]) s,
         generate_series(1, 3) x`,
    )
    const expected = (await database.query(`SELECT n FROM ${table} ORDER BY m, s, p`)).map(({ n }) => n)
    const { rows, pages } = await read({ table }, { page: { records: 4, bytes: 1e6 } })
    expect(rows.map(({ n }) => n)).toEqual(expected)
    const rest = await read({ table }, { after: pages[3]?.cursor })
    expect(rest.rows.map(({ n }) => n)).toEqual(expected.slice(16))
    expect(rows[0]).toEqual({ m: 'sad', s: 'B', p: '(1,B)', n: expected[0] })
  })

  it('compares texts as their collation does, also where different ones are equal', async () => {
    await database.query(`CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`)
    const table = await filled('k text COLLATE loose PRIMARY KEY', `VALUES ('b'), ('A'), ('C'), ('ä'), ('Z')`)
    const { rows, pages } = await read({ table }, { page: { records: 1, bytes: 1e6 } })
    expect(rows.map(({ k }) => k)).toEqual(['A', 'ä', 'b', 'C', 'Z'])
    expect((await read({ table }, { after: pages[1]?.cursor })).rows.map(({ k }) => k)).toEqual(['b', 'C', 'Z'])
    expect((await read({ table, where: { k: { eq: 'a' } } })).rows).toEqual([])
  })

  it('gives pages of COPY, full but for the last, that decode nothing by themselves', async () => {
    const table = await filled('id int PRIMARY KEY, v text', `SELECT g, 'text ' || g FROM generate_series(1, 1300) g`)
    const { pages, keys } = await read({ table }, { page: { records: 500, bytes: 1e6 } })
    expect(pages.every((page) => page instanceof CopyPage)).toBe(true)
    expect(pages.map(({ count }) => count)).toEqual([500, 500, 300])
    expect(keys).toEqual(Array.from({ length: 1300 }, (_, i) => [i + 1]))
    const [first] = pages as readonly CopyPage[]
    expect(first?.layout.columns.map(({ isHidden }) => isHidden)).toEqual([undefined, undefined])
  })

  it('ends a page at its bytes, or at its first record if that is larger', async () => {
    const table = await filled(
      'id int PRIMARY KEY, v text',
      `SELECT g, repeat('x', CASE g WHEN 3 THEN 300000 ELSE 1000 END) FROM generate_series(1, 9) g`,
    )
    const { pages } = await read({ table }, { page: { records: 100, bytes: 2500 } })
    expect(pages.map(({ count }) => count)).toEqual([2, 1, 2, 2, 2])
  })

  it('reads names that need quotes, and runs nothing that stands in one', async () => {
    const name = 'x; drop table y'
    await database.query(
      `CREATE TABLE y (v int); CREATE TABLE "${name}" ("a ""b" int PRIMARY KEY, "select" text, "__proto__" int)`,
    )
    await database.query(`INSERT INTO "${name}" VALUES (1, 'one', 7), (2, 'two', 8)`)
    const { rows, keys } = await read({ table: name }, { page: { records: 1, bytes: 1e6 } })
    expect(rows.map((row) => Object.entries(row))).toEqual([
      [
        ['a "b', 1],
        ['select', 'one'],
        ['__proto__', 7],
      ],
      [
        ['a "b', 2],
        ['select', 'two'],
        ['__proto__', 8],
      ],
    ])
    expect(keys).toEqual([[1], [2]])
    expect(await database.query('SELECT * FROM y')).toEqual([])
  })

  it('finds a table in the schema that stands in front of it', async () => {
    await database.query(
      'CREATE SCHEMA chat; CREATE TABLE chat.messages (id int PRIMARY KEY); INSERT INTO chat.messages VALUES (5)',
    )
    expect((await read({ table: 'chat.messages' })).rows).toEqual([{ id: 5 }])
  })

  it('reads partitioned tables, tables that others inherit from, and materialized views', async () => {
    await database.query(`CREATE TABLE parted (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
      CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM ('2024-01-01') TO ('2024-07-01');
      CREATE TABLE parted_2 PARTITION OF parted DEFAULT;
      INSERT INTO parted SELECT g, '2024-01-01'::date + g FROM generate_series(1, 400) g;
      CREATE MATERIALIZED VIEW seen AS SELECT id, day FROM parted WHERE id > 10; CREATE UNIQUE INDEX ON seen (id);
      CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child () INHERITS (parent);
      INSERT INTO parent VALUES (1); INSERT INTO child VALUES (1)`)
    const parted = await read({ table: 'parted' }, { page: { records: 150, bytes: 1e6 } })
    expect(parted.keys).toHaveLength(400)
    expect(parted.rows[399]).toEqual({ id: 400, day: '2025-02-04' })
    expect((await read({ table: 'seen', key: 'id' })).keys).toHaveLength(390)
    expect(await failure(() => read({ table: 'parent' }))).toMatchObject({ code: 'KEY_INVALID' })
  })

  it('reads some columns, and sees nothing of the key if it is not among them', async () => {
    const table = await filled(
      'id int PRIMARY KEY, a text, b int GENERATED ALWAYS AS (id * 2) STORED',
      `(id, a) VALUES (1, 'x'), (2, 'y')`,
    )
    await using session = await source({ table, columns: ['b', 'a'] }).connect(operation)
    const { rows, keys } = await readSession(session)
    expect(rows).toEqual([
      { b: 2, a: 'x' },
      { b: 4, a: 'y' },
    ])
    expect(keys).toEqual([[1], [2]])
    expect(await session.describe(operation)).toEqual({
      fields: [
        { name: 'b', type: { kind: 'int', bits: 32 }, nullable: true, native: 'integer' },
        { name: 'a', type: { kind: 'text' }, nullable: true, native: 'text' },
      ],
      key: [],
    })
  })

  it('reads json as values or as text, and says so', async () => {
    const table = await filled(
      'id int PRIMARY KEY, v jsonb, w json[]',
      `VALUES (1, '{"a": 9007199254740993}', NULL), (2, '{"a": 0.1000000000000000055}', ARRAY['{"b":1}'::json])`,
    )
    const values = await read({ table })
    expect(values.rows).toEqual([{ id: 1, v: { a: 9007199254740993n }, w: null }])
    expect(values.rejected).toMatchObject([{ key: [2], error: { code: 'RECORD_UNREADABLE' } }])
    await using session = await source({ table, json: 'text' }).connect(operation)
    expect((await readSession(session)).rows[1]).toEqual({ id: 2, v: '{"a": 0.1000000000000000055}', w: ['{"b":1}'] })
    expect((await session.describe(operation)).fields.map(({ type }) => type)).toEqual([
      { kind: 'int', bits: 32 },
      { kind: 'text' },
      { kind: 'list', of: { kind: 'text' } },
    ])
  })

  describe('of a view or query', () => {
    it('reads by the key that was declared', async () => {
      const table = await filled('id int PRIMARY KEY, v text', `SELECT g, 'v' || g % 3 FROM generate_series(1, 30) g`)
      await database.query(`CREATE VIEW ${table}_view AS SELECT v, count(*) AS n FROM ${table} GROUP BY v`)
      const page = { page: { records: 2, bytes: 1e6 } }
      const expected = [
        { v: 'v0', n: 10 },
        { v: 'v1', n: 10 },
        { v: 'v2', n: 10 },
      ]
      expect((await read({ table: `${table}_view`, key: 'v' }, page)).rows).toEqual(expected)
      const query = `SELECT v, count(*) AS n FROM ${table} GROUP BY v -- the counts`
      const { rows, pages } = await read({ query, key: ['v'] }, page)
      expect(rows).toEqual(expected)
      expect((await read({ query, key: 'v' }, { after: pages[0]?.cursor })).rows).toEqual(expected.slice(2))
    })

    it('refuses nulls and duplicates, wherever a page ends', async () => {
      const table = await filled(
        'id int PRIMARY KEY, v text, w text',
        `SELECT g, 'v' || g / 2, nullif('w' || g, 'w5') FROM generate_series(1, 20) g`,
      )
      for (const records of [1, 2, 3]) {
        const twice = await failure(() => read({ table, key: 'v' }, { page: { records, bytes: 1e6 } }))
        expect(twice).toMatchObject({ code: 'KEY_INVALID', message: expect.stringContaining('(v) = ("v1")') })
      }
      expect(await failure(() => read({ query: `SELECT * FROM ${table}`, key: 'w' }))).toMatchObject({
        code: 'KEY_INVALID',
        message: expect.stringContaining('id: "5"'),
      })
      expect((await read({ table, key: 'w', where: { w: { isNull: false } } })).keys).toHaveLength(19)
      const once = await filled('id int PRIMARY KEY, v text', `VALUES (1, 'a'), (2, 'x'), (3, 'x'), (4, 'z')`)
      // The second x would be lost to who goes on behind the first one.
      const behind = await failure(() => read({ table: once, key: 'v' }, { after: ['x'] }))
      expect(behind).toMatchObject({ code: 'KEY_INVALID', message: expect.stringContaining('(v) = ("x")') })
    })

    it('refuses a key without an order', async () => {
      const query = `SELECT '{}'::json AS j, 1 AS one`
      expect(await failure(() => read({ query, key: 'j' }))).toMatchObject({ code: 'KEY_INVALID' })
    })

    it('refuses several statements, and those that are none', async () => {
      await database.query('CREATE TABLE safe (id int)')
      for (const query of [
        'SELECT 1 AS id; DROP TABLE safe',
        'SELECT 1 AS id) AS q; DROP TABLE safe; --',
        'DELETE FROM safe',
        'SELEKT 1',
        '',
      ]) {
        if (query === '') continue
        expect(await failure(() => read({ query, key: 'id' }))).toMatchObject({ code: 'OPTION_INVALID' })
      }
      const writes = `SELECT nextval('counter') AS id`
      await database.query('CREATE SEQUENCE counter')
      expect(await failure(() => read({ query: writes, key: 'id' }))).toMatchObject({ code: 'STORE_DENIED' })
      expect(await database.query('SELECT * FROM safe')).toEqual([])
    })
  })

  it('asks for a key where there is none', async () => {
    const table = await filled('a int, b int UNIQUE', 'VALUES (1, 1)')
    expect(await failure(() => read({ table }))).toMatchObject({ code: 'KEY_INVALID' })
    expect((await read({ table, key: 'b' })).rows).toEqual([{ a: 1, b: 1 }])
    const unique = await filled('a int, b int NOT NULL UNIQUE', 'VALUES (1, 1)')
    expect((await read({ table: unique })).keys).toEqual([[1]])
  })

  it('says what is not there, with the nearest names', async () => {
    await database.query('CREATE TABLE conversations (conversation_id int PRIMARY KEY, role text)')
    const cases: readonly [Partial<PostgresSourceOptions>, string, string][] = [
      [{ table: 'conversation' }, 'SOURCE_NOT_FOUND', 'conversations'],
      [{ table: 'conversations', columns: ['rol'] }, 'NAME_UNKNOWN', 'role'],
      [{ table: 'conversations', key: 'conversationid' }, 'NAME_UNKNOWN', 'conversation_id'],
      [{ table: 'conversations', where: { roles: { eq: 'x' } } }, 'NAME_UNKNOWN', 'role'],
      [{ query: 'SELECT * FROM conversatoins', key: 'id' }, 'SOURCE_NOT_FOUND', 'conversatoins'],
    ]
    for (const [options, code, hint] of cases) {
      expect(await failure(() => read(options))).toMatchObject({ code, message: expect.stringContaining(hint) })
    }
  })

  it('counts, exactly or as ANALYZE has seen it', async () => {
    const table = await filled('id int PRIMARY KEY, v int', `SELECT g, g % 10 FROM generate_series(1, 5000) g`)
    const count = async (options: Partial<PostgresSourceOptions>, filter?: Filter) => {
      await using session = await source({ table, ...options }).connect(operation)
      return await session.count?.({ ...operation, ...(filter && { filter }) })
    }
    expect(await count({})).toEqual({ value: 5000, exact: true })
    expect(await count({ where: { v: { eq: 3 } } }, { id: { lte: 2000 } })).toEqual({ value: 200, exact: true })
    await database.query(`ALTER TABLE ${table} SET (autovacuum_enabled = off)`)
    expect(await count({ count: 'estimate' })).toEqual({ value: 5000, exact: true })
    await database.query(`ANALYZE ${table}`)
    expect(await count({ count: 'estimate' })).toEqual({ value: 5000, exact: false })
    const some = await count({ count: 'estimate' }, { v: { eq: 3 } })
    expect(some?.exact).toBe(false)
    expect(some?.value).toBeGreaterThan(300)
    expect(some?.value).toBeLessThan(700)
  })

  it('cuts a large table by a sample, into parts of about the same size', async () => {
    const table = await filled('id uuid PRIMARY KEY', `SELECT md5(g::text)::uuid FROM generate_series(1, 400000) g`)
    await database.query(`ANALYZE ${table}`)
    await using session = await source({ table }).connect(operation)
    const parts = (await session.partition?.({ ...operation, count: 4 })) ?? []
    expect(parts).toHaveLength(4)
    const counts = await Promise.all(
      parts.map(async ({ bounds }) => {
        const { after, upto } = bounds as { readonly after: string[] | null; readonly upto: string[] | null }
        const rows = await database.query<{ n: string }>(
          `SELECT count(*) AS n FROM ${table} WHERE ($1::uuid IS NULL OR id > $1) AND ($2::uuid IS NULL OR id <= $2)`,
          [after?.[0] ?? null, upto?.[0] ?? null],
        )
        return Number(rows[0]?.n)
      }),
    )
    expect(counts.reduce((sum, n) => sum + n)).toBe(400_000)
    for (const count of counts) expect(Math.abs(count - 100_000)).toBeLessThan(10_000)
  })

  it('does what PostgreSQL cannot do of where itself, on columns that are not read too', async () => {
    const table = await filled(
      'id int PRIMARY KEY, v text, w numeric',
      `SELECT g, 'v' || g, g FROM generate_series(1, 100) g`,
    )
    const where = { v: { glob: 'v*5' }, w: { ne: '15' }, id: { lt: 90 } }
    await using session = await source({ table, columns: ['id'], where }).connect(operation)
    const { rows, pages } = await readSession(session, { page: { records: 7, bytes: 1e6 } })
    expect(rows).toEqual([5, 25, 35, 45, 55, 65, 75, 85].map((id) => ({ id })))
    expect(pages.some(({ count }) => count === 0)).toBe(true)
    expect(pages.every((page) => page.count === page.rows().length)).toBe(true)
    expect(await session.count?.(operation)).toEqual({ value: 89, exact: false })
  })

  it('reads by a pool of the application, and leaves it open and idle', async () => {
    const table = await filled('id int PRIMARY KEY', 'SELECT generate_series(1, 10)')
    const pool = new pg.Pool({ connectionString: database.url, max: 2 })
    try {
      expect((await readSource(postgresSource({ connection: pool, table }))).keys).toHaveLength(10)
      expect([pool.idleCount, pool.totalCount]).toEqual([pool.totalCount, pool.totalCount])
      expect((await pool.query('SHOW transaction_read_only')).rows).toEqual([{ transaction_read_only: 'off' }])
    } finally {
      await pool.end()
    }
  })

  it('reads where nothing can be written', async () => {
    const table = await filled('id int PRIMARY KEY', 'SELECT generate_series(1, 10)')
    await database.query(`ALTER DATABASE ${database.name} SET default_transaction_read_only = on`)
    try {
      for (const options of [
        {},
        { snapshot: true },
        { catchUp: true },
        { query: `SELECT * FROM ${table}`, key: 'id' },
      ]) {
        const one = 'query' in options ? options : { table, ...options }
        expect((await read(one)).keys.length).toBeGreaterThanOrEqual(10)
      }
    } finally {
      await database.query(
        `SET default_transaction_read_only = off; ALTER DATABASE ${database.name} RESET default_transaction_read_only`,
      )
    }
  })

  it('leaves no transaction open behind the last row, however long its pages wait', async () => {
    const table = await filled('id int PRIMARY KEY', 'SELECT generate_series(1, 3)')
    await using session = await source({ table, applicationName: 'waiting' }).connect(operation)
    const pages = session.read({ ...whole, page: { records: 1, bytes: 1e6 } })[Symbol.asyncIterator]()
    await pages.next()
    const open = `SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'waiting' AND state <> 'idle'`
    await expect.poll(() => database.query(open)).toEqual([{ n: 0 }])
    expect((await pages.next()).value?.keys()).toMatchObject([{ source: [2] }])
    await pages.return?.()
  })

  it('feeds a pipeline in partitions, with the filters that PostgreSQL takes', async () => {
    const table = await filled(
      'id bigint PRIMARY KEY, role text',
      `SELECT g, CASE g % 4 WHEN 0 THEN 'debug' ELSE 'user' END FROM generate_series(1, 4000) g`,
    )
    const sink = memorySink<Row>({ key: ['id'] })
    const report = await runPipeline({
      name: 'copy',
      source: from(source({ table })).filter({ role: { ne: 'debug' } }),
      sink,
      state: memoryStateStore(),
      parallel: 3,
    })
    expect(report.counts).toMatchObject({ read: 3000, written: 3000 })
    expect(report.partitions).toHaveLength(3)
    expect(new Set(sink.store.rows.map(({ id }) => id)).size).toBe(3000)
  })

  it('holds a few pages and no more, however long nobody takes one', async () => {
    const table = await filled(
      'id int PRIMARY KEY, v text',
      `SELECT g, repeat('x', 1000) FROM generate_series(1, 100000) g`,
    )
    await using session = await source({ table }).connect(operation)
    const before = process.memoryUsage().arrayBuffers
    let seen = 0
    for await (const page of session.read({ ...whole, page: { records: 100, bytes: 1e6 } })) {
      seen += page.count
      // Of 100 MB. Later on there are pages that were taken, and wait for the garbage collector.
      if (seen === 500) {
        await new Promise((resolve) => setTimeout(resolve, 500))
        expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32e6)
      }
    }
    expect(seen).toBe(100_000)
  })
})

describe('options of a source', () => {
  const connection = 'postgres://nobody@nowhere/db'

  it.each<[string, object]>([
    ['nothing', {}],
    ['both', { table: 't', query: 'SELECT 1' }],
    ['a query without key', { query: 'SELECT 1' }],
    ['no name', { table: '' }],
    ['an unknown option', { table: 't', tabel: 't' }],
    ['no columns', { table: 't', columns: [] }],
    ['a column twice', { table: 't', columns: ['a', 'a'] }],
    ['another form of json', { table: 't', json: 'jsonb' }],
    ['snapshot as text', { table: 't', snapshot: 'yes' }],
    ['snapshot and catchUp', { table: 't', snapshot: true, catchUp: true }],
    ['catchUp of a query', { query: 'SELECT 1', key: 'id', catchUp: true }],
    ['less than nothing', { table: 't', longestReadMs: -1 }],
    ['a way to count', { table: 't', count: 'guess' }],
    ['a wrong filter', { table: 't', where: { a: { in: 5 } } }],
  ])('refuse %s', async (_, options) => {
    expect(await failure(() => postgresSource({ connection, ...options }))).toMatchObject({ code: 'OPTION_INVALID' })
  })

  it('name the database and table without the secret, and what else decides about the records', () => {
    const named = (options: object) => {
      const { name, version, repeats } = postgresSource({ connection: 'postgres://me:secret@db:6543/chat', ...options })
      return { name, version, repeats }
    }
    expect(named({ table: 't' })).toEqual({ name: 'postgres db:6543/chat t', version: undefined, repeats: undefined })
    expect(named({ query: 'SELECT 1', key: 'id' }).name).toMatch(/^postgres db:6543\/chat query [0-9a-f]{12}$/)
    expect(named({ table: 't', where: { a: { gt: 3n } } }).version).not.toBe(
      named({ table: 't', where: { a: { gt: 4n } } }).version,
    )
    expect(named({ table: 't', catchUp: true }).repeats).toBe(true)
    expect(named({ table: 't', name: 'mine' }).name).toBe('mine')
  })
})
