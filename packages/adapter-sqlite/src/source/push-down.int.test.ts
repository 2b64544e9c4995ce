import { compileFilter, type Filter } from '@drover/core'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { operation, readSession, readSource } from '../testing/read-source.js'
import { drivers, TestDatabase } from '../testing/test-database.js'
import { sqliteSource } from './sqlite-source.js'

const values = [
  'NULL',
  '0',
  '1',
  '5',
  '-1.5',
  '9007199254740993',
  '9223372036854775807',
  '9e999',
  `'5'`,
  `'a'`,
  `'A'`,
  `''`,
  `'2024-01-01'`,
  `'2024-01-01T00:00:00Z'`,
  `'2024-01-01 01:00:00+01:00'`,
  `x'61'`,
]

const operand = fc.constantFrom(
  0,
  1,
  5,
  -1.5,
  5n,
  9007199254740993n,
  2n ** 64n,
  Number.POSITIVE_INFINITY,
  true,
  '5',
  'a',
  'A',
  '',
  '2024-01-01',
  '2024-01-01T00:00:00.000Z',
  new Date('2024-01-01T00:00:00Z'),
)
const operands = fc.array(operand, { maxLength: 3 })
const condition = fc.oneof(
  fc.tuple(fc.constantFrom('eq', 'ne', 'gt', 'gte', 'lt', 'lte'), operand),
  fc.tuple(fc.constantFrom('in', 'nin'), operands),
  fc.tuple(fc.constant('isNull'), fc.boolean()),
  fc.tuple(fc.constantFrom('like', 'glob'), fc.constantFrom('a', '%', '*', '_')),
)
const field = fc.constantFrom('i', 'r', 't', 'n', 'b', 'missing')
const leaf = fc.tuple(field, fc.array(condition, { minLength: 1, maxLength: 2 })).map(([name, conditions]) => ({
  [name]: Object.fromEntries(conditions),
}))
const { filter } = fc.letrec<{ filter: Filter }>((tie) => ({
  filter: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf as fc.Arbitrary<Filter>,
    fc.record({ and: fc.array(tie('filter'), { maxLength: 3 }) }),
    fc.record({ or: fc.array(tie('filter'), { maxLength: 3 }) }),
    fc.record({ not: tie('filter') }),
  ),
}))

describe.each(drivers)('filters pushed down with %s', (driver) => {
  let database: TestDatabase

  beforeAll(async () => {
    database = new TestDatabase(driver)
    const rows = values.map((value, i) => `(${i}, ${value}, ${value}, ${value}, ${value}, ${value})`)
    await database.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, i INTEGER, r REAL, t TEXT COLLATE NOCASE, n NUMERIC, b);
      INSERT INTO t VALUES ${rows.join(', ')}; CREATE INDEX j ON t (t);
      CREATE VIEW v AS SELECT id, t AS i, i AS r, b AS t, t AS n, b FROM t WHERE id < 8
        UNION ALL SELECT id, i, b, n, r, t FROM t WHERE id >= 8`)
  })

  afterAll(() => database[Symbol.asyncDispose]())

  it.each([
    ['table', 't'],
    ['view', 'v'],
  ])('take what the engine would take, of a %s', async (kind, name) => {
    const source = sqliteSource({ filename: database.file, driver, [kind]: name, key: 'id' })
    await using session = await source.connect(operation)
    const { rows } = await readSession(session)
    expect(rows).toHaveLength(values.length)
    let pushes = 0
    await fc.assert(
      fc.asyncProperty(filter, async (wanted) => {
        const expected = rows.filter(compileFilter(wanted)).map(({ id }) => id)
        const { pushed, rest } = session.pushDown?.(wanted) ?? {}
        if (pushed !== undefined) pushes++
        const given = await readSession(session, pushed === undefined ? {} : { filter: pushed })
        expect(given.rows.filter(rest === undefined ? () => true : compileFilter(rest)).map(({ id }) => id)).toEqual(
          expected,
        )
      }),
      { numRuns: 300 },
    )
    expect(pushes).toBeGreaterThan(50)
  })

  it('take the same as the option where', async () => {
    const source = (where?: Filter) =>
      sqliteSource({ filename: database.file, driver, table: 't', ...(where && { where }) })
    const { rows } = await readSource(source())
    await fc.assert(
      fc.asyncProperty(
        filter.filter(
          (wanted) => !JSON.stringify(wanted, (_, v) => (typeof v === 'bigint' ? 0 : v)).includes('missing'),
        ),
        async (wanted) => {
          const expected = rows.filter(compileFilter(wanted)).map(({ id }) => id)
          const { rows: given } = await readSource(source(wanted), { page: { records: 3, bytes: 1e6 } })
          expect(given.map(({ id }) => id)).toEqual(expected)
        },
      ),
      { numRuns: 60 },
    )
  })
})
