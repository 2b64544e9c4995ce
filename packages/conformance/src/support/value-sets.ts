import type { LogicalType } from '@drover/core'

/** Values of one type that stores are known to change, with their type. A harness declares which of the sets it can hold. */
export interface ValueSet {
  readonly type: LogicalType
  readonly values: readonly unknown[]
}

const float: LogicalType = { kind: 'float', bits: 64 }
const text: LogicalType = { kind: 'text' }

/** Every set by its name. Null is part of each. */
export const valueSets = {
  boolean: { type: { kind: 'boolean' }, values: [true, false] },
  int32: { type: { kind: 'int', bits: 32 }, values: [0, 1, -1, 2_147_483_647, -2_147_483_648] },
  int64: {
    type: { kind: 'int', bits: 64 },
    values: [
      0,
      Number.MAX_SAFE_INTEGER,
      Number.MIN_SAFE_INTEGER,
      9_007_199_254_740_993n,
      -9_007_199_254_740_993n,
      9_223_372_036_854_775_807n,
      -9_223_372_036_854_775_808n,
    ],
  },
  float64: {
    type: float,
    values: [
      0,
      1,
      -1.5,
      0.1,
      1 / 3,
      5e-324,
      2.2250738585072014e-308,
      1.7976931348623157e308,
      1e21,
      123456789.12345679,
      2 ** 53,
    ],
  },
  negativeZero: { type: float, values: [-0] },
  infinity: { type: float, values: [Infinity, -Infinity] },
  nan: { type: float, values: [NaN] },
  text: {
    type: text,
    values: [
      '',
      ' ',
      'plain',
      'it\'s "quoted"',
      'back\\slash',
      'line\nfeed\r\ncarriage\ttab',
      '\u2028\u2029\u0085',
      'Grüße, 日本語, עברית',
      '😀👩‍👩‍👧',
      'e\u0301 is not \u00e9',
      '\ufeffmark',
      'null',
      '0',
      '1e3',
      '2024-01-01T00:00:00Z',
      '{"$binary":1}',
      'x'.repeat(70_000),
    ],
  },
  /** Text with the character U+0000 inside, which Postgres refuses. */
  nulText: { type: text, values: ['a\u0000b', '\u0000'] },
  bytes: { type: { kind: 'bytes' }, values: [new Uint8Array(), new Uint8Array([0, 255, 128, 10, 13]), everyByte()] },
  decimal: {
    type: { kind: 'decimal', precision: 38, scale: 10 },
    values: ['0.0000000001', '-12345678901234567890.1234567890'],
  },
  json: {
    type: { kind: 'json' },
    values: [
      {},
      [],
      { a: 1, b: [true, null, 'x', { c: 1.5 }] },
      [[[]]],
      { 'a.b': '', '': 'no name', $set: 1 },
      'text',
      1.5,
      true,
    ],
  },
  timestampMs: {
    type: { kind: 'timestamp', zone: true, digits: 3 },
    values: ['2024-02-29T23:59:59.999Z', '1970-01-01T00:00:00.000Z'],
  },
  timestampUs: { type: { kind: 'timestamp', zone: true, digits: 6 }, values: ['2024-02-29T23:59:59.999999Z'] },
  date: { type: { kind: 'date' }, values: ['2024-02-29', '0001-01-01', '9999-12-31'] },
  uuid: {
    type: { kind: 'uuid' },
    values: ['00000000-0000-0000-0000-000000000000', '6f1d5e0a-3c55-4a3b-9d5b-0e6b1f0c7d21'],
  },
  vector: { type: { kind: 'vector', dimensions: 4 }, values: [new Float32Array([0.1, -1.5, 3.4e38, 1e-40])] },
  /** A field in which each value brings its own type: integers are `bigint` here, reals are numbers. */
  any: { type: { kind: 'any' }, values: ['1', 1n, 1.5, 1, 9_007_199_254_740_993n, new Uint8Array([49]), ''] },
} satisfies Record<string, ValueSet>

export type ValueSetName = keyof typeof valueSets

function everyByte(): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, i) => i)
}
