import type { LogicalType } from '@drover/core'
import { expect, test } from 'vitest'
import { RowGroupBuilder } from './row-group-builder.js'
import { planOf, refused, stored } from './testing/builders.js'
import { type ParquetTypeName, parquetType } from './type-names.js'

const type = (name: ParquetTypeName): LogicalType => parquetType(name, 'test')
const lone = 'ab\ud800c'

test.each<readonly [ParquetTypeName, unknown, RegExp]>([
  ['boolean', 1, /the number 1, .* true and false/],
  ['boolean', 'true', /the text "true"/],
  ['int8', 128, /128.*-128 to 127.*'int64' in types/],
  ['int8', -129n, /-129.*-128 to 127/],
  ['int16', 32_768, /-32768 to 32767/],
  ['int32', 2 ** 31, /-2147483648 to 2147483647/],
  ['int32', 1.5, /1\.5.*round it in a step.*'float64'/],
  ['int32', -0, /-0.*whole numbers/],
  ['int32', '1', /the text "1".*whole numbers/],
  ['int32', Number.NaN, /NaN.*whole numbers/],
  ['int64', 2n ** 63n, /9223372036854775808.*9223372036854775807.*'decimal\(38,0\)'/],
  ['int64', 2 ** 53, /9007199254740992.*as a bigint/],
  ['int64', 10n ** 50n, /an integer of 51 digits/],
  ['float32', 0.1, /0\.1.*'float64' in types, or 'float32' to have it rounded/],
  ['float32', 1e300, /out of range for a float32/],
  ['float64', 2n ** 53n + 1n, /would round it/],
  ['float64', '1.5', /the text "1\.5".*numbers/],
  ['decimal(5,2)', '1.005', /keeps 2 digits behind the point/],
  ['decimal(5,2)', '1000', /keeps 3 digits before the point/],
  ['decimal(5,2)', 'NaN', /"NaN".*finite number/],
  ['decimal(5,2)', Number.POSITIVE_INFINITY, /Infinity.*finite number/],
  ['decimal(5,2)', '', /""/],
  ['decimal(5,2)', '1,5', /"1,5"/],
  ['decimal(5,2)', -0, /no -0/],
  ['decimal(5,2)', '-0.00', /no -0/],
  ['decimal(38,0)', 10n ** 38n, /an integer of 39 digits|1000.*or 'text'/],
  ['text', lone, /character 3 is half of a surrogate pair.*UTF-8/],
  ['text', `${'x'.repeat(50_000)}\udc00`, /character 50001/],
  ['text', 5, /the number 5.*'text' in types/],
  ['bytes', 'text', /the text "text".*Uint8Array/],
  ['bytes', [1, 2], /an array of 2/],
  ['json', { a: Number.NaN }, /NaN.*what JSON has/],
  ['json', { a: new Uint8Array(1) }, /bytes/],
  ['json', new Map([[1, 2]]), /Map/],
  ['json', () => 1, /a function/],
  ['uuid', '6f1d5e0a-3c55-4a3b-9d5b-0e6b1f0c7d2', /32 hexadecimal digits/],
  ['uuid', '6f1d5e0a-3c55-4a3b-9d5b-0e6b1f0c7d2g', /32 hexadecimal digits/],
  ['uuid', '6f1d5e0a-3c55-4a3b-9d5b-0e6b1f0c7d2\u1234', /32 hexadecimal digits/],
  ['uuid', '6f1d5e0a03c55-4a3b-9d5b-0e6b1f0c7d21', /four hyphens/],
  ['uuid', new Uint8Array(16), /16 bytes.*uuids as text/],
  ['date', '2023-02-29', /dates as text/],
  ['date', '0000-12-31', /years 1 to 9999/],
  ['date', '10000-01-01', /years 1 to 9999/],
  ['date', 'infinity', /"infinity".*'text' in types/],
  ['date', '2024-01-31T00:00:00', /dates as text/],
  ['date', new Date(1), /the Date 1970-01-01T00:00:00\.001Z.*no time of day/],
  ['date', new Date(Number.NaN), /a Date that is none/],
  ['date', new Date(8.64e15), /years 1 to 9999/],
  ['time', '24:00:00', /23:59:59\.999999/],
  ['time', '12:00:00+02', /without an offset/],
  ['time', '12:60:00', /23:59:59/],
  ['time', '12:00:00.1234567', /finer than a microsecond/],
  ['time', 43_200, /times as text/],
  ['timestamptz(3)', '2024-01-31T12:00:00.1234Z', /finer than the column's millisecond.*'timestamptz\(6\)'/],
  ['timestamptz(6)', '2024-01-31T12:00:00.1234567Z', /microsecond.*'timestamptz\(9\)'/],
  ['timestamptz(9)', '2024-01-31T12:00:00.1234567891Z', /at most nine digits/],
  ['timestamptz(9)', '2262-04-12T00:00:00Z', /1677 to 2262.*'timestamptz\(6\)'/],
  ['timestamp(9)', '1677-09-21T00:12:43', /1677 to 2262.*'timestamp\(6\)'/],
  ['timestamptz(6)', '2024-01-31T12:00:00', /no zone/],
  ['timestamp(6)', '2024-01-31T12:00:00Z', /has a zone/],
  ['timestamptz(6)', '2024-01-31', /ISO 8601/],
  ['timestamptz(6)', '2024-12-31T23:59:60Z', /ISO 8601/],
  ['timestamptz(6)', '0044-03-15T00:00:00Z BC', /ISO 8601/],
  ['timestamptz(6)', 'infinity', /"infinity"/],
  ['timestamptz(6)', '+010000-01-01T00:00:00.000Z', /years 1 to 9999/],
  ['timestamptz(6)', '0001-01-01T00:00:00+01:00', /years 1 to 9999/],
  ['timestamptz(3)', 1_700_000_000_000, /the number 1700000000000/],
  ['vector(2)', new Float32Array(3), /a Float32Array of 3.*2 dimensions.*'list\(float32\)'/],
  ['vector(2)', [1, 0.1], /"v\[1\]" is the number 0\.1/],
  ['vector(2)', '[1,2]', /the text "\[1,2\]"/],
  ['list(int8)', 5, /the number 5.*arrays/],
  ['list(int8)', new Uint8Array(2), /2 bytes.*arrays/],
  ['list(list(int8))', [[1], [2, 300]], /"v\[1\]\[1\]" is the number 300/],
  ['struct(a int8, b struct(c text))', { a: 1, b: { c: lone } }, /"v\.b\.c" is the text/],
  ['struct(a int8)', { a: 1, b: 2 }, /another field, "b".*dropped/],
  ['struct(a int8)', [1], /an array of 1.*objects/],
  ['struct(a int8)', new Date(0), /a?Date.*objects/],
])('a column of type %s refuses %o', (name, value, message) => {
  const error = refused(planOf(type(name)), value)
  expect(error).toMatchObject({ code: 'RECORD_REFUSED', row: 0, isRetryable: false })
  expect(error.message).toMatch(/^out\.parquet: field "v.*" is .*, which the column's type .* cannot take\. .+\.$/)
  expect(error.message).toMatch(message)
  expect(error.message.length).toBeLessThan(450)
})

test.each<readonly [ParquetTypeName, LogicalType, unknown, unknown]>([
  ['boolean', type('int64'), [1, 0n], [true, false]],
  ['int32', type('text'), ['12', '+5', true], [12n, 5n, 1n]],
  ['int64', type('decimal(20,0)'), ['9223372036854775807'], [2n ** 63n - 1n]],
  ['float32', type('float64'), [0.1, '1e3'], [Math.fround(0.1), 1000]],
  ['float64', type('decimal(38,10)'), ['123456789012345678.5', 'NaN'], [Number('123456789012345678.5'), Number.NaN]],
  ['float64', type('int64'), [2n ** 53n + 1n], [2 ** 53]],
  ['decimal(12,2)', { kind: 'decimal' }, ['1.5', 2, 1e-1, 7n, '1.500'], [150n, 200n, 10n, 700n, 150n]],
  [
    'text',
    { kind: 'any' },
    [1, -0, 1n, true, 'x', new Date(0)],
    ['1', '-0', '1', 'true', 'x', '1970-01-01T00:00:00.000Z'],
  ],
  ['text', { kind: 'json' }, [{ a: [1n << 60n] }], ['{"a":[1152921504606846976]}']],
  ['json', { kind: 'any' }, ['x', 1, [1, null]], ['x', 1, [1, null]]],
  ['json', type('text'), ['{"a":1}', 'null'], [{ a: 1 }, null]],
  ['uuid', type('bytes'), [new Uint8Array(16).fill(255)], ['f'.repeat(32)]],
  ['date', type('text'), ['1970-01-02', '1970-01-03T00:00:00Z'], [1, 2]],
  ['timestamptz(3)', type('text'), ['1970-01-01 00:00:01', '1970-01-02'], [1000n, 86_400_000n]],
  ['timestamp(0)', type('timestamptz(6)'), ['1970-01-01T01:00:00+01:00'], [0n]],
  ['vector(2)', type('list(float64)'), [[0.1, 1]], [[Math.fround(0.1), 1]]],
  ['list(int8)', type('json'), [[1, '2']], [[1n, 2n]]],
])('a type that was named takes what fits: %s', (name, from, values, expected) => {
  expect(stored(planOf(type(name), from), ...(values as unknown[]))).toEqual(expected)
})

test.each<readonly [ParquetTypeName, LogicalType, unknown, RegExp]>([
  ['json', type('text'), '{', /no JSON/],
  ['boolean', type('int64'), 2, /1 and 0/],
  ['int8', type('text'), '200', /-128 to 127/],
  ['int64', type('text'), '1.5', /whole numbers/],
  ['float32', type('float64'), 1e-50, /out of range/],
  ['float64', type('text'), '1e999', /"1e999"/],
  ['date', type('timestamptz(3)'), '2024-01-31T12:00:00.000Z', /no time of day/],
  ['timestamptz(3)', type('timestamptz(6)'), '2024-01-31T12:00:00.000001Z', /finer/],
  ['text', { kind: 'any' }, new Uint8Array(3), /3 bytes/],
])('a type that was named does not round and does not guess: %s', (name, from, value, message) => {
  expect(refused(planOf(type(name), from), value).message).toMatch(message)
})

test('a null where the source has none is refused', () => {
  for (const value of [null, undefined]) {
    expect(refused(planOf(type('text'), undefined, false), value).message).toMatch(/field "v" is null.*never null/)
  }
  const inside: LogicalType = { kind: 'struct', fields: [{ name: 'a', type: type('int8'), nullable: false }] }
  expect(refused(planOf(inside), {}).message).toMatch(/field "v\.a" is null/)
  expect(stored(planOf(inside), null, { a: 1 })).toEqual([null, { a: 1n }])
})

test('a value that is too large for a file is refused before it is copied', () => {
  const error = refused(planOf(type('bytes')), new Uint8Array(2 ** 28 + 1))
  expect(error.message).toMatch(/field "v" is a value of 268435457 bytes.*up to 268435456 bytes/)
})

test('a column may have the name of something that all objects have', () => {
  const plan = { columns: [{ name: 'constructor', type: type('text'), nullable: true }] }
  const builder = new RowGroupBuilder(plan, 'out.parquet')
  builder.append([{}, { constructor: 'x' } as never])
  expect(builder.rows).toBe(2)
})
