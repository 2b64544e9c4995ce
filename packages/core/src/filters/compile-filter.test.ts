import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { FieldCondition, Filter, FilterValue } from '../contracts/filter.js'
import type { Row } from '../contracts/values.js'
import { compileFilter } from './compile-filter.js'

const holds = (condition: FieldCondition, value: unknown): boolean =>
  compileFilter({ field: condition })({ field: value })

describe('null and missing', () => {
  it.each([
    { eq: 'a' },
    { ne: 'a' },
    { in: ['a'] },
    { nin: ['a'] },
    { nin: [] },
    { gt: 0 },
    { lte: 0 },
    { like: '%' },
    { glob: '*' },
    { isNull: false },
    { isNull: true, eq: 'a' },
  ] satisfies FieldCondition[])('do not satisfy %j', (condition) => {
    expect(holds(condition, null)).toBe(false)
    expect(holds(condition, undefined)).toBe(false)
    expect(compileFilter({ field: condition })({})).toBe(false)
  })

  it('satisfy isNull: true, which nothing else does', () => {
    expect(compileFilter({ field: { isNull: true } })({})).toBe(true)
    expect(holds({ isNull: true }, null)).toBe(true)
    for (const value of ['', 0, false, Number.NaN]) expect(holds({ isNull: true }, value)).toBe(false)
  })

  it('are kept by not, so that a filter and its not lose no record', () => {
    expect(compileFilter({ not: { field: { eq: 'a' } } })({ field: null })).toBe(true)
  })

  it('are what a field is whose name only the prototype of objects knows', () => {
    expect(compileFilter({ constructor: { isNull: true } })({})).toBe(true)
    expect(compileFilter({ constructor: { eq: 'VW' } })({ constructor: 'VW' })).toBe(true)
  })
})

describe('text', () => {
  it('is ordered by code point, where UTF-16 units would say the opposite', () => {
    expect('\u{1F600}' < '\uFF5E').toBe(true)
    expect(holds({ gt: '\uFF5E' }, '\u{1F600}')).toBe(true)
    expect(holds({ lt: '\u{1F600}' }, '\uFF5E')).toBe(true)
  })

  it('is not compared with numbers and booleans: they are different', () => {
    expect(holds({ eq: '1' }, 1)).toBe(false)
    expect(holds({ ne: '1' }, 1)).toBe(true)
    expect(holds({ gte: 1 }, '2')).toBe(false)
    expect(holds({ eq: true }, 1)).toBe(false)
  })
})

describe('numbers', () => {
  it('are compared exactly with bigints', () => {
    expect(holds({ eq: 9007199254740993n }, 9007199254740992)).toBe(false)
    expect(holds({ gt: 9007199254740992 }, 9007199254740993n)).toBe(true)
    expect(holds({ in: [2 ** 60, 'x'] }, 2n ** 60n)).toBe(true)
    expect(holds({ in: [2n ** 60n + 1n] }, 2 ** 60)).toBe(false)
    expect(holds({ lt: 1n }, 0.5)).toBe(true)
  })

  it('that are NaN equal nothing and have no order', () => {
    expect(holds({ ne: 1 }, Number.NaN)).toBe(true)
    expect(holds({ lte: 1 }, Number.NaN)).toBe(false)
    expect(holds({ gte: 1n }, Number.NaN)).toBe(false)
  })
})

