import { DroverError, runBackfill, startBackfill } from '@drover/core'
import { knex as makeKnex } from 'knex'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sqliteStateStore } from '../state/sqlite-state-store.js'
import { drivers, TestDatabase } from '../testing/test-database.js'
import { type SqliteBackfillOptions, sqliteBackfill } from './sqlite-backfill.js'

describe.each(drivers)('sqliteBackfill over %s', (driver) => {
  let database: TestDatabase

  beforeEach(async () => {
    database = new TestDatabase(driver)
    await database.exec(`
      PRAGMA journal_mode = WAL;
      CREATE TABLE messages (id INTEGER PRIMARY KEY, content TEXT, token_count INTEGER NOT NULL DEFAULT 0, note TEXT);
      CREATE INDEX by_tokens ON messages (token_count);
    `)
  })

  afterEach(() => database[Symbol.asyncDispose]())

  function tokens(options: Partial<SqliteBackfillOptions> = {}) {
    return sqliteBackfill({
      name: 'tokens',
      filename: database.file,
      driver,
      table: 'messages',
      where: { token_count: { eq: 0 }, content: { ne: '' } },
      reads: ['content'],
      sets: ['token_count'],
      set: ({ content }) => ({ token_count: Math.max(1, Math.floor([...String(content)].length / 4)) }),
      batchSize: 500,
      ...options,
    })
  }

  const messages = (count: number, from = 1): string =>
    `WITH RECURSIVE n(i) AS (VALUES (${from}) UNION ALL SELECT i + 1 FROM n WHERE i < ${from + count - 1})
     INSERT INTO messages (id, content) SELECT i, 'message number ' || i FROM n`

  const variants: readonly (readonly [string, Partial<SqliteBackfillOptions>])[] = [
    ['a function and a filter', {}],
    ['a function and SQL', { where: `messages.token_count = 0 AND content <> ''` }],
    ['SQL and a filter', { set: { token_count: 'max(1, length(content) / 4)' }, reads: [] }],
    [
      'SQL and SQL',
      { set: { token_count: 'max(1, length(content) / 4)' }, where: `token_count = 0 AND content <> ''` },
    ],
    ['a filter that SQL cannot repeat', { where: { token_count: { eq: 0 }, content: { like: '_%' } } }],
    [
      'SQL and a filter that SQL cannot repeat',
      {
        set: { token_count: 'max(1, length(content) / 4)' },
        where: { token_count: { eq: 0 }, content: { like: '_%' } },
      },
    ],
  ]

  it.each(variants)('updates each waiting message once, then none, then the new ones: %s', async (_, options) => {
    await database.exec(messages(12_456))
    await database.exec(`INSERT INTO messages (content, token_count) VALUES ('', 0), (NULL, 0), ('counted', 77)`)
    const backfiller = tokens(options)
    const first = await runBackfill({ backfiller })
    expect(first.counts).toMatchObject({ read: 12_456, updated: 12_456, skipped: 0, inserted: 0, rejected: 0 })
    expect(first.guarantee).toBe('exactly-once')
    expect(first.partitions[0]?.batches).toBeGreaterThanOrEqual(Math.ceil(12_456 / 500))
    const second = await runBackfill({ backfiller })
    expect(second.counts).toMatchObject({ read: 0, updated: 0 })
    await database.exec(messages(3, 20_000))
    const third = await runBackfill({ backfiller })
    expect(third.counts).toMatchObject({ read: 3, updated: 3 })
    expect(
      await database.exact(
        `SELECT count(*), sum(token_count = max(1, length(content) / 4)) FROM messages WHERE content LIKE 'message %'`,
      ),
    ).toEqual([[12_459n, 12_459n]])
    expect(
      await database.exact(
        `SELECT token_count FROM messages WHERE content IS NULL OR content IN ('', 'counted') ORDER BY 1`,
      ),
    ).toEqual([[0n], [0n], [77n]])
  })

  it('passes over no row where the computed value equals the default, and ends', async () => {
    await database.exec(messages(1_200))
    const report = await runBackfill({
      backfiller: tokens({ set: () => ({ token_count: 0, note: 'seen' }), sets: ['token_count', 'note'] }),
    })
    expect(report.counts).toMatchObject({ read: 1_200, updated: 1_200 })
    expect(await database.value(`SELECT count(*) FROM messages WHERE note = 'seen'`)).toBe(1_200)
  })

  it.each(variants.filter(([, { set }]) => set === undefined))(
    'leaves what the application wrote between reading and updating: %s',
    async (_, options) => {
      await database.exec(messages(100))
      const application = await database.open()
      const backfiller = tokens({
        ...options,
        set: async ({ id, content }) => {
          if (id === 40) await application.run(`UPDATE messages SET token_count = 999 WHERE id IN (20, 40, 60)`)
          return { token_count: String(content).length }
        },
      })
      const { counts } = await runBackfill({ backfiller })
      await application[Symbol.asyncDispose]()
      expect(counts).toMatchObject({ read: 100, updated: 97, skipped: 3 })
      expect(await database.exact('SELECT id FROM messages WHERE token_count = 999')).toEqual([[20n], [40n], [60n]])
    },
  )

  it('leaves a row whose values have changed that SQL could not ask for again, or that is gone', async () => {
    await database.exec(messages(10))
    const application = await database.open()
    const backfiller = tokens({
      where: { content: { like: 'message%' } },
      set: async ({ id }) => {
        if (id === 5)
          await application.exec(
            `UPDATE messages SET content = 'other' WHERE id = 2; DELETE FROM messages WHERE id = 3`,
          )
        return { token_count: 1 }
      },
    })
    const { counts } = await runBackfill({ backfiller })
    await application[Symbol.asyncDispose]()
    expect(counts).toMatchObject({ read: 10, updated: 8, skipped: 2 })
    expect(await database.value('SELECT token_count FROM messages WHERE id = 2')).toBe(0)
  })

  it('does not count rows that came in between while SQL computed', async () => {
    await database.exec(messages(10))
    await database.exec('DELETE FROM messages WHERE id = 5')
    const application = await database.open()
    const backfiller = tokens({ set: { token_count: '7' }, reads: [] })
    const slow = {
      ...backfiller,
      source: backfiller.source.filter(async ({ id }) => {
        if (id === 10) await application.exec(`INSERT INTO messages (id, content) VALUES (5, 'between')`)
        return true
      }),
    }
    const { counts } = await runBackfill({ backfiller: slow })
    await application[Symbol.asyncDispose]()
    expect(counts).toMatchObject({ read: 9, updated: 9, skipped: 0 })
    expect(await database.value('SELECT token_count FROM messages WHERE id = 5')).toBe(0)
  })

  it('leaves rows alone for which set gives null or nothing, and columns that it does not mention', async () => {
    await database.exec(messages(9))
    await database.exec(`UPDATE messages SET note = 'old'`)
    const backfiller = tokens({
      sets: ['token_count', 'note'],
      set: ({ id }) => {
        const rest = Number(id) % 3
        return rest === 0 ? null : rest === 1 ? { note: undefined, token_count: 5 } : { note: 'new' }
      },
    })
    expect((await runBackfill({ backfiller })).counts).toMatchObject({ read: 9, skipped: 3, updated: 6 })
    expect(
      await database.exact('SELECT token_count, note, count(*) FROM messages GROUP BY 1, 2 ORDER BY 1, 2'),
    ).toEqual([
      [0n, 'new', 3n],
      [0n, 'old', 3n],
      [5n, 'old', 3n],
    ])
  })

  it('goes on where it stopped, also from another process, and writes nothing twice', async () => {
    await database.exec(messages(2_000))
    await database.exec(
      `CREATE TABLE log (id INTEGER); CREATE TRIGGER logs AFTER UPDATE ON messages BEGIN INSERT INTO log VALUES (NEW.id); END`,
    )
    const stopped = await runBackfill({ backfiller: tokens(), stopAfter: { records: 700 } })
    expect(stopped.status).toBe('stopped')
    const rest = await runBackfill({ backfiller: tokens() })
    expect(rest).toMatchObject({ status: 'completed', run: stopped.run, counts: { read: 2_000, updated: 2_000 } })
    expect(await database.exact('SELECT count(*), count(DISTINCT id) FROM log')).toEqual([[2_000n, 2_000n]])
  })

  it('can be watched and slowed while its own state store writes beside it', async () => {
    await database.exec(messages(1_000))
    await using live = startBackfill({ backfiller: tokens(), leaseMs: 100, batchSize: 20 })
    const { counts } = await live.result
    expect(counts.updated).toBe(1_000)
    await using store = sqliteStateStore({ filename: database.file, driver })
    expect((await store.load('tokens', { signal: new AbortController().signal }))?.status).toBe('completed')
  })

  it('computes from SQL over other tables, by names of its own', async () => {
    await database.exec(`
      CREATE TABLE calls (call_id TEXT PRIMARY KEY, total INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
      CREATE TABLE lines (call_id TEXT, tokens INTEGER);
      INSERT INTO calls (call_id) VALUES ('a'), ('b'), ('c');
      INSERT INTO lines VALUES ('a', 3), ('a', 4), ('b', 5);
    `)
    const backfiller = tokens({
      name: 'calls',
      table: 'calls',
      where: 'calls.total = 0',
      reads: { tokens: '(SELECT coalesce(sum(tokens), 0) FROM lines WHERE lines.call_id = calls.call_id)' },
      sets: ['total'],
      set: ({ tokens }) => ({ total: tokens }),
    })
    expect((await runBackfill({ backfiller })).counts).toMatchObject({ read: 3, updated: 3 })
    expect(await database.exact('SELECT * FROM calls')).toEqual([
      ['a', 7n],
      ['b', 5n],
      ['c', 0n],
    ])
  })

  it.each([
    [
      'composite',
      'a TEXT, b INTEGER, PRIMARY KEY (a, b)',
      `SELECT 'k' || (value % 7), value FROM json_each('[' || replace(hex(zeroblob(1499)), '00', '0,') || '0]')`,
    ],
    [
      'without a key',
      'a TEXT, b INTEGER',
      `SELECT 'same', 1 FROM json_each('[' || replace(hex(zeroblob(1499)), '00', '0,') || '0]')`,
    ],
    [
      'of large integers',
      'b INTEGER PRIMARY KEY, a TEXT',
      `SELECT 'k', 9007199254740000 + key FROM json_each('[' || replace(hex(zeroblob(1499)), '00', '0,') || '0]')`,
    ],
  ])('updates tables with a key that is %s', async (kind, columns, rows) => {
    const select = kind === 'composite' ? rows.replaceAll('value', 'key') : rows
    await database.exec(`CREATE TABLE t (done INTEGER DEFAULT 0, ${columns}); INSERT INTO t (a, b) ${select}`)
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
      expect(await database.exact('SELECT done, count(*) FROM t GROUP BY 1')).toEqual([[BigInt(value), 1_500n]])
    }
  })

  it('writes bytes, large integers, and objects as JSON', async () => {
    await database.exec(
      `CREATE TABLE t (id INTEGER PRIMARY KEY, a, b BLOB, c INTEGER, d TEXT); INSERT INTO t (id) VALUES (1), (2), (3)`,
    )
    const values = [
      { a: 1.0, b: new Uint8Array([0, 255]), c: 9_223_372_036_854_775_807n, d: { x: [1] } },
      { a: 1n, b: null, c: 1, d: 'a\u0000b' },
      { a: new Uint8Array(), b: 'text', c: 1.5, d: 0.1 + 0.2 },
    ]
    const backfiller = tokens({
      table: 't',
      where: 'true',
      reads: [],
      sets: ['a', 'b', 'c', 'd'],
      set: ({ id }) => values[Number(id) - 1] ?? null,
    })
    expect((await runBackfill({ backfiller })).counts.updated).toBe(3)
    const rows = await database.exact(`SELECT typeof(a), a, b, c, hex(d) FROM t ORDER BY id`)
    expect(rows.map((row) => row.map((value) => (value instanceof Uint8Array ? [...value] : value)))).toEqual([
      ['real', 1, [0, 255], 9_223_372_036_854_775_807n, Buffer.from('{"x":[1]}').toString('hex').toUpperCase()],
      ['integer', 1n, null, 1n, '610062'],
      ['blob', [], 'text', 1.5, Buffer.from('0.30000000000000004').toString('hex').toUpperCase()],
    ])
  })

  it('names the record that the table refuses, and can go on without it', async () => {
    await database.exec(
      `CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER CHECK (a <> 13)); ${messages(1).replaceAll('messages', 't').replace('content', 'a').replace(`'message number ' || i`, '0')}`,
    )
    await database.exec(
      `WITH RECURSIVE n(i) AS (VALUES (2) UNION ALL SELECT i + 1 FROM n WHERE i < 1200) INSERT INTO t SELECT i, 0 FROM n`,
    )
    const options = {
      table: 't',
      where: 'a = 0',
      reads: [],
      sets: ['a'],
      set: ({ id }: Record<string, unknown>) => ({ a: Number(id) % 1_000 }),
    }
    await expect(runBackfill({ backfiller: tokens(options) })).rejects.toMatchObject({ code: 'RECORD_REJECTED' })
    expect(await database.value('SELECT count(*) FROM t WHERE a <> 0')).toBe(0)
    const report = await runBackfill({ backfiller: tokens(options), maxRejected: 5, deadLetters: database.folder })
    expect(report.counts).toMatchObject({ read: 1_200, rejected: 2, updated: 1_198 })
    expect(report.rejected.map(({ key, code }) => [key, code])).toEqual([
      [[13], 'RECORD_REFUSED'],
      [[1013], 'RECORD_REFUSED'],
    ])
  })

  it('rejects what set may not give', async () => {
    await database.exec(messages(1))
    for (const set of [() => ({ tokens: 1 }), () => 'text' as never, () => [] as never]) {
      await expect(runBackfill({ backfiller: tokens({ set }) })).rejects.toMatchObject({
        code: 'RECORD_REJECTED',
        cause: { code: 'TRANSFORM_INVALID_RESULT' },
      })
    }
  })

  it('works on the database of a knex instance', async () => {
    for (const filename of [database.file, ':memory:']) {
      const knex = makeKnex({ client: driver, connection: { filename }, useNullAsDefault: true })
      if (filename === ':memory:')
        await knex.raw('CREATE TABLE messages (id INTEGER PRIMARY KEY, content TEXT, token_count INTEGER DEFAULT 0)')
      for (const content of ['one', 'two']) await knex('messages').insert({ content })
      const {
        filename: _,
        driver: __,
        ...options
      } = {
        filename: '',
        driver,
        table: 'messages',
        where: { token_count: { eq: 0 } },
        reads: ['content'],
        sets: ['token_count'],
      }
      const backfiller = sqliteBackfill({
        ...options,
        name: 'tokens',
        knex,
        set: ({ content }) => ({ token_count: String(content).length }),
      })
      expect((await runBackfill({ backfiller })).counts).toMatchObject({ read: 2, updated: 2 })
      expect(await knex('messages').sum({ n: 'token_count' })).toEqual([{ n: 6 }])
      await knex.destroy()
    }
  })

  it('says what is missing', async () => {
    const failure = async (options: Partial<SqliteBackfillOptions>): Promise<string> => {
      const error: unknown = await runBackfill({ backfiller: tokens(options) }).catch((thrown: unknown) => thrown)
      if (!DroverError.isInstance(error)) throw new Error(`no DroverError: ${String(error)}`)
      return `${error.code} ${error.message}`
    }
    expect(await failure({ requires: ['messages.token_cuont'] })).toMatch(
      /^REQUIREMENT_MISSING.*"token_cuont".*did you mean "token_count"/,
    )
    expect(await failure({ requires: ['mesages.token_count'] })).toMatch(
      /^REQUIREMENT_MISSING.*did you mean "messages"/,
    )
    expect(await failure({ table: 'message' })).toMatch(/^SOURCE_NOT_FOUND.*did you mean "messages"/)
    expect(await failure({ reads: ['contents'] })).toMatch(/^NAME_UNKNOWN.*did you mean "content"/)
    expect(await failure({ sets: ['tokens'] })).toMatch(/^NAME_UNKNOWN.*"tokens"/)
    expect(await failure({ sets: ['id'] })).toMatch(/^OPTION_INVALID.*part of the key/)
    expect(await failure({ key: 'content' })).toMatch(/^KEY_INVALID/)
    expect(await failure({ where: { tokens: { eq: 0 } } })).toMatch(/^NAME_UNKNOWN.*"tokens"/)
    expect(await failure({ where: 'nonsense = 1' })).toMatch(/^SOURCE_NOT_FOUND.*nonsense/)
    expect(await failure({ requires: ['messages.token_count'], filename: `${database.file}x` })).toMatch(
      /^SOURCE_NOT_FOUND/,
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
    [{ name: '' }, /name/],
  ])('refuses %j', (options, said) => {
    expect(() => tokens(options as never)).toThrow(said)
    expect(() => tokens(options as never)).toThrow(DroverError)
  })
})
