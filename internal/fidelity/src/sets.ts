import { type ValueSet, valueSets } from '@drover/conformance'
import type { LogicalType } from '@drover/core'

/** Values of a type that are copied from every store to every other one. */
export interface NamedSet extends ValueSet {
  /** Also the name of its field. */
  readonly name: string
  /** As the page has it: the type, and which values of it. */
  readonly label: string
  /** Only stores that can be without any type have it. @default false */
  readonly isLoose?: boolean
}

const int = (bits: 8 | 16 | 32 | 64): LogicalType => ({ kind: 'int', bits })
const timestamp = (zone: boolean, digits: number): LogicalType => ({ kind: 'timestamp', zone, digits })
const list = (of: LogicalType): LogicalType => ({ kind: 'list', of })
const text: LogicalType = { kind: 'text' }
const json: LogicalType = { kind: 'json' }

/** The sets of the conformance suites, in the order of the page, and what types have besides. */
export const sets: readonly NamedSet[] = [
  { name: 'boolean', label: 'boolean', ...valueSets.boolean },
  { name: 'int8', label: 'int, 8 bits', type: int(8), values: [0, 127, -128] },
  { name: 'int16', label: 'int, 16 bits', type: int(16), values: [0, 32_767, -32_768] },
  { name: 'int32', label: 'int, 32 bits', ...valueSets.int32 },
  { name: 'int64', label: 'int, 64 bits, beyond ±2^53 too', ...valueSets.int64 },
  {
    name: 'uint64',
    label: 'ids of 64 bits without a sign, beyond 2^63',
    type: int(64),
    values: [9_223_372_036_854_775_808n, 18_446_744_073_709_551_615n],
  },
  {
    name: 'float32',
    label: 'float, 32 bits',
    type: { kind: 'float', bits: 32 },
    values: [0, 0.5, Math.fround(0.1), Math.fround(3.4028235e38), Math.fround(1e-45), Math.fround(-1 / 3)],
  },
  { name: 'float64', label: 'float, 64 bits', ...valueSets.float64 },
  { name: 'negativeZero', label: '−0', ...valueSets.negativeZero },
  { name: 'infinity', label: 'infinity, −infinity', ...valueSets.infinity },
  { name: 'nan', label: 'NaN', ...valueSets.nan },
  { name: 'decimal', label: 'decimal(38,10)', ...valueSets.decimal },
  {
    name: 'decimal38',
    label: 'decimal(38,0)',
    type: { kind: 'decimal', precision: 38, scale: 0 },
    values: ['99999999999999999999999999999999999999', '-99999999999999999999999999999999999999', '0'],
  },
  {
    name: 'fraction38',
    label: 'decimal(38,38)',
    type: { kind: 'decimal', precision: 38, scale: 38 },
    values: ['0.00000000000000000000000000000000000001', '-0.99999999999999999999999999999999999999'],
  },
  {
    name: 'decimalOpen',
    label: 'decimal without a precision',
    type: { kind: 'decimal' },
    values: ['1.50', '0.1', `${'9'.repeat(60)}.${'1'.repeat(40)}`],
  },
  { name: 'text', label: 'text', ...valueSets.text },
  { name: 'nulText', label: 'text with U+0000', ...valueSets.nulText },
  { name: 'loneSurrogate', label: 'text with half a surrogate pair', type: text, values: ['a\ud800b'] },
  { name: 'bytes', label: 'bytes', ...valueSets.bytes },
  { name: 'date', label: 'date', ...valueSets.date },
  {
    name: 'time',
    label: 'time, to the microsecond',
    type: { kind: 'time' },
    values: ['00:00:00', '23:59:59.999999', '12:30:00.5'],
  },
  { name: 'timestampMs', label: 'timestamp with zone, milliseconds', ...valueSets.timestampMs },
  { name: 'timestampUs', label: 'timestamp with zone, microseconds', ...valueSets.timestampUs },
  {
    name: 'localMs',
    label: 'timestamp without zone, milliseconds',
    type: timestamp(false, 3),
    values: ['2024-02-29T23:59:59.999', '1969-12-31T23:59:59.001'],
  },
  {
    name: 'localUs',
    label: 'timestamp without zone, microseconds',
    type: timestamp(false, 6),
    values: ['2024-02-29T23:59:59.999999', '0001-01-01T00:00:00.000001'],
  },
  {
    name: 'timestampNs',
    label: 'timestamp with zone, nanoseconds',
    type: timestamp(true, 9),
    values: ['2024-02-29T23:59:59.999999999Z'],
  },
  {
    name: 'endless',
    label: 'timestamp infinity',
    type: timestamp(true, 6),
    values: ['infinity', '-infinity'],
  },
  { name: 'uuid', label: 'uuid', ...valueSets.uuid },
  { name: 'json', label: 'json', ...valueSets.json },
  {
    name: 'bigJson',
    label: 'json with integers beyond ±2^53',
    type: json,
    values: [{ id: 9_007_199_254_740_993n, of: [18_446_744_073_709_551_615n] }],
  },
  {
    name: 'textList',
    label: 'list of texts',
    type: list(text),
    values: [['a', '', 'null', '{"x"}', 'a,b'], [], ['one', null]],
  },
  {
    name: 'intList',
    label: 'list of 64-bit integers',
    type: list(int(64)),
    values: [
      [1, -1],
      [9_007_199_254_740_993n, null],
    ],
  },
  { name: 'nestedList', label: 'list of lists', type: list(list(int(32))), values: [[[1, 2], []], [[3]]] },
  {
    name: 'struct',
    label: 'struct',
    type: {
      kind: 'struct',
      fields: [
        { name: 'id', type: int(64), nullable: false },
        { name: 'tags', type: list(text), nullable: true },
      ],
    },
    values: [
      { id: 9_007_199_254_740_993n, tags: ['a'] },
      { id: 1, tags: null },
    ],
  },
  { name: 'vector', label: 'vector(4)', ...valueSets.vector },
  { name: 'any', label: 'each value of its own type', ...valueSets.any },
]
