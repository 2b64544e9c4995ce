import type { Field, LogicalType, RecordSchema } from '@drover/core'
import { expect, test } from 'vitest'
import { planTable } from './plan-table.js'

const text: LogicalType = { kind: 'text' }

function schema(types: Record<string, LogicalType>): RecordSchema {
  const fields = Object.entries(types).map(([name, type]): Field => ({ name, type, nullable: false }))
  return { fields, key: [] }
}

test('a column that SQLite declares as BLOB holds bytes, though it could hold anything', () => {
  const fields = [{ name: 'image', type: { kind: 'any' }, nullable: true, native: 'BLOB' }] as const
  expect(planTable({ fields, key: [] })).toMatchObject({ plan: { columns: [{ type: { kind: 'bytes' } }] }, issues: [] })
})

test('columns are the fields in their order, without those in the names of folders', () => {
  const { plan, partition, issues } = planTable(schema({ a: text, b: { kind: 'date' }, c: text, d: text }), {
    partitionBy: ['c', 'b'],
  })
  expect(plan.columns.map(({ name }) => name)).toEqual(['a', 'd'])
  expect(partition.map(({ name, type }) => [name, type.kind])).toEqual([
    ['c', 'text'],
    ['b', 'date'],
  ])
  expect(issues).toEqual([])
})

test('a plan survives JSON', () => {
  const { plan } = planTable(schema({ a: { kind: 'any' }, b: { kind: 'list', of: text } }), {
    types: { a: 'decimal(5,2)' },
  })
  expect(JSON.parse(JSON.stringify(plan))).toEqual(plan)
  expect(plan.columns[0]).toEqual({
    name: 'a',
    type: { kind: 'decimal', precision: 5, scale: 2 },
    nullable: false,
    from: { kind: 'any' },
  })
})

test.each<readonly [LogicalType, LogicalType]>([
  [
    { kind: 'decimal', precision: 5 },
    { kind: 'decimal', precision: 5, scale: 0 },
  ],
  [
    { kind: 'decimal', precision: 5, scale: -3 },
    { kind: 'decimal', precision: 8, scale: 0 },
  ],
  [
    { kind: 'decimal', precision: 2, scale: 5 },
    { kind: 'decimal', precision: 5, scale: 5 },
  ],
  [
    { kind: 'vector', dimensions: 0 },
    { kind: 'list', of: { kind: 'float', bits: 32 } },
  ],
  [
    { kind: 'list', of: { kind: 'decimal', precision: 5 } },
    { kind: 'list', of: { kind: 'decimal', precision: 5, scale: 0 } },
  ],
])('a type that Parquet has in another form is stored in that: %o', (type, storedAs) => {
  const { plan, issues } = planTable(schema({ v: type }))
  expect(plan.columns).toEqual([{ name: 'v', type: storedAs, nullable: false }])
  expect(issues).toEqual([])
})

test.each<readonly [LogicalType, RegExp, string]>([
  [{ kind: 'decimal' }, /digits are not limited/, 'decimal(38,10)'],
  [{ kind: 'decimal', precision: 39, scale: 2 }, /at most 38 digits.* 39/, 'text'],
  [{ kind: 'decimal', precision: 30, scale: -9 }, /at most 38 digits.* 39/, 'text'],
  [{ kind: 'timestamp', zone: true, digits: 12 }, /12 digits/, 'text'],
  [{ kind: 'any' }, /its own type/, 'json'],
  [{ kind: 'list', of: { kind: 'any' } }, /in its items each value/, 'json'],
  [{ kind: 'struct', fields: [] }, /no struct without fields/, 'json'],
  [{ kind: 'struct', fields: [{ name: 'x', type: { kind: 'decimal' }, nullable: true }] }, /in "x" a decimal/, 'json'],
])('what would be lost is said, and what accepts it: %o', (type, loses, instead) => {
  const { issues } = planTable(schema({ fine: text, v: type }))
  expect(issues).toEqual([{ field: 'v', loses: expect.stringMatching(loses), remedy: `types: { "v": '${instead}' }` }])
  expect(planTable(schema({ v: type }), { types: { v: instead as 'text' } }).issues).toEqual([])
})

test('of what was only seen, it is said what integers beyond 64 bits need', () => {
  const { issues } = planTable({ ...schema({ v: { kind: 'any' } }), isInferred: true })
  expect(issues).toEqual([
    {
      field: 'v',
      loses: expect.stringMatching(/integers beyond 64 bits/),
      remedy: expect.stringMatching(/'json'.*'decimal\(20,0\)'.*'text'/),
    },
  ])
})

test('a name that UTF-8 cannot hold is said', () => {
  const { issues } = planTable(schema({ 'a\ud800': text }))
  expect(issues).toMatchObject([{ field: 'a\ud800', loses: expect.stringContaining('in its name') }])
})

test('a guess from some records leaves room for nulls, and for fields that only types knows', () => {
  const { plan } = planTable(schema({ a: text }), { types: { rare: 'int64' }, isInferred: true })
  expect(plan.columns).toEqual([
    { name: 'a', type: text, nullable: true },
    { name: 'rare', type: { kind: 'int', bits: 64 }, nullable: true, from: { kind: 'any' } },
  ])
})

test.each([
  [{ types: { pice: 'text' } }, 'NAME_UNKNOWN', /types: there is no field "pice"; did you mean "price"/],
  [{ partitionBy: ['pric'] }, 'NAME_UNKNOWN', /partitionBy: there is no field "pric"/],
  [{ partitionBy: ['day', 'day'] }, 'OPTION_INVALID', /"day" stands there twice/],
  [{ partitionBy: ['price'] }, 'OPTION_INVALID', /"price" holds float, which cannot name a folder/],
  [{ partitionBy: ['day', 'price'], types: { price: 'int8' } }, 'OPTION_INVALID', /names all fields/],
  [
    { types: { price: 'decimal(99)' } },
    'OPTION_INVALID',
    /^parquetSink: types: "price": decimal\(99\) is out of range/,
  ],
] as const)('%j is refused', (options, code, message) => {
  const priced = schema({ day: { kind: 'date' }, price: { kind: 'float', bits: 64 } })
  expect(() => planTable(priced, options as never)).toThrow(
    expect.objectContaining({ code, message: expect.stringMatching(message) }),
  )
})
