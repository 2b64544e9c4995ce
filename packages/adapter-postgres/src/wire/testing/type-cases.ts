import fc from 'fast-check'
import { jsonNull } from '../codecs/json-null.js'
import { type BuiltInName, type WireType, wireType } from '../wire-type.js'

/** A type, and values as a record holds them: what is written is what is read. */
export interface TypeCase {
  /** As SQL names it. */
  readonly sql: string
  readonly type: WireType
  readonly values: fc.Arbitrary<unknown>
  readonly edges: readonly unknown[]
}

const pad = (value: number, length: number): string => String(value).padStart(length, '0')
const text = fc.string({ unit: 'binary' }).filter((value) => !value.includes('\0'))
const zeroless = (value: string): string => value.replace(/0+$/, '')

const date = fc
  .tuple(fc.integer({ min: -4712, max: 294276 }), fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 28 }))
  .map(([year, month, day]) => ({
    text: `${pad(year > 0 ? year : 1 - year, 4)}-${pad(month, 2)}-${pad(day, 2)}`,
    era: year > 0 ? '' : ' BC',
  }))
const micros = fc.oneof(
  fc.constant(0),
  fc.integer({ min: 0, max: 999_999 }),
  fc.integer({ min: 0, max: 999 }).map((ms) => ms * 1000),
)
const time = fc
  .tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }), fc.integer({ min: 0, max: 59 }), micros)
  .map(([h, m, s, f]) => `${pad(h, 2)}:${pad(m, 2)}:${pad(s, 2)}${f === 0 ? '' : `.${zeroless(pad(f, 6))}`}`)
const offset = fc
  .tuple(
    fc.constantFrom('+', '-'),
    fc.integer({ min: 0, max: 15 }),
    fc.integer({ min: 0, max: 59 }),
    fc.integer({ min: 0, max: 59 }),
  )
  .map(([sign, h, m, s]) =>
    h + m + s === 0 ? '+00:00' : `${sign}${pad(h, 2)}:${pad(m, 2)}${s === 0 ? '' : `:${pad(s, 2)}`}`,
  )

const digits = (max: number) => fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength: max })
const numeric = fc
  .tuple(fc.boolean(), digits(60), fc.option(digits(60), { nil: '' }))
  .map(([isNegative, whole, fraction]) => {
    const plain = (whole.replace(/^0+/, '') || '0') + (fraction === '' ? '' : `.${fraction}`)
    return isNegative && /[1-9]/.test(plain) ? `-${plain}` : plain
  })

const interval = fc
  .tuple(
    fc.integer({ min: -2_000_000, max: 2_000_000 }),
    fc.integer(),
    fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }),
  )
  .map(([months, days, all]) => isoInterval(months, days, all))

function isoInterval(months: number, days: number, all: bigint): string {
  const part = (value: number | bigint, unit: string) => (Number(value) === 0 ? '' : `${value}${unit}`)
  const dates = part(Math.trunc(months / 12), 'Y') + part(months % 12, 'M') + part(days, 'D')
  const rest = Number(all % 60_000_000n)
  const size = Math.abs(rest)
  const fraction = size % 1_000_000 === 0 ? '' : `.${zeroless(pad(size % 1_000_000, 6))}`
  const seconds = rest === 0 ? '' : `${rest < 0 ? '-' : ''}${Math.trunc(size / 1_000_000)}${fraction}S`
  const times = part(all / 3_600_000_000n, 'H') + part((all / 60_000_000n) % 60n, 'M') + seconds
  return dates + times === '' ? 'PT0S' : `P${dates}${times === '' ? '' : `T${times}`}`
}

const normalInt = (value: bigint): number | bigint => (Number.isSafeInteger(Number(value)) ? Number(value) : value)
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(normalInt)

const jsonName = fc.oneof(text, fc.constantFrom('__proto__', '1', '10', 'constructor'))
/** What JSON text holds and a double does not change; -0 is 0 for jsonb. */
export const jsonValue = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    text,
    fc.integer(),
    fc.constantFrom(0.1, 1.5, -2.25, 1e-7, 123456.789),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 200n }),
    fc.bigInt({ min: -(2n ** 200n), max: -(2n ** 53n) }),
    fc.array(tie('value')),
    fc.dictionary(jsonName, tie('value'), { noNullPrototype: true }),
  ),
})).value

const json = jsonValue.map((value) => value ?? jsonNull)