describe('times', () => {
  const sameInstant = [
    '2025-01-01T01:00:00+01:00',
    '2025-01-01 00:00:00',
    '2025-01-01T00:00:00.000000Z',
    '2024-12-31 19:00:00-05',
  ]

  it.each(sameInstant)('are instants when both sides have a date and a time: %s', (text) => {
    expect(holds({ eq: '2025-01-01T00:00:00Z' }, text)).toBe(true)
    expect(holds({ in: ['x', '2025-01-01T00:00:00Z'] }, text)).toBe(true)
    expect(holds({ lt: '2025-01-01T00:00:00.000001Z' }, text)).toBe(true)
    expect(holds({ eq: new Date('2025-01-01') }, text)).toBe(true)
    expect(holds({ eq: text }, new Date('2025-01-01'))).toBe(true)
  })

  it('are midnight UTC if the operand is a date alone', () => {
    expect(holds({ gte: '2025-01-01' }, '2025-01-01T00:30:00+01:00')).toBe(false)
    expect(holds({ gte: '2025-01-01' }, '2025-01-01T01:30:00+01:00')).toBe(true)
    expect(holds({ eq: '2025-01-01' }, new Date('2025-01-01'))).toBe(true)
    expect(holds({ lt: '2025-01-02' }, '2025-01-01')).toBe(true)
  })

  it('are text against a text that is no time', () => {
    expect(holds({ eq: '2025-01-01T00:00:00Z' }, '2025-01-01')).toBe(false)
    expect(holds({ lt: '2025-01-01T00:00:00Z' }, '2025-01-01')).toBe(true)
    expect(holds({ lt: '2025-01-01T00:00:00Z' }, '2025')).toBe(true)
    expect(holds({ gt: '2025-01-01T00:00:00Z' }, 'yesterday')).toBe(true)
    expect(holds({ eq: '2025-13-01T00:00:00Z' }, '2025-13-01T00:00:00+00:00')).toBe(false)
  })

  it('are not found in numbers', () => {
    expect(holds({ gte: new Date(0) }, 5)).toBe(false)
    expect(holds({ ne: new Date(0) }, 0)).toBe(true)
  })
})

it('takes and, or, not, several fields and several conditions of one', () => {
  const filter = compileFilter({
    and: [
      { or: [{ role: { eq: 'user' } }, { id: { gte: 10, lt: 20 } }] },
      { not: { id: { eq: 12 } } },
      { a: { isNull: false }, b: { eq: 1 } },
    ],
  })
  const rest = { a: 1, b: 1 }
  expect(filter({ role: 'user', id: 1, ...rest })).toBe(true)
  expect(filter({ role: 'x', id: 19, ...rest })).toBe(true)
  expect(filter({ role: 'x', id: 20, ...rest })).toBe(false)
  expect(filter({ role: 'user', id: 12, ...rest })).toBe(false)
  expect(filter({ role: 'user', id: 1, ...rest, b: 2 })).toBe(false)
  expect(compileFilter({})({})).toBe(true)
  expect(compileFilter({ or: [] })({})).toBe(false)
})

it('agrees with a reference that is written for plainness', () => {
  fc.assert(
    fc.property(filters, records, (filter, record) => {
      expect(compileFilter(filter)(record)).toBe(reference(filter, record))
    }),
    { numRuns: 5000 },
  )
})

describe('patterns', () => {
  it.each<[FieldCondition, string, boolean]>([
    [{ like: 'a%a' }, 'a', false],
    [{ like: 'a%a' }, 'aa', true],
    [{ like: '%b%b%' }, 'b', false],
    [{ like: '100\\%' }, '100%', true],
    [{ like: '100\\%' }, '1000', false],
    [{ like: '_' }, '\u{1F600}', true],
    [{ like: 'A' }, 'a', false],
    [{ like: 'a.c' }, 'abc', false],
    [{ glob: 'thread-*' }, 'thread-1', true],
    [{ glob: 'thread-?' }, 'thread-12', false],
    [{ glob: '[a-c]1' }, 'b1', true],
    [{ glob: '[!a-c]1' }, 'b1', false],
    [{ glob: '[^a-c]1' }, 'd1', true],
    [{ glob: '[]-]' }, '-', true],
    [{ glob: '[[]*]' }, '[x]', true],
    [{ glob: '%' }, 'x', false],
  ])('%j on %s: %s', (condition, text, expected) => {
    expect(holds(condition, text)).toBe(expected)
  })

  it('find nothing in what is no text', () => {
    expect(holds({ like: '%' }, 5)).toBe(false)
    expect(holds({ glob: '*' }, new Date())).toBe(false)
  })
})

it('agrees with regular expressions about patterns', () => {
  fc.assert(
    fc.property(likes, globs, texts, (like, glob, text) => {
      expect(holds({ like }, text)).toBe(regexOfLike(like).test(text))
      expect(holds({ glob }, text)).toBe(regexOfGlob(glob).test(text))
    }),
    { numRuns: 10_000 },
  )
})

