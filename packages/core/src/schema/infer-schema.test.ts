import { expect, test } from 'vitest'
import type { LogicalType } from '../contracts/schema.js'
import { inferSchema, SchemaInference } from './infer-schema.js'

const typeOf = (...values: readonly unknown[]): LogicalType | undefined =>
  inferSchema(values.map((v) => ({ v }))).fields[0]?.type

const int64 = { kind: 'int', bits: 64 }
const float64 = { kind: 'float', bits: 64 }

test.each([
  [[1, -2, 2 ** 53 - 1], int64],
  [[1n, 5, -(2n ** 63n)], int64],
  [[2n ** 63n], { kind: 'any' }],
  [[1, 1.5], float64],
  [[2 ** 53], float64],
  [[-0], float64],
  [[Number.NaN], float64],
  [[1n, 1.5], { kind: 'any' }],
  [[1.5, 1n], { kind: 'any' }],
  [['a', ''], { kind: 'text' }],
  [['a', 1], { kind: 'any' }],
  [[true, false], { kind: 'boolean' }],
  [[true, 1], { kind: 'any' }],
  [[Uint8Array.of(1), Buffer.from('a')], { kind: 'bytes' }],
  [[new Date(0)], { kind: 'timestamp', zone: true, digits: 3 }],
  [[Float32Array.of(1, 2), Float32Array.of(3, 4)], { kind: 'vector', dimensions: 2 }],
  [[Float32Array.of(1), Float32Array.of(3, 4)], { kind: 'list', of: { kind: 'float', bits: 32 } }],
  [[['a', 'b'], ['c']], { kind: 'list', of: { kind: 'text' } }],
  [[[1], [1.5]], { kind: 'list', of: float64 }],
  [[['a'], [1]], { kind: 'json' }],
  [[['a'], []], { kind: 'json' }],
  [[['a', null]], { kind: 'json' }],
  [[[1n]], { kind: 'json' }],
  [[{ a: 1 }, {}], { kind: 'json' }],
  [[{ a: 1 }, [1]], { kind: 'json' }],
  [[{ a: 1 }, 'a'], { kind: 'any' }],
  [[null, undefined], { kind: 'any' }],
  [[() => 1], { kind: 'any' }],
])('values %#', (values, type) => {
  expect(typeOf(...values)).toEqual(type)
  expect(typeOf(null, ...values)).toEqual(type)
})

test('nullable is what some record has not', () => {
  const rows = [
    { a: 1, b: 1, c: 1, d: null },
    { b: null, a: 2, d: 1 },
    { a: 3, b: 2, c: undefined, d: 1 },
  ]
  expect(inferSchema(rows).fields.map((field) => [field.name, field.nullable])).toEqual([
    ['a', false],
    ['b', true],
    ['c', true],
    ['d', true],
  ])
})

test('the order of fields in a record does not matter', () => {
  const rows = [
    { a: 1, b: 'x', c: true },
    { c: false, a: 2, b: 'y' },
    { x: 1n, b: 'z', c: true, a: 3 },
  ]
  expect(inferSchema(rows).fields.map((field) => [field.name, field.type.kind])).toEqual([
    ['a', 'int'],
    ['b', 'text'],
    ['c', 'boolean'],
    ['x', 'int'],
  ])
})

test('can be asked at any time', () => {
  const inference = new SchemaInference()
  expect(inference.schema(['a'])).toEqual({ fields: [], key: ['a'] })
  inference.add({ a: 1 })
  expect(inference.schema([]).fields).toEqual([{ name: 'a', type: int64, nullable: false }])
  inference.add({ b: 1 })
  expect(inference.schema([]).fields.map((field) => field.nullable)).toEqual([true, true])
})