const scalar: {
  readonly [name in BuiltInName]: { readonly values: fc.Arbitrary<unknown>; readonly edges: readonly unknown[] }
} = {
  bool: { values: fc.boolean(), edges: [] },
  int2: { values: fc.integer({ min: -32768, max: 32767 }), edges: [0, -1, -32768, 32767] },
  int4: { values: fc.integer(), edges: [0, -1, -2147483648, 2147483647] },
  int8: {
    values: int64,
    edges: [
      0,
      -1,
      2 ** 53 - 1,
      -(2 ** 53 - 1),
      2n ** 53n,
      -(2n ** 53n),
      2n ** 63n - 1n,
      -(2n ** 63n),
      2 ** 32,
      -(2 ** 32),
      -(2 ** 32) - 1,
    ],
  },
  oid: { values: fc.integer({ min: 0, max: 4294967295 }), edges: [0, 4294967295] },
  float4: {
    values: fc.float(),
    edges: [Number.NaN, -0, 0, Infinity, -Infinity, Math.fround(0.1), Math.fround(3.4028234e38), 1.401298464324817e-45],
  },
  float8: {
    values: fc.double(),
    edges: [Number.NaN, -0, 0, Infinity, -Infinity, 0.1, 5e-324, Number.MAX_VALUE, 1e21, 2 ** 53],
  },
  numeric: {
    values: numeric,
    edges: [
      '0',
      '0.0000',
      '1.50',
      'NaN',
      'Infinity',
      '-Infinity',
      '9'.repeat(1000),
      `-0.${'0'.repeat(999)}1`,
      '10000',
      '100000000',
      '0.0001',
      '0.00010',
      '12345.6789',
      `${'7'.repeat(5000)}.${'3'.repeat(5001)}`,
      `1${'0'.repeat(131071)}`,
      `0.${'0'.repeat(16382)}1`,
    ],
  },
  text: {
    values: text,
    edges: [
      '',
      ' ',
      '\\',
      '\\N',
      '\\.',
      '\t\n\r\b\f\v',
      '"',
      "'",
      'NULL',
      'é𝄞\u{10ffff}\uffff',
      '\u2028',
      'a'.repeat(100_000),
      'é'.repeat(30),
      'x'.repeat(24),
      '\x01\x7f',
    ],
  },
  varchar: { values: text, edges: ['', 'abc '] },
  bpchar: { values: text, edges: ['', 'abc '] },
  name: { values: fc.string({ maxLength: 60 }), edges: ['', 'Order'] },
  bytea: {
    values: fc.uint8Array(),
    edges: [new Uint8Array(), Uint8Array.of(0, 255, 92), new Uint8Array(100_000).fill(7)],
  },
  uuid: { values: fc.uuid(), edges: ['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'] },
  json: {
    values: json,
    edges: [jsonNull, '', 'a\0b', '\\u0000', '\ud800', {}, [], [[1], []], { a: null }, 2n ** 64n, -0],
  },
  jsonb: {
    values: json,
    edges: [jsonNull, '', '\\u0000', 'null', {}, [], [[1], [2]], { a: null }, 2n ** 64n, { 'x"\\': ['\u0001'] }],
  },
  date: {
    values: date.map(({ text, era }) => text + era),
    edges: [
      'infinity',
      '-infinity',
      '2000-01-01',
      '1999-12-31',
      '2024-02-29',
      '0001-01-01',
      '0001-12-31 BC',
      '4714-11-24 BC',
      '5874897-12-31',
      '1900-02-28',
      '2000-02-29',
    ],
  },
  time: { values: time, edges: ['00:00:00', '24:00:00', '23:59:59.999999', '12:00:00.5', '00:00:00.000001'] },
  timetz: {
    values: fc.tuple(time, offset).map(([at, zone]) => at + zone),
    edges: ['00:00:00+00:00', '24:00:00-15:59:59', '12:00:00.5+05:30'],
  },
  timestamp: {
    values: fc.tuple(date, time).map(([{ text, era }, at]) => `${text}T${at}${era}`),
    edges: [
      'infinity',
      '-infinity',
      '294276-12-31T23:59:59.999999',
      '4714-11-24T00:00:00 BC',
      '2000-01-01T00:00:00',
      '1999-12-31T23:59:59.999999',
      '0044-03-15T00:00:00 BC',
      '0001-01-01T00:00:00',
    ],
  },
  timestamptz: {
    values: fc.tuple(date, time).map(([{ text, era }, at]) => `${text}T${at}Z${era}`),
    edges: [
      'infinity',
      '-infinity',
      '294276-12-31T23:59:59.999999Z',
      '4714-11-24T00:00:00Z BC',
      '2024-01-31T12:00:00.123456Z',
      '1999-12-31T23:59:59.999999Z',
    ],
  },
  interval: {
    values: interval,
    edges: [
      'PT0S',
      'P1Y2M3DT4H5M6.789S',
      'P-1Y-2M3DT-4H-5M-6.789S',
      'P1M-1D',
      'P11M',
      'PT-0.5S',
      'PT0.000001S',
      'P-2147483648D',
      'P2147483647D',
      'P178956970Y7M',
      'PT2562047788H54.775807S',
    ],
  },
}

const scalars: readonly TypeCase[] = (Object.keys(scalar) as BuiltInName[]).map((name) => ({
  sql: name,
  type: wireType(name),
  ...scalar[name],
}))

/** Arrays of each type, with nulls; several dimensions where JavaScript can tell them from elements. */
const arrays: readonly TypeCase[] = (Object.keys(scalar) as BuiltInName[]).map((name) => {
  const isJson = name === 'json' || name === 'jsonb'
  const element = fc.option(scalar[name].values)
  const flat = fc.array(element)
  const square = fc
    .tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 }))
    .chain(([rows, columns]) =>
      fc.array(fc.array(element, { minLength: columns, maxLength: columns }), { minLength: rows, maxLength: rows }),
    )
  return {
    sql: `${name}[]`,
    type: wireType(`${name}[]`),
    values: isJson ? flat : fc.oneof(flat, square),
    edges: [[], [null], [...scalar[name].edges, null], ...(isJson ? [] : [[[[null, null]], [[null, null]]]])],
  }
})

export const typeCases: readonly TypeCase[] = [...scalars, ...arrays]
