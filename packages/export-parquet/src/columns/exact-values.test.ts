import { DroverError, type LogicalType } from '@drover/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RowGroupBuilder } from './row-group-builder.js'
import { valuesOf } from './testing/arbitrary-values.js'
import { planOf, stored } from './testing/builders.js'
import { exactly, refusedValue } from './testing/exactly.js'
import { readBack } from './testing/read-back.js'
import { type ParquetTypeName, parquetType } from './type-names.js'

const names: readonly ParquetTypeName[] = [
  'boolean',
  'int8',
  'int16',
  'int32',
  'int64',
  'float32',
  'float64',
  'decimal(5,2)',
  'decimal(18,0)',
  'decimal(38,10)',
  'decimal(38,38)',
  'text',
  'bytes',
  'uuid',
  'date',
  'time',
  'timestamptz(3)',
  'timestamptz(6)',
  'timestamp(6)',
  'timestamp(9)',
  'vector(2)',
  'list(int64)',
  'list(list(timestamptz(6)))',
  'list(vector(2))',
  'struct(a text, b list(decimal(10,2)), c struct(d boolean, e date))',
]
const types = names.map((name) => [name, parquetType(name, 'test')] as const)

test.each(types)('a value of %s comes back as it was, or is refused', (_, type) => {
  const seen = new Set<boolean>()
  fc.assert(
    fc.property(fc.array(valuesOf(type), { maxLength: 20 }), (values) => {
      const plan = planOf(type)
      const builder = new RowGroupBuilder(plan, 'out.parquet')
      const expected: unknown[] = []
      for (const v of values) {
        const back = exactly(type, v)
        seen.add(back === refusedValue)
        const error = appended(builder, v)
        expect(error === undefined ? 'taken' : 'refused').toBe(back === refusedValue ? 'refused' : 'taken')
        if (error === undefined) expected.push(back)
        else
          expect(error.message).toMatch(
            /^out\.parquet: field "v.*" is .+, which the column's type .+ cannot take\. .+\.$/s,
          )
      }
      expect(readBack(builder.toIpc(), plan).map(({ v }) => v)).toStrictEqual(expected)
    }),
    { numRuns: 40 },
  )
  // Otherwise the values are such that nothing was tested.
  expect([...seen].sort()).toEqual([false, true])
})

function appended(builder: RowGroupBuilder, v: unknown): DroverError | undefined {
  try {
    builder.append([{ v }])
    return undefined
  } catch (error) {
    if (DroverError.isInstance(error, 'RECORD_REFUSED')) return error
    throw error
  }
}

test('JSON comes back as it was', () => {
  const json: LogicalType = { kind: 'json' }
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.jsonValue(), fc.bigInt({ min: 2n ** 53n, max: 2n ** 70n }))), (values) => {
      expect(stored(planOf(json), ...values)).toStrictEqual(values)
    }),
  )
  expect(stored(planOf(json), { big: [2n ** 70n] }, { $numberLong: '1' }, '\ud800', -0)).toStrictEqual([
    { big: [2n ** 70n] },
    { $numberLong: '1' },
    '\ud800',
    -0,
  ])
})

test('the extremes of every type are taken', () => {
  const all: readonly (readonly [ParquetTypeName, readonly unknown[]])[] = [
    ['int8', [-128, 127]],
    ['int16', [-32_768, 32_767]],
    ['int32', [-(2 ** 31), 2 ** 31 - 1]],
    ['int64', [-(2n ** 63n), 2n ** 63n - 1n, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]],
    ['float32', [Number.NaN, -0, 2 ** -149, -Infinity, 3.4028234663852886e38]],
    ['float64', [Number.NaN, -0, 5e-324, -Infinity, Number.MAX_VALUE]],
    ['decimal(38,0)', [10n ** 38n - 1n, `-${'9'.repeat(38)}`, '0']],
    ['decimal(38,38)', [`0.${'9'.repeat(38)}`, `-.${'0'.repeat(37)}1`]],
    ['text', ['', '\0', '\u{10ffff}', '\ufffd', 'x'.repeat(1_000_000), 'ö'.repeat(100_000)]],
    ['date', ['0001-01-01', '9999-12-31']],
    ['time', ['00:00:00', '23:59:59.999999']],
    ['timestamptz(6)', ['0001-01-01T00:00:00Z', '9999-12-31T23:59:59.999999Z', '1969-12-31T23:59:59.999999Z']],
    ['timestamptz(9)', ['1677-09-21T00:12:43.145224192Z', '2262-04-11T23:47:16.854775807Z']],
    ['timestamp(3)', ['0001-01-01T00:00:00', '9999-12-31T23:59:59.999']],
  ]
  for (const [name, values] of all) {
    const type = parquetType(name, 'test')
    expect(stored(planOf(type), ...values)).toStrictEqual(values.map((value) => exactly(type, value)))
  }
})
