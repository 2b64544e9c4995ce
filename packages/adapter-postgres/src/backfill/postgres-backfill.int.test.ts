import { DroverError, runBackfill, startBackfill } from '@drover/core'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import pg from 'pg'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { postgresStateStore } from '../state/postgres-state-store.js'
import { TestSchema } from '../testing/test-schema.js'
import { type PostgresBackfillOptions, postgresBackfill } from './postgres-backfill.js'

describePostgres('postgresBackfill', () => {
  const database = useDatabase()
  let place: TestSchema

  beforeEach(async () => {
    place = await TestSchema.create(database)
    await database.query(`
      CREATE TABLE ${place.name}.messages (id bigint PRIMARY KEY, content text, token_count int NOT NULL DEFAULT 0, note text);
      CREATE INDEX ON ${place.name}.messages (token_count);
    `)
  })

  afterEach(() => place[Symbol.asyncDispose]())

  const rows = async (sql: string): Promise<unknown[][]> =>
    (await database.query(sql.replaceAll('@', `${place.name}.`))).map((row) => Object.values(row))
  const exec = (sql: string) => database.query(sql.replaceAll('@', `${place.name}.`))

  function tokens(options: Partial<PostgresBackfillOptions> = {}) {
    return postgresBackfill({
      name: 'tokens',
      connection: database.url,
      stateSchema: place.name,
      table: `${place.name}.${options.table ?? 'messages'}`,
      where: { token_count: { eq: 0 }, content: { ne: '' } },
      reads: ['content'],
      sets: ['token_count'],
      set: ({ content }) => ({ token_count: Math.max(1, Math.floor([...String(content)].length / 4)) }),
      batchSize: 500,
      ...Object.fromEntries(Object.entries(options).filter(([name]) => name !== 'table')),
    })
  }

  const messages = (count: number, from = 1): string =>
    `INSERT INTO @messages (id, content) SELECT i, 'message number ' || i FROM generate_series(${from}, ${from + count - 1}) AS i`

  const bySql = { set: { token_count: 'greatest(1, length(content) / 4)' }, reads: [] }
  const unrepeatable = { token_count: { eq: 0 }, content: { ne: '2020-01-01' } } as const // the engine takes that text for an instant
  const variants: readonly (readonly [string, Partial<PostgresBackfillOptions>])[] = [
    ['a function and a filter', {}],
    ['a function and SQL', { where: `messages.token_count = 0 AND content <> '' -- only these` }],
    ['a function that skips what is locked', { skipLocked: true }],
    ['SQL and a filter', bySql],
    ['SQL and SQL', { ...bySql, where: `token_count = 0 AND content <> ''` }],
    ['SQL that skips what is locked', { ...bySql, skipLocked: true }],
    ['a filter that SQL cannot repeat', { where: unrepeatable }],
    ['SQL and a filter that SQL cannot repeat', { ...bySql, where: unrepeatable }],
  ]

  it.each(variants)('updates each waiting message once, then none, then the new ones: %s', async (_, options) => {
    await exec(messages(12_456))
    await exec(
      `INSERT INTO @messages (id, content, token_count) VALUES (-1, '', 77), (-2, NULL, 0), (-3, 'counted', 77)`,
    )
    const backfiller = tokens(options)
    const first = await runBackfill({ backfiller })
    expect(first.counts).toMatchObject({ read: 12_456, updated: 12_456, skipped: 0, inserted: 0, rejected: 0 })
    expect(first.guarantee).toBe('exactly-once')
    expect(first.partitions[0]?.batches).toBeGreaterThanOrEqual(Math.ceil(12_456 / 500))
    const second = await runBackfill({ backfiller })
    expect(second.counts).toMatchObject({ read: 0, updated: 0 })
    await exec(messages(3, 20_000))
    const third = await runBackfill({ backfiller })
    expect(third.counts).toMatchObject({ read: 3, updated: 3 })
    expect(
      await rows(
        `SELECT count(*)::int, count(*) FILTER (WHERE token_count = greatest(1, length(content) / 4))::int AS matching FROM @messages WHERE id > 0`,
      ),
    ).toEqual([[12_459, 12_459]])
    expect(await rows('SELECT id::int, token_count FROM @messages WHERE id < 0 ORDER BY id')).toEqual([
      [-3, 77],
      [-2, 0],
      [-1, 77],
    ])
  })

  it('passes over no row where the computed value equals the default, and ends', async () => {
    await exec(messages(1_200))
    const report = await runBackfill({
      backfiller: tokens({ set: () => ({ token_count: 0, note: 'seen' }), sets: ['token_count', 'note'] }),
    })
    expect(report.counts).toMatchObject({ read: 1_200, updated: 1_200 })
    expect(await rows(`SELECT count(*)::int FROM @messages WHERE note = 'seen'`)).toEqual([[1_200]])
  })

  it.each(variants.filter(([, { set }]) => set === undefined))(
    'leaves what the application wrote between reading and updating: %s',
    async (_, options) => {
      await exec(messages(100))
      const backfiller = tokens({
        ...options,
        set: async ({ id, content }) => {
          if (id === 40)
            await exec(`UPDATE @messages SET token_count = 999, content = '2020-01-01' WHERE id IN (20, 40, 60)`)
          return { token_count: String(content).length }
        },
      })
      const { counts } = await runBackfill({ backfiller })
      expect(counts).toMatchObject({ read: 100, updated: 97, skipped: 3 })
      expect(await rows('SELECT id::int FROM @messages WHERE token_count = 999 ORDER BY id')).toEqual([
        [20],
        [40],
        [60],
      ])
    },
  )

  it('leaves a row whose values have changed that SQL could not ask for again, or that is gone', async () => {
    await exec(messages(10))
    const backfiller = tokens({
      where: { content: { ne: '2020-01-01' } },
      set: async ({ id }) => {
        if (id === 5)
          await exec(`UPDATE @messages SET content = 'other' WHERE id = 2; DELETE FROM @messages WHERE id = 3`)
        return { token_count: 1 }
      },
    })
    expect((await runBackfill({ backfiller })).counts).toMatchObject({ read: 10, updated: 8, skipped: 2 })
    expect(await rows('SELECT token_count FROM @messages WHERE id = 2')).toEqual([[0]])
  })

  it('does not touch rows that came in between while SQL computed', async () => {
    await exec(messages(10))
    await exec('DELETE FROM @messages WHERE id = 5')
    const backfiller = tokens({ set: { token_count: '7' }, reads: [] })
    const slow = {
      ...backfiller,
      source: backfiller.source.filter(async ({ id }) => {
        if (id === 10) await exec(`INSERT INTO @messages (id, content) VALUES (5, 'between')`)
        return true
      }),
    }
    expect((await runBackfill({ backfiller: slow })).counts).toMatchObject({ read: 9, updated: 9, skipped: 0 })
    expect(await rows('SELECT token_count FROM @messages WHERE id = 5')).toEqual([[0]])
  })

  it('leaves rows alone for which set gives null or nothing, and columns that it does not mention', async () => {
    await exec(messages(9))
    await exec(`UPDATE @messages SET note = 'old'`)
    const backfiller = tokens({
      sets: ['token_count', 'note'],
      set: ({ id }) => {
        const rest = Number(id) % 3
        return rest === 0 ? null : rest === 1 ? { note: undefined, token_count: 5 } : { note: 'new' }
      },
    })
    expect((await runBackfill({ backfiller })).counts).toMatchObject({ read: 9, skipped: 3, updated: 6 })
    expect(await rows('SELECT token_count, note, count(*)::int FROM @messages GROUP BY 1, 2 ORDER BY 1, 2')).toEqual([
      [0, 'new', 3],
      [0, 'old', 3],
      [5, 'old', 3],
    ])
  })

  it('goes on where it stopped, and writes nothing twice', async () => {
    await exec(messages(2_000))
    await exec(`
      CREATE TABLE @log (id bigint);
      CREATE FUNCTION @note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO @log VALUES (NEW.id); RETURN NEW; END $$;
      CREATE TRIGGER notes AFTER UPDATE ON @messages FOR EACH ROW EXECUTE FUNCTION @note()`)
    const stopped = await runBackfill({ backfiller: tokens(), stopAfter: { records: 700 } })
    expect(stopped.status).toBe('stopped')
    const rest = await runBackfill({ backfiller: tokens() })
    expect(rest).toMatchObject({ status: 'completed', run: stopped.run, counts: { read: 2_000, updated: 2_000 } })
    expect(await rows('SELECT count(*)::int, count(DISTINCT id)::int AS once FROM @log')).toEqual([[2_000, 2_000]])
  })

  it('works in partitions side by side, beside its own state store', async () => {
    await exec(messages(5_000))
    await using live = startBackfill({ backfiller: tokens(), leaseMs: 200, parallel: 2 })
    expect((await live.result).counts).toMatchObject({ read: 5_000, updated: 5_000 })
    await using store = postgresStateStore({ connection: database.url, stateSchema: place.name })
    const run = await store.load('tokens', { signal: new AbortController().signal })
    expect(run).toMatchObject({ status: 'completed' })
    expect(run?.partitions.length).toBeGreaterThan(1)
  })

  it('tries again when a lock is held for too long, and leaves what is locked alone when asked', async () => {
    await exec(messages(100))
    const holder = new pg.Client({ connectionString: database.url })
    await holder.connect()
    const lock = async () => {
      await holder.query('BEGIN')
      await holder.query(`UPDATE ${place.name}.messages SET note = 'held' WHERE id = 50`)
    }
    await lock()
    const live = startBackfill({ backfiller: tokens({ lockTimeoutMs: 50 }) })
    const retries: string[] = []
    live.events.on('batch:retried', ({ code, message }) => {
      retries.push(`${code} ${message}`)
      void holder.query('ROLLBACK')
    })
    expect((await live.result).counts).toMatchObject({ read: 100, updated: 100, skipped: 0 })
    expect(retries[0]).toMatch(/^STORE_BUSY .*lock timeout/)

    await exec('UPDATE @messages SET token_count = 0')
    await lock()
    const skipping = await runBackfill({ backfiller: tokens({ skipLocked: true, lockTimeoutMs: 50 }) })
    expect(skipping).toMatchObject({ counts: { read: 100, updated: 99, skipped: 1 }, attempt: { retries: 0 } })
    await holder.query('ROLLBACK')
    await holder.end()
    expect((await runBackfill({ backfiller: tokens({ skipLocked: true }) })).counts).toMatchObject({
      read: 1,
      updated: 1,
    })
  })

  it('computes from SQL over other tables, by names of its own', async () => {
    await exec(`
      CREATE TABLE @calls (call_id text PRIMARY KEY, total int NOT NULL DEFAULT 0);
      CREATE TABLE @lines (call_id text, tokens int);
      INSERT INTO @calls (call_id) VALUES ('a'), ('b'), ('c');
      INSERT INTO @lines VALUES ('a', 3), ('a', 4), ('b', 5);
    `)
    const backfiller = tokens({
      name: 'calls',
      table: 'calls',
      where: 'calls.total = 0',
      reads: {
        tokens: `SELECT coalesce(sum(l.tokens), 0) FROM ${place.name}.lines AS l WHERE l.call_id = calls.call_id`,
      },
      sets: ['total'],
      set: ({ tokens: total }) => ({ total }),
    })
    expect((await runBackfill({ backfiller })).counts).toMatchObject({ read: 3, updated: 3 })
    expect(await rows('SELECT call_id, total FROM @calls ORDER BY 1')).toEqual([
      ['a', 7],
      ['b', 5],
      ['c', 0],
    ])
  })

  it.each([
    ['composite', `a text COLLATE "C", b int, PRIMARY KEY (a, b)`, `'k' || (i % 7), i`],
    ['a text', 'a text PRIMARY KEY, b int', `'Ä' || i, 0`],
    ['a uuid', 'a uuid PRIMARY KEY, b int', 'md5(i::text)::uuid, 0'],
    ['a timestamp', 'a timestamptz PRIMARY KEY, b int', `'2024-01-01'::timestamptz + i * interval '1.000001 s', 0`],
    ['a domain', 'a @short PRIMARY KEY, b int', `'d' || i, 0`],
    ['large integers', 'b int, a bigint PRIMARY KEY', '0, 9007199254740000 + i'],
    ['a type without a binary form', 'a inet PRIMARY KEY, b int', `('10.0.' || i / 250 || '.' || i % 250)::inet, 0`],
    ['unique, and not the primary key', 'a int NOT NULL UNIQUE, b int', 'i, 0'],
  ])('updates tables whose key is %s', async (_, columns, values) => {
    await exec(`
      CREATE DOMAIN @short AS varchar(5);
      CREATE TABLE @t (done int DEFAULT 0, ${columns});
      INSERT INTO @t (${columns.startsWith('b') ? 'b, a' : 'a, b'}) SELECT ${values} FROM generate_series(1, 1500) AS i`)
    for (const set of [() => ({ done: 1 }), { done: '2' }] as const) {
      const value = typeof set === 'function' ? 1 : 2
      const backfiller = tokens({
        name: `t${value}`,
        table: 't',
        where: `done < ${value}`,
        reads: [],
        sets: ['done'],
        set,
      })
      expect((await runBackfill({ backfiller })).counts).toMatchObject({ read: 1_500, updated: 1_500 })
      expect(await rows('SELECT done, count(*)::int FROM @t GROUP BY 1')).toEqual([[value, 1_500]])
    }
  })

  it('writes values of every kind', async () => {
    await exec(`
      CREATE TYPE @mood AS ENUM ('sad', 'happy');
      CREATE DOMAIN @price AS numeric(10, 2);
      CREATE TABLE @t (id int PRIMARY KEY, a bytea, b bigint, c numeric, d jsonb, e json, f text[], g int[][], h timestamptz,
        i @mood, j @price, k inet, l int4range, m varchar(3), n char(4), o bool, p real, q point, r interval, s uuid);
      INSERT INTO @t (id) VALUES (1), (2)`)
    const value = {
      a: new Uint8Array([0, 255]),
      b: 9_223_372_036_854_775_807n,
      c: '12345678901234567890.123400',
      d: { x: [1, 9007199254740993n], y: 'é' },
      e: 'a text',
      f: ['a,"b', null, '{}'],
      g: [
        [1, 2],
        [3, null],
      ],
      h: '2024-01-31T12:00:00.123456Z',
      i: 'happy',
      j: '1.50',
      k: '10.0.0.1/8',
      l: '[1,5)',
      m: 'abc',
      n: 'ab',
      o: true,
      p: -0,
      q: '(1,2)',
      r: 'P1DT2S',
      s: '5f0c9f5e-0000-4000-8000-000000000001',
    }
    const names = Object.keys(value)
    const backfiller = tokens({
      table: 't',
      where: 'true',
      reads: [],
      sets: names,
      set: ({ id }) => (id === 1 ? value : { ...value, a: null }),
    })
    expect((await runBackfill({ backfiller })).counts).toMatchObject({ read: 2, updated: 2 })
    expect(
      await rows(`SELECT encode(a, 'hex'), b::text, c::text, d::text, e::text, f::text, g::text, h = '2024-01-31T12:00:00.123456Z' AS when, i::text,
        j::text, k::text, l::text, m, n, o, p::text, q::text, r = interval '1 day 2 seconds' AS lasts, s::text FROM @t ORDER BY id LIMIT 1`),
    ).toEqual([
      [
        '00ff',
        '9223372036854775807',
        '12345678901234567890.123400',
        '{"x": [1, 9007199254740993], "y": "é"}',
        '"a text"',
        '{"a,\\"b",NULL,"{}"}',
        '{{1,2},{3,NULL}}',
        true,
        'happy',
        '1.50',
        '10.0.0.1/8',
        '[1,5)',
        'abc',
        'ab  ',
        true,
        '-0',
        '(1,2)',
        true,
        '5f0c9f5e-0000-4000-8000-000000000001',
      ],
    ])
    expect(await rows('SELECT a FROM @t WHERE id = 2')).toEqual([[null]])
  })

  it.each([
    ['a text that is too long', 'varchar(3)', 'abcd'],
    ['a number with too many digits', 'numeric(4, 2)', '1.234'],
    ['a value that no codec takes', 'int', 'many'],
    ['a label that is none', 'boolean', 'perhaps'],
  ])('refuses %s rather than to change it', async (_, type, bad) => {
    await exec(`CREATE TABLE @t (id int PRIMARY KEY, v ${type}); INSERT INTO @t (id) VALUES (1), (2), (3)`)
    const good = type === 'boolean' ? true : type === 'int' ? 7 : type.startsWith('v') ? 'ok' : '1.23'
    const backfiller = tokens({
      table: 't',
      where: 'v IS NULL',
      reads: [],
      sets: ['v'],
      set: ({ id }) => ({ v: id === 2 ? bad : good }),
    })
    const { counts, rejected } = await runBackfill({
      backfiller,
      maxRejected: 1,
      deadLetters: `${place.name}-letters`,
    }).finally(() =>
      import('node:fs/promises').then(({ rm }) => rm(`${place.name}-letters`, { recursive: true, force: true })),
    )
    expect(counts).toMatchObject({ read: 3, updated: 2, rejected: 1 })
    expect(rejected).toMatchObject([{ key: [2], code: 'RECORD_REFUSED' }])
  })

  it('rejects what set may not give', async () => {
    await exec(messages(1))
    for (const set of [() => ({ tokens: 1 }), () => 'text' as never, () => [] as never]) {
      await expect(runBackfill({ backfiller: tokens({ set }) })).rejects.toMatchObject({
        code: 'RECORD_REJECTED',
        cause: { code: 'TRANSFORM_INVALID_RESULT' },
      })
    }
  })

  it('says what is missing', async () => {
    await exec(messages(1))
    await exec(
      'CREATE VIEW @v AS SELECT * FROM @messages; CREATE TABLE @g (id int PRIMARY KEY, n int, d int GENERATED ALWAYS AS (n * 2) STORED)',
    )
    const failure = async (options: Partial<PostgresBackfillOptions>): Promise<string> => {
      const error: unknown = await runBackfill({ backfiller: tokens(options) }).catch((thrown: unknown) => thrown)
      if (!DroverError.isInstance(error)) throw new Error(`no DroverError: ${String(error)}`)
      return `${error.code} ${error.message}`
    }
    const own = (text: string) => `${place.name}.${text}`
    expect(await failure({ requires: [own('messages.token_cuont')] })).toMatch(
      /^REQUIREMENT_MISSING.*"token_cuont".*did you mean "token_count"/,
    )
    expect(await failure({ requires: [own('mesages.token_count')] })).toMatch(/^REQUIREMENT_MISSING.*there is no table/)
    expect(await failure({ table: 'message' })).toMatch(/^SOURCE_NOT_FOUND.*did you mean/)
    expect(await failure({ table: 'v' })).toMatch(/^OPTION_INVALID.*is a view/)
    expect(await failure({ reads: ['contents'] })).toMatch(/^NAME_UNKNOWN.*did you mean "content"/)
    expect(await failure({ sets: ['tokens'] })).toMatch(/^NAME_UNKNOWN.*"tokens"/)
    expect(await failure({ sets: ['id'] })).toMatch(/^OPTION_INVALID.*part of the key/)
    expect(await failure({ table: 'g', where: 'true', reads: [], sets: ['d'] })).toMatch(
      /^OPTION_INVALID.*computes itself/,
    )
    expect(await failure({ key: 'content' })).toMatch(/^KEY_INVALID/)
    expect(await failure({ where: { tokens: { eq: 0 } } })).toMatch(/^NAME_UNKNOWN.*"tokens"/)
    expect(await failure({ where: 'nonsense = 1' })).toMatch(/^SOURCE_NOT_FOUND.*nonsense/)
    expect(await failure({ where: 'token_count = (' })).toMatch(/^OPTION_INVALID.*the SQL of where/)
    expect(await failure({ set: { token_count: 'nosuch(content)' }, reads: [] })).toMatch(
      /^SOURCE_NOT_FOUND.*the SQL of set/,
    )
  })

  it.each([
    [{ sets: [] }, /sets/],
    [{ set: { note: '1' } }, /SQL for each column of sets/],
    [{ set: {} }, /SQL for each column of sets/],
    [{ requires: ['token_count'] }, /requires/],
    [{ reads: [1] }, /reads/],
    [{ where: { content: { equals: '' } } }, /eq, ne/],
    [{ batchsize: 1 }, /"batchSize"/],
    [{ batchSize: 0 }, /batchSize/],
    [{ skipLocked: 1 }, /skipLocked/],
    [{ name: '' }, /name/],
  ])('refuses %j', (options, said) => {
    expect(() => tokens(options as never)).toThrow(said)
    expect(() => tokens(options as never)).toThrow(DroverError)
  })
})
