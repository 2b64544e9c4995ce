import type { LogicalType } from '@drover/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ParquetTypeName, parquetType, typeName } from './type-names.js'

const simple: fc.Arbitrary<LogicalType> = fc.oneof(
  fc.constantFrom<LogicalType>(
    { kind: 'boolean' },
    { kind: 'text' },
    { kind: 'bytes' },
    { kind: 'date' },
    { kind: 'time' },
    { kind: 'uuid' },
    { kind: 'json' },
    { kind: 'float', bits: 32 },
    { kind: 'float', bits: 64 },
  ),
  fc.constantFrom(8, 16, 32, 64).map((bits): LogicalType => ({ kind: 'int', bits: bits as 8 })),
  fc.record({ kind: fc.constant('timestamp' as const), zone: fc.boolean(), digits: fc.integer({ min: 0, max: 9 }) }),
  fc.record({ kind: fc.constant('vector' as const), dimensions: fc.integer({ min: 1, max: 65_535 }) }),
  fc
    .tuple(fc.integer({ min: 1, max: 38 }), fc.nat({ max: 38 }))
    .map(([precision, scale]): LogicalType => ({ kind: 'decimal', precision, scale: Math.min(precision, scale) })),
)

const { type: anyType } = fc.letrec<{ type: LogicalType }>((tie) => ({
  type: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    simple,
    fc.record({ kind: fc.constant('list' as const), of: tie('type') }),
    fc.uniqueArray(fc.tuple(fc.string(), tie('type')), { minLength: 1, maxLength: 3, selector: ([name]) => name }).map(
      (fields): LogicalType => ({
        kind: 'struct',
        fields: fields.map(([name, type]) => ({ name, type, nullable: true })),
      }),
    ),
  ),
}))

test('every type is read back from its name', () => {
  fc.assert(
    fc.property(anyType, (type) => {
      expect(parquetType(typeName(type) as ParquetTypeName, 'test')).toEqual(type)
      expect(parquetType(type, 'test')).toBe(type)
    }),
  )
})

test.each([
  ['timestamp', { kind: 'timestamp', zone: false, digits: 6 }],
  ['timestamptz', { kind: 'timestamp', zone: true, digits: 6 }],
  ['decimal(5)', { kind: 'decimal', precision: 5, scale: 0 }],
  [' decimal( 5 , 2 ) ', { kind: 'decimal', precision: 5, scale: 2 }],
  ['list( text )', { kind: 'list', of: { kind: 'text' } }],
])('%s has its usual meaning', (name, type) => {
  expect(parquetType(name as ParquetTypeName, 'test')).toEqual(type)
})

test.each([
  ['in64', /there is no type "in64"; did you mean "int64"/],
  ['', /ends too early/],
  ['decimal', /needs its digits/],
  ['decimal(39,2)', /39 is not from 0 to 38/],
  ['decimal(2,3)', /not more of them behind the point/],
  ['decimal(0)', /1 to 38 digits/],
  ['decimal(5,2', /ends too early/],
  ['decimal(5;2)', /from ";2\)" on/],
  ['timestamp(10)', /10 is not from 0 to 9/],
  ['timestamp(-1)', /cannot be read/],
  ['vector', /ends too early/],
  ['vector(0)', /not from 1/],
  ['vector(123456)', /cannot be read|not from/],
  ['list(text', /ends too early/],
  ['list()', /cannot be read/],
  ['struct()', /cannot be read/],
  ['struct(a text, a text)', /two fields "a"/],
  ['struct("\\x" text)', /cannot be read/],
  ['text text', /from "text" on/],
  [5, /a type is a name/],
  [null, /a type is a name/],
  [{ kind: 'any' }, /there is no type "any"/],
  [{ kind: 'list' }, /a type is a name/],
  [{ kind: 'struct', fields: [null] }, /a type is a name/],
  [{ kind: 'int', bits: 12 }, /no type "int12"/],
  [{ kind: 'timestamp', zone: true, digits: 12 }, /12 is not from 0 to 9/],
])('%j is refused', (name, message) => {
  expect(() => parquetType(name as ParquetTypeName, 'parquetSink: types: "price"')).toThrow(message)
  expect(() => parquetType(name as ParquetTypeName, 'parquetSink: types: "price"')).toThrow(
    /^parquetSink: types: "price": /,
  )
})