it('takes no longer for a pattern with many runs of anything than text times pattern', () => {
  const text = 'a'.repeat(20_000)
  const begun = performance.now()
  for (const pattern of ['%a%a%a%a%a%a%a%a%a%a%b', '%a_%a_%a_%a_%a_%a_%b'])
    expect(holds({ like: pattern }, text)).toBe(false)
  expect(performance.now() - begun).toBeLessThan(5000)
})

// ── Arbitrary filters and records, of few values each, so that they meet ──

const texts = fc.oneof(
  fc.string({
    unit: fc.constantFrom('a', 'b', '%', '_', '\\', '*', '\uD83D', '\uDE00', '\u{1F600}', '\uFF5E', '\uE000', 'é'),
    maxLength: 4,
  }),
  fc.constantFrom('2025-01-01', '2025-01-02', '2025-02-30', '2025-01-01T00:00:00Z', '2025-01-01 01:00:00+01'),
  fc.constantFrom(
    '2025-01-01T00:00:00.5',
    '2024-12-31T23:59:59.999999Z',
    '2025-01-01T00:00:00.0000001Z',
    '2025-01-01T25:00:00Z',
  ),
)
const numbers = fc.oneof(
  fc.integer({ min: -2, max: 2 }),
  fc.constantFrom(0.5, -0, 2 ** 53, 2 ** 60, Number.POSITIVE_INFINITY),
)
const bigints = fc.constantFrom(-1n, 0n, 1n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 60n)
const dates = fc.constantFrom(new Date('2025-01-01'), new Date('2025-01-01T00:00:00.500Z'), new Date(1))
const operands: fc.Arbitrary<FilterValue> = fc.oneof(texts, numbers, bigints, dates, fc.boolean())
const likes = fc.string({
  unit: fc.constantFrom('a', 'b', '%', '%', '_', '\\%', '\\\\', '\u{1F600}', '\uDE00'),
  maxLength: 5,
})
const globs = fc.string({
  unit: fc.constantFrom('a', 'b', '*', '*', '?', '[ab]', '[^a-\u{1F600}]', '[]%]', '\u{1F600}', '-'),
  maxLength: 5,
})
const conditions: fc.Arbitrary<FieldCondition> = fc
  .record(
    {
      eq: operands,
      ne: operands,
      in: fc.array(operands, { maxLength: 3 }),
      nin: fc.array(operands, { maxLength: 3 }),
      gt: operands,
      gte: operands,
      lt: operands,
      lte: operands,
      like: likes,
      glob: globs,
      isNull: fc.boolean(),
    },
    { requiredKeys: [] },
  )
  .chain((all) =>
    fc
      .shuffledSubarray(Object.keys(all), { minLength: Math.min(1, Object.keys(all).length), maxLength: 2 })
      .map((names) => Object.fromEntries(Object.entries(all).filter(([name]) => names.includes(name)))),
  )
  .filter((condition) => Object.keys(condition).length > 0)
const { filters } = fc.letrec<{ filters: Filter }>((tie) => ({
  filters: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.dictionary(fc.constantFrom('x', 'y'), conditions, { maxKeys: 2 }),
    fc.record({ and: fc.array(tie('filters'), { maxLength: 3 }) }),
    fc.record({ or: fc.array(tie('filters'), { maxLength: 3 }) }),
    fc.record({ not: tie('filters') }),
  ),
}))
const values = fc.oneof(operands, fc.constantFrom(null, undefined, Number.NaN, new Uint8Array([1]), ['a']))
const records: fc.Arbitrary<Row> = fc.record({ x: values, y: values }, { requiredKeys: [] })

// ── The reference ──

function reference(filter: Filter, record: Row): boolean {
  const parts = filter as Record<string, unknown>
  if (Array.isArray(parts.and)) return parts.and.every((part) => reference(part, record))
  if (Array.isArray(parts.or)) return parts.or.some((part) => reference(part, record))
  if (parts.not !== undefined) return !reference(parts.not as Filter, record)
  return Object.entries(parts).every(([field, condition]) =>
    Object.entries(condition as object).every(([operator, operand]) =>
      referenceOperator(operator, operand as never, record[field] ?? null),
    ),
  )
}

