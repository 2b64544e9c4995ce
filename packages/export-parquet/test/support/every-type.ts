import { valueSets } from '@drover/conformance'
import { decodeJson, type Field, type LogicalType, type Row } from '@drover/core'

/** A column with all that is worth a look of its type. */
export interface TypedColumn {
  readonly name: string
  readonly type: LogicalType
  readonly values: readonly unknown[]
  /** DuckDB shows such values with fewer digits than the file has. */
  readonly isBeyondDuckdb?: boolean
}

const int = (bits: 8 | 16 | 32 | 64): LogicalType => ({ kind: 'int', bits })
const timestamp = (zone: boolean, digits: number): LogicalType => ({ kind: 'timestamp', zone, digits })
const list = (of: LogicalType): LogicalType => ({ kind: 'list', of })
const text: LogicalType = { kind: 'text' }
const moments = ['1970-01-01T00:00:00', '1969-12-31T23:59:59', '0001-01-01T00:00:00', '9999-12-31T23:59:59']

export const columns: readonly TypedColumn[] = [
  { name: 'boolean', ...valueSets.boolean },
  { name: 'int8', type: int(8), values: [0, 127, -128] },
  { name: 'int16', type: int(16), values: [0, 32_767, -32_768] },
  { name: 'int32', ...valueSets.int32 },
  { name: 'int64', ...valueSets.int64 },
  {
    name: 'float32',
    type: { kind: 'float', bits: 32 },
    values: [
      0,
      1.5,
      Math.fround(0.1),
      Math.fround(3.4028235e38),
      Math.fround(1e-45),
      -0,
      Number.POSITIVE_INFINITY,
      Number.NaN,
    ],
  },
  { name: 'float64', ...valueSets.float64 },
  {
    name: 'oddFloats',
    type: { kind: 'float', bits: 64 },
    values: [-0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  },
  { name: 'price', type: { kind: 'decimal', precision: 9, scale: 2 }, values: ['0.01', '-1234567.89', '9999999.99'] },
  { name: 'amount', type: { kind: 'decimal', precision: 18, scale: 0 }, values: ['999999999999999999', '-1', '0'] },
  { name: 'decimal', ...valueSets.decimal },
  {
    name: 'wide',
    type: { kind: 'decimal', precision: 38, scale: 0 },
    values: ['99999999999999999999999999999999999999', '-99999999999999999999999999999999999999', '0'],
  },
  {
    name: 'fraction',
    type: { kind: 'decimal', precision: 38, scale: 38 },
    values: ['0.00000000000000000000000000000000000001', '-0.99999999999999999999999999999999999999'],
  },
  { name: 'text', ...valueSets.text },
  { name: 'few', type: text, values: ['user', 'assistant', 'tool'] },
  { name: 'nulText', ...valueSets.nulText },
  { name: 'bytes', ...valueSets.bytes },
  { name: 'date', type: { kind: 'date' }, values: [...valueSets.date.values, '1969-12-31'] },
  { name: 'time', type: { kind: 'time' }, values: ['00:00:00', '23:59:59.999999', '12:30:00.5'] },
  {
    name: 'timestampMs',
    type: timestamp(true, 3),
    values: [...valueSets.timestampMs.values, ...moments.map((at) => `${at}.001Z`)],
  },
  {
    name: 'timestampUs',
    type: timestamp(true, 6),
    values: [...valueSets.timestampUs.values, ...moments.map((at) => `${at}.000001Z`)],
  },
  {
    name: 'timestampNs',
    type: timestamp(true, 9),
    values: ['2024-02-29T23:59:59.999999999Z', '1969-12-31T23:59:59.000000001Z'],
    isBeyondDuckdb: true,
  },
  { name: 'localMs', type: timestamp(false, 3), values: moments.map((at) => `${at}.999`) },
  { name: 'localUs', type: timestamp(false, 6), values: moments.map((at) => `${at}.999999`) },
  {
    name: 'localNs',
    type: timestamp(false, 9),
    values: ['2024-02-29T23:59:59.999999999', '1969-12-31T23:59:59.000000001'],
  },
  { name: 'uuid', ...valueSets.uuid },
  { name: 'json', type: { kind: 'json' }, values: [...valueSets.json.values, { id: 9_007_199_254_740_993n }] },
  { name: 'texts', type: list(text), values: [['a', '', 'null', 'a,b'], [], ['one', null]] },
  { name: 'ints', type: list(int(64)), values: [[1, -1], [9_007_199_254_740_993n, null], []] },
  { name: 'nested', type: list(list(int(32))), values: [[[1, 2], []], [[3]], []] },
  {
    name: 'struct',
    type: {
      kind: 'struct',
      fields: [
        { name: 'id', type: int(64), nullable: false },
        { name: 'tags', type: list(text), nullable: true },
      ],
    },
    values: [
      { id: 9_007_199_254_740_993n, tags: ['a', null] },
      { id: 1, tags: null },
    ],
  },
  { name: 'vector', ...valueSets.vector },
]

export const fields: readonly Field[] = [
  { name: 'id', type: int(32), nullable: false },
  ...columns.map(({ name, type }): Field => ({ name, type, nullable: true })),
]

/** Records in which every value, and null, of every column comes up again and again. */
export function records(count: number): Row[] {
  return Array.from({ length: count }, (_, i) => ({
    id: i,
    ...Object.fromEntries(columns.map(({ name, values }) => [name, values[(i * 7) % (values.length + 1)] ?? null])),
  }))
}

/**
 * What stands in a file for a value, as its type's annotation says: integers, unscaled decimals, days and moments as `bigint`, bytes as
 * hexadecimal digits. Made without any code that the package has.
 */
export function physical(value: unknown, type: LogicalType): unknown {
  if (value === null || value === undefined) return null
  switch (type.kind) {
    case 'int':
      return BigInt(value as number | bigint)
    case 'decimal': {
      const [whole = '', fraction = ''] = String(value).split('.')
      return BigInt(`${whole}${fraction.padEnd(type.scale ?? 0, '0')}`)
    }
    case 'text':
    case 'bytes':
      return Buffer.from(value as string).toString('hex')
    case 'date':
      return BigInt(Date.parse(`${value}T00:00:00Z`) / 86_400_000)
    case 'time':
      return units(`1970-01-01T${value}`, 6)
    case 'timestamp':
      return units(String(value).replace('Z', ''), unitOf(type.digits))
    case 'list':
      return (value as unknown[]).map((item) => physical(item, type.of))
    case 'struct':
      return Object.fromEntries(
        type.fields.map((field) => [field.name, physical((value as Row)[field.name], field.type)]),
      )
    case 'vector':
      return Array.from(value as Float32Array)
    default:
      return value
  }
}

/** Of digits of a second: those that the column has. */
export function unitOf(digits: number): 3 | 6 | 9 {
  return digits <= 3 ? 3 : digits <= 6 ? 6 : 9
}

function units(local: string, digits: number): bigint {
  const [seconds = '', fraction = ''] = local.split('.')
  return BigInt(Date.parse(`${seconds}Z`) / 1000) * 10n ** BigInt(digits) + BigInt(fraction.padEnd(digits, '0') || 0)
}

/** JSON with all its digits. */
export function jsonOf(value: unknown): unknown {
  return typeof value === 'string' ? decodeJson(value, 'plain') : value
}
