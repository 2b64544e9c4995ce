import { describe, expect, it } from 'vitest'
import type { Row } from '../contracts/values.js'
import { DroverError } from '../errors/drover-error.js'
import { type NormalizeTimestampsOptions, normalizeTimestamps } from './normalize-timestamps.js'

const normalized = (at: unknown, options?: NormalizeTimestampsOptions): unknown =>
  (normalizeTimestamps(['at'], options)({ at }) as Row).at

describe('writes ISO 8601 in UTC', () => {
  it.each<[unknown, string]>([
    ['2025-01-31T09:30:00+01:00', '2025-01-31T08:30:00.000Z'],
    ['2025-01-31T08:30:00', '2025-01-31T08:30:00.000Z'],
    ['2025-01-31 08:30:00', '2025-01-31T08:30:00.000Z'],
    ['2025-01-31 08:30:00.123456', '2025-01-31T08:30:00.123456Z'],
    ['2025-01-31 08:30:00.123400+00', '2025-01-31T08:30:00.123400Z'],
    ['2025-01-31', '2025-01-31T00:00:00.000Z'],
    [new Date('2025-01-31T08:30:00.250Z'), '2025-01-31T08:30:00.250Z'],
    [1738312200, '2025-01-31T08:30:00.000Z'],
    [1738312200n, '2025-01-31T08:30:00.000Z'],
    [1738312200250, '2025-01-31T08:30:00.250Z'],
    [1738312200.123456, '2025-01-31T08:30:00.123456Z'],
    [1738312200250.5, '2025-01-31T08:30:00.2505Z'],
    [0.9999999, '1970-01-01T00:00:01.000Z'],
    [0, '1970-01-01T00:00:00.000Z'],
    [-1.5, '1969-12-31T23:59:58.500Z'],
    [99_999_999_999, '5138-11-16T09:46:39.000Z'],
    [100_000_000_000, '1973-03-03T09:46:40.000Z'],
  ])('%s as %s', (value, expected) => {
    expect(normalized(value)).toBe(expected)
  })
})

it('takes numbers as the option says', () => {
  expect(normalized(1000, { epoch: 'milliseconds' })).toBe('1970-01-01T00:00:01.000Z')
  expect(normalized(1738312200123456, { epoch: 'microseconds' })).toBe('2025-01-31T08:30:00.123456Z')
})

it('takes texts without a zone as the option says, and no others', () => {
  expect(normalized('2025-07-01 12:00:00', { assumeZone: '+02:00' })).toBe('2025-07-01T10:00:00.000Z')
  expect(normalized('2025-01-01 12:00:00.123456', { assumeZone: 'Europe/Berlin' })).toBe('2025-01-01T11:00:00.123456Z')
  expect(normalized('2025-07-01', { assumeZone: 'Europe/Berlin' })).toBe('2025-06-30T22:00:00.000Z')
  expect(normalized('2025-07-01T12:00:00Z', { assumeZone: 'Europe/Berlin' })).toBe('2025-07-01T12:00:00.000Z')
})

it('leaves null and missing as they are', () => {
  const step = normalizeTimestamps(['a', 'b'])
  expect(step({ a: null, c: 1 })).toEqual({ a: null, c: 1 })
})

it.each([
  'yesterday',
  '',
  '2025-02-30',
  '1738312200',
  Number.NaN,
  Number.POSITIVE_INFINITY,
  1e14,
  true,
  {},
  new Date('x'),
  new Uint8Array(3),
  '+900000-01-01T00:00:00Z',
])('refuses %o, naming field and value', (value) => {
  let thrown: unknown
  try {
    normalized(value)
  } catch (error) {
    thrown = error
  }
  expect(DroverError.isInstance(thrown, 'TRANSFORM_FAILED')).toBe(true)
  expect(String(thrown)).toMatch(/field "at" holds .+, which is no timestamp/)
})

it('describes the fields as timestamps that keep their finer digits', () => {
  const { describe: describes } = normalizeTimestamps(['a', 'b', 'c', 'none']).traits
  const field = (name: string, kind: 'text' | 'json') => ({
    name,
    type: { kind } as const,
    nullable: true,
    native: 'X',
  })
  const schema = {
    fields: [
      field('id', 'json'),
      field('a', 'text'),
      { name: 'b', type: { kind: 'timestamp', zone: false, digits: 0 } as const, nullable: false },
    ],
    key: ['id'],
  }
  expect(describes?.(schema)).toEqual({
    fields: [
      field('id', 'json'),
      { name: 'a', type: { kind: 'timestamp', zone: true, digits: 6 }, nullable: true },
      { name: 'b', type: { kind: 'timestamp', zone: true, digits: 3 }, nullable: false },
    ],
    key: ['id'],
  })
})

it('refuses options that do not exist or make no sense', () => {
  expect(() => normalizeTimestamps([])).toThrow(/one or more field names/)
  expect(() => normalizeTimestamps(['a'], { zone: 'UTC' } as never)).toThrow(/there is no option "zone"/)
  expect(() => normalizeTimestamps(['a'], { epoch: 'days' } as never)).toThrow(/epoch is one of seconds/)
  expect(() => normalizeTimestamps(['a'], { assumeZone: 'Nowhere' })).toThrow(/no time zone "Nowhere"/)
})
