import type { LogicalType } from '@drover/core'
import fc from 'fast-check'

const digits = (most: number) => fc.stringMatching(new RegExp(`^\\d{0,${most}}$`))
const two = (most: number) => fc.integer({ min: 0, max: most }).map((value) => String(value).padStart(2, '0'))
const date = fc
  .tuple(
    fc.oneof(fc.integer({ min: 1969, max: 1971 }), fc.constantFrom(0, 1, 1677, 2262, 9999), fc.nat(9999)),
    two(13),
    two(32),
  )
  .map(([year, month, day]) => `${String(year).padStart(4, '0')}-${month}-${day}`)
const goodDate = fc
  .date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T00:00:00Z'), noInvalidDate: true })
  .map((day) => day.toISOString().slice(0, 10))
const fraction = fc.oneof(fc.constant(''), fc.stringMatching(/^\.\d{1,10}$/), fc.stringMatching(/^\.\d{3}(\d{3})?$/))
const clock = fc.oneof(
  fc
    .tuple(two(23), two(59), two(59), fraction)
    .map(([hour, minute, second, rest]) => `${hour}:${minute}:${second}${rest}`),
  fc.tuple(two(25), two(61)).map(([hour, minute]) => `${hour}:${minute}`),
  fc.constantFrom('24:00:00', '23:59:60', '00:00:00.000'),
)
const zone = fc.constantFrom('Z', 'Z', '', '', '+00:00', '-05:30', '+02', ' +01', 'z', '+25:00', 'UTC')
const timestamp = fc
  .tuple(fc.oneof(goodDate, date), fc.constantFrom('T', 'T', 'T', ' '), clock, zone)
  .map((parts) => parts.join(''))
const decimal = fc
  .tuple(
    fc.constantFrom('', '', '-', '+'),
    digits(30),
    fc.constantFrom('.', '.', ''),
    digits(12),
    fc.constantFrom('', '', '', 'e2', 'E-3', 'e40'),
  )
  .map((parts) => parts.join(''))
const integer = fc.oneof(
  fc.maxSafeInteger(),
  fc.integer({ min: -200, max: 200 }),
  fc.constantFrom(127, 128, -128, -129, 32_767, 32_768, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), 2 ** 32, 2 ** 53, 2 ** 62),
  fc.bigInt({ min: -(2n ** 66n), max: 2n ** 66n }),
  fc.constantFrom(2n ** 63n - 1n, 2n ** 63n, -(2n ** 63n), -(2n ** 63n) - 1n, 2n ** 32n, -1n, 10n ** 38n),
)
const float = fc.oneof(
  fc.double(),
  fc.float(),
  fc.constantFrom(-0, Number.NaN, Number.POSITIVE_INFINITY, 5e-324, 1e-45, 3.5e38),
)
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('\ud83d', 'a\udc00', 'x'.repeat(300)),
)
const bytes = fc.uint8Array({ maxLength: 300 })

/** Anything that may stand in a record, and much that looks like what a column takes, and is not quite. */
export const anyValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(null, undefined, true, false, {}, [], Symbol.iterator, new Map()),
  integer,
  float,
  text,
  bytes,
  date,
  goodDate,
  clock,
  timestamp,
  decimal,
  fc.uuid(),
  fc.uuid().map((uuid) => uuid.toUpperCase()),
  fc.date(),
  fc.integer({ min: -800_000, max: 3_000_000 }).map((day) => new Date(day * 86_400_000)),
  fc.float32Array({ maxLength: 3 }),
)

/** Values that mostly are of a type. */
export function valuesOf(type: LogicalType): fc.Arbitrary<unknown> {
  return fc.oneof(
    { arbitrary: likely(type), weight: 6 },
    { arbitrary: anyValue, weight: 1 },
    { arbitrary: fc.constant(null), weight: 1 },
  )
}

function likely(type: LogicalType): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case 'boolean':
      return fc.boolean()
    case 'int':
      return fc.oneof(integer, fc.integer({ min: -128, max: 127 }))
    case 'float':
      return type.bits === 32 ? fc.oneof(fc.float(), float) : float
    case 'decimal':
      return fc.oneof(decimal, integer, fc.stringMatching(/^-?\d{1,10}(\.\d{1,2}0{0,3})?$/), float)
    case 'text':
      return text
    case 'bytes':
      return bytes
    case 'uuid':
      return fc.uuid()
    case 'date':
      return fc.oneof(goodDate, date)
    case 'time':
      return clock
    case 'timestamp':
      return fc.oneof(goodTimestamp(type.zone, type.digits), timestamp)
    case 'json':
      return fc.jsonValue()
    case 'vector':
      return fc.oneof(
        fc.float32Array({ minLength: type.dimensions, maxLength: type.dimensions }),
        fc.array(fc.float(), { minLength: type.dimensions, maxLength: type.dimensions }),
        fc.array(float, { maxLength: type.dimensions }),
      )
    case 'list':
      return fc.array(mostly(type.of), { maxLength: 5 })
    case 'struct':
      return fc.record(Object.fromEntries(type.fields.map((field) => [field.name, mostly(field.type)])), {
        requiredKeys: [],
      })
    case 'any':
      return anyValue
  }
}

/** Deep inside, one wrong value spoils all: so they are rarer. */
function mostly(type: LogicalType): fc.Arbitrary<unknown> {
  return fc.oneof(
    { arbitrary: likely(type), weight: 20 },
    { arbitrary: fc.constant(null), weight: 3 },
    { arbitrary: anyValue, weight: 1 },
  )
}

function goodTimestamp(isZoned: boolean, most: number): fc.Arbitrary<string> {
  return fc
    .tuple(goodDate, two(23), two(59), two(59), digits(most))
    .map(
      ([day, hour, minute, second, rest]) =>
        `${day}T${hour}:${minute}:${second}${rest === '' ? '' : `.${rest}`}${isZoned ? 'Z' : ''}`,
    )
}
