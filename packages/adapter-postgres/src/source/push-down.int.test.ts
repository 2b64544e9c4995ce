import { compileFilter, type Filter } from '@drover/core'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { openPostgres } from '../connection/open-postgres.js'
import { openRelation } from './open-relation.js'
import { postgresSource } from './postgres-source.js'
import { filterSql } from './push-down.js'
import { operation, readSession, readSource } from './testing/read-source.js'

/** Columns with values that PostgreSQL and the engine see differently, if they are passed on as they are. */
const columns: { readonly [name: string]: readonly [type: string, values: readonly string[]] } = {
  i: ['int', ['0', '5', '-5', '2147483647']],
  l: ['bigint', ['0', '5', '9007199254740993', '9223372036854775807', '-9223372036854775808']],
  o: ['oid', ['0', '5', '4294967295']],
  f: ['float8', ['0', '-0', '5', '0.1', 'NaN', 'Infinity', '-Infinity']],
  r: ['real', ['0.1', '5', 'NaN', '16777217', '-Infinity']],
  n: ['numeric', ['5', '5.0', '0.1', 'NaN', '-5']],
  b: ['bool', ['true', 'false']],
  t: [
    'text',
    ['', 'a', 'A', 'ä', 'b', 'a%', 'a_\\', '5', '🐑', '\uffee', '2024-01-01', '2024-01-01T00:00:00Z', 'infinity'],
  ],
  c: ['text COLLATE "C"', ['a', 'A', 'ä', 'b', '🐑', '\uffee']],
  loose: ['text COLLATE loose', ['a', 'A', 'ä', 'b']],
  h: ['char(3)', ['a', 'A', 'abc', '']],
  v: ['varchar(9)', ['a', 'A', 'b', '5']],
  m: ['mood', ['sad', 'ok', 'happy']],
  d: ['short', ['a', 'A', 'b']],
  u: ['uuid', ['00000000-0000-0000-0000-000000000005', 'ffffffff-0000-0000-0000-000000000000']],
  day: ['date', ['2024-01-01', '2024-01-02', 'infinity', '-infinity', '0044-03-15 BC', '20000-01-01', '0001-01-01']],
  z: [
    'timestamptz',
    [
      '2024-01-01Z',
      '2024-01-01 00:00:00.000001Z',
      '2024-01-01 05:30+05:30',
      'infinity',
      '-infinity',
      '0044-03-15 BC',
      '20000-01-01',
      '2024-03-15 00:00Z BC',
    ],
  ],
  w: [
    'timestamp',
    ['2024-01-01', '2024-01-01 00:00:00.5', 'infinity', '0044-03-15 12:00 BC', '20000-01-01', '0001-01-01'],
  ],
  y: ['interval', ['1 day', '24 hours']],
  p: ['pair', ['(,)', '(1,a)']],
  j: ['jsonb', ['5', '"a"', 'null']],
  a: ['int[]', ['{}', '{5}']],
}

const operand = fc.constantFrom<string | number | bigint | boolean | Date>(
  0,
  -0,
  5,
  5n,
  -5,
  0.1,
  5.5,
  0.10000000149011612,
  16777216,
  1e300,
  9007199254740992,
  9007199254740993n,
  2n ** 64n,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  true,
  false,
  '',
  '5',
  'a',
  'A',
  'b',
  'ä',
  '\uffee',
  '🐑',
  'a\0',
  '\ud83d',
  "a'; DROP TABLE t; --",
  'happy',
  'unhappy',
  'infinity',
  '-infinity',
  '00000000-0000-0000-0000-000000000005',
  'FFFFFFFF-0000-0000-0000-000000000000',
  '2024-01-01',
  '2024-01-01T00:00:00Z',
  '2024-01-01T01:00:00.000001+01:00',
  '2024-01-01T00:00:00.0000001Z',
  '2024-03-15T00:00:00Z',
  '0044-03-15',
  '0043-01-01T00:00:00Z',
  '2000-01-01T00:00:00',
  '9999-12-31T23:59:59.999999Z',
  '+020000-01-01T00:00:00Z',
  '24:00:00',
  'P1D',
  '(1,a)',
  '{5}',
  new Date('2024-01-01'),
  new Date('2024-01-01T00:00:00.500Z'),
  new Date(-8.64e15),
)
const patterns = ['a', '%', '_', 'a\\%', 'a\\_\\\\', '%ä', '2024%', 'P%', '', '🐑', '%\n%', "'%"]
const condition = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constantFrom('eq', 'ne', 'gt', 'gte', 'lt', 'lte'), operand) },
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom('in', 'nin'), fc.array(operand, { maxLength: 3 })) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('isNull'), fc.boolean()) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom('like', 'glob'), fc.constantFrom(...patterns)) },
)
const names = Object.keys(columns)
const leaf = fc
  .tuple(fc.constantFrom(...names, 'missing'), fc.array(condition, { minLength: 1, maxLength: 2 }))
  .map(([name, conditions]) => ({ [name]: Object.fromEntries(conditions) }) as unknown as Filter)
const { filter } = fc.letrec<{ filter: Filter }>((tie) => ({
  filter: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.record({ and: fc.array(tie('filter'), { maxLength: 3 }) }),
    fc.record({ or: fc.array(tie('filter'), { maxLength: 3 }) }),
    fc.record({ not: tie('filter') }),
  ),
}))