function referenceOperator(operator: string, operand: never, value: unknown): boolean {
  if (operator === 'isNull') return (value === null) === operand
  if (value === null) return false
  const order = (one: FilterValue): number | null => referenceOrder(value, one)
  switch (operator) {
    case 'eq':
      return order(operand) === 0
    case 'ne':
      return order(operand) !== 0
    case 'in':
      return (operand as FilterValue[]).some((one) => order(one) === 0)
    case 'nin':
      return !(operand as FilterValue[]).some((one) => order(one) === 0)
    case 'gt':
      return order(operand) === 1
    case 'gte':
      return order(operand) === 1 || order(operand) === 0
    case 'lt':
      return order(operand) === -1
    case 'lte':
      return order(operand) === -1 || order(operand) === 0
    case 'like':
      return typeof value === 'string' && regexOfLike(operand).test(value)
    case 'glob':
      return typeof value === 'string' && regexOfGlob(operand).test(value)
    default:
      throw new Error(operator)
  }
}

function referenceOrder(value: unknown, operand: FilterValue): -1 | 0 | 1 | null {
  const isNumber = (one: unknown): one is number | bigint => typeof one === 'number' || typeof one === 'bigint'
  if (isNumber(value) && isNumber(operand)) return Number.isNaN(value) ? null : sign(value, operand)
  if (typeof value === 'boolean' && typeof operand === 'boolean') return sign(Number(value), Number(operand))
  const isTime = value instanceof Date || operand instanceof Date || (hasTime(value) && nanosOf(operand) !== null)
  if (isTime) {
    const [a, b] = [nanosOf(value), nanosOf(operand)]
    return a === null || b === null ? null : sign(a, b)
  }
  if (typeof value !== 'string' || typeof operand !== 'string') return null
  const points = (text: string) =>
    [...text].map((character) => (character.codePointAt(0) as number).toString(16).padStart(6, '0')).join('')
  return sign(points(value), points(operand))
}

function sign<T extends string | number | bigint>(a: T, b: T): -1 | 0 | 1 {
  return a < b ? -1 : a > b ? 1 : 0
}

function hasTime(value: unknown): boolean {
  return typeof value === 'string' && value.includes(':') && nanosOf(value) !== null
}

/** By `Date.parse`, with the digits behind the second cut off and added as nanoseconds. */
function nanosOf(value: unknown): bigint | null {
  if (value instanceof Date) return BigInt(value.getTime()) * 1_000_000n
  const parts = /^([-\d]{10})(?:[T ]([:\d]{8})(?:\.(\d+))?(Z|[+-]\d\d)?)?$/.exec(String(value))
  if (parts === null || typeof value !== 'string') return null
  const [, date = '', time = '00:00:00', fraction = '', zone = 'Z'] = parts
  const milliseconds = Date.parse(`${date}T${time}${zone.length === 3 ? `${zone}:00` : zone}`)
  const exists = !Number.isNaN(Date.parse(date)) && new Date(date).toISOString().startsWith(date)
  return Number.isNaN(milliseconds) || !exists
    ? null
    : BigInt(milliseconds) * 1_000_000n + BigInt(fraction.padEnd(9, '0'))
}

function regexOfLike(pattern: string): RegExp {
  const source = [...pattern.matchAll(/\\(.)|(.)/gsu)].map(([, escaped, plain]) =>
    escaped === undefined && plain === '%'
      ? '.*'
      : escaped === undefined && plain === '_'
        ? '.'
        : literal(escaped ?? plain ?? ''),
  )
  return new RegExp(`^${source.join('')}$`, 'su')
}

function regexOfGlob(pattern: string): RegExp {
  const source = [...pattern.matchAll(/\[(\^?)(\]?[^\]]*)\]|(.)/gsu)].map(([, negated, set, plain]) =>
    set !== undefined
      ? `[${negated ?? ''}${set.replaceAll(']', '\\]')}]`
      : plain === '*'
        ? '.*'
        : plain === '?'
          ? '.'
          : literal(plain ?? ''),
  )
  return new RegExp(`^${source.join('')}$`, 'su')
}

function literal(character: string): string {
  return `\\u{${(character.codePointAt(0) as number).toString(16)}}`
}