describePostgres('filters pushed down', () => {
  const database = useDatabase()

  beforeAll(async () => {
    await database.query(`CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
      CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy'); CREATE TYPE pair AS (a int, b text); CREATE DOMAIN short AS text`)
    const declared = Object.entries(columns).map(([name, [type]]) => `${name} ${type}`)
    await database.query(`CREATE TABLE t (id serial PRIMARY KEY, ${declared.join(', ')})`)
    for (const [name, [, values]] of Object.entries(columns)) {
      for (const value of values) await database.query(`INSERT INTO t (${name}) VALUES ($1)`, [value])
    }
    const first = Object.values(columns).map(([, values]) => values[0])
    await database.query(
      `INSERT INTO t (${names.join(', ')}) VALUES (${names.map((_, i) => `$${i + 1}`).join(', ')})`,
      first,
    )
    await database.query('CREATE INDEX ON t (t); CREATE INDEX ON t (z); CREATE VIEW v AS SELECT * FROM t')
  })

  describe.each([
    ['a table', { table: 't' }],
    ['a view', { table: 'v', key: 'id' }],
    ['a query', { query: 'SELECT * FROM t', key: 'id' }],
    ['a table, json as text', { table: 't', json: 'text' as const }],
  ])('into %s', (_, selection) => {
    it('take what the engine would take', async () => {
      await using session = await postgresSource({ connection: database.url, ...selection }).connect(operation)
      const { rows } = await readSession(session)
      let pushes = 0
      await fc.assert(
        fc.asyncProperty(filter, async (wanted) => {
          const expected = rows.filter(compileFilter(wanted)).map(({ id }) => id)
          const { pushed, rest } = session.pushDown?.(wanted) ?? {}
          if (pushed !== undefined) pushes++
          const given = await readSession(session, pushed === undefined ? {} : { filter: pushed })
          const kept = given.rows.filter(rest === undefined ? () => true : compileFilter(rest))
          expect(kept.map(({ id }) => id)).toEqual(expected)
        }),
        { numRuns: 400 },
      )
      expect(pushes).toBeGreaterThan(100)
    })
  })

  it('are taken as to what can be compared with every column, one by one', async () => {
    await using session = await postgresSource({ connection: database.url, table: 't' }).connect(operation)
    const isPushed = (wanted: Filter) => session.pushDown?.(wanted).rest === undefined
    const taken: Filter[] = [
      { i: { gt: 4.5 } },
      { l: { eq: 9007199254740993n } },
      { o: { in: [5, 6] } },
      { f: { gte: 0.1 } },
      { r: { lt: 5 } },
      { b: { ne: true } },
      { t: { eq: 'a' } },
      { t: { gte: 'a', lt: 'b' } },
      { t: { like: 'a%' } },
      { m: { in: ['ok', 'unhappy'] } },
      { u: { eq: '00000000-0000-0000-0000-000000000005' } },
      { day: { gte: '2024-01-01' } },
      { z: { gt: new Date('2024-01-01') } },
      { z: { lte: '2024-01-01T00:00:00.000001Z' } },
      { w: { eq: '2024-01-01' } },
      { y: { isNull: true } },
      { not: { or: [{ i: { eq: 5 } }, { t: { isNull: true } }] } },
    ]
    for (const wanted of taken) expect([wanted, isPushed(wanted)]).toEqual([wanted, true])
    const left: Filter[] = [
      { n: { eq: '5' } },
      { h: { eq: 'a' } },
      { t: { glob: 'a*' } },
      { t: { eq: '2024-01-01' } },
      { y: { eq: 'P1D' } },
    ]
    for (const wanted of left) expect([wanted, isPushed(wanted)]).toEqual([wanted, false])
  })

  it('use the index of a column', async () => {
    await database.query(`CREATE TABLE large AS SELECT g AS id, 'text ' || g AS t, now() - g * '1 min'::interval AS at FROM generate_series(1, 20000) g;
      ALTER TABLE large ADD PRIMARY KEY (id); CREATE INDEX by_t ON large (t); CREATE INDEX by_at ON large (at); ANALYZE large`)
    await using opened = await openPostgres({ connection: database.url }, operation)
    const relation = await opened.transaction((connection) => openRelation(connection, { table: 'large' }), operation)
    const planOf = async (wanted: Filter) => {
      const where = filterSql(wanted, { columns: relation.reads, isUtf8: relation.isUtf8 })
      const plan = await database.query(`EXPLAIN SELECT * FROM ${relation.sql} AS d WHERE ${where}`)
      return JSON.stringify(plan)
    }
    expect(await planOf({ id: { eq: 5 } })).toContain('large_pkey')
    expect(await planOf({ t: { in: ['text 1', 'text 2'] } })).toContain('by_t')
    expect(await planOf({ at: { gte: new Date() } })).toContain('by_at')
    expect(await planOf({ at: { gte: new Date().toISOString() } })).toContain('by_at')
  })

  it('take the same as the option where', async () => {
    const source = (where?: Filter) => postgresSource({ connection: database.url, table: 't', ...(where && { where }) })
    const { rows } = await readSource(source())
    const known = filter.filter(
      (wanted) => !JSON.stringify(wanted, (_, v) => (typeof v === 'bigint' ? 0 : v)).includes('missing'),
    )
    await fc.assert(
      fc.asyncProperty(known, async (wanted) => {
        const expected = rows.filter(compileFilter(wanted)).map(({ id }) => id)
        const { rows: given } = await readSource(source(wanted), { page: { records: 3, bytes: 1e6 } })
        expect(given.map(({ id }) => id)).toEqual(expected)
      }),
      { numRuns: 60 },
    )
  })
})
