import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareInstants, formatInstant, instantOfDate, instantOfMilliseconds, parseInstant } from './instant.js'

const utc = (text: string): string | null => {
  const instant = parseInstant(text)
  return instant === null ? null : formatInstant(instant, instant.digits)
}

describe('reads', () => {
  it.each([
    ['2025-01-31T08:30:00Z', '2025-01-31T08:30:00.000Z'],
    ['2025-01-31t08:30:00z', '2025-01-31T08:30:00.000Z'],
    ['2025-01-31T08:30Z', '2025-01-31T08:30:00.000Z'],
    ['2025-01-31 09:30:00.123456+01', '2025-01-31T08:30:00.123456Z'],
    ['2025-01-31 09:30:00,5 +0130', '2025-01-31T08:00:00.500Z'],
    ['2025-01-31T00:00:00-05:30', '2025-01-31T05:30:00.000Z'],
    ['1900-01-01 00:00:00+00:19:32', '1899-12-31T23:40:28.000Z'],
    ['2025-01-31 08:30:00.000000', '2025-01-31T08:30:00.000000Z'],
    ['2025-01-31', '2025-01-31T00:00:00.000Z'],
    ['2025-01-31T24:00:00Z', '2025-02-01T00:00:00.000Z'],
    ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000Z'],
    ['0000-02-29T00:00:00Z', '0000-02-29T00:00:00.000Z'],
    ['0099-01-01T00:00:00Z', '0099-01-01T00:00:00.000Z'],
    ['-000001-01-01T00:00:00Z', '-000001-01-01T00:00:00.000Z'],
    ['+012025-01-01T00:00:00.123456789Z', '+012025-01-01T00:00:00.123456789Z'],
  ])('%s as %s', (text, expected) => {
    expect(utc(text)).toBe(expected)
  })
})

describe('does not read', () => {
  it.each([
    '',
    'yesterday',
    '2025',
    '2025-01',
    '20250131T083000Z',
    '2025-02-29T00:00:00Z',
    '1900-02-29',
    '2025-04-31',
    '2025-00-10',
    '2025-13-01T00:00:00Z',
    '2025-01-00',
    '2025-01-01T24:00:01Z',
    '2025-01-01T23:60:00Z',
    '2025-01-01T23:59:61Z',
    '2025-01-01T00:00:00+24:00',
    '2025-01-01T00:00:00+01:60',
    '2025-01-01T00:00:00+01:00:60',
    '2025-01-01T00:00:00.1234567890Z',
    '2025-01-01T00:00:00Z ',
    '2025-01-01TZ',
    '2025-01-01Z',
  ])('%j', (text) => {
    expect(parseInstant(text)).toBeNull()
  })
})

it('agrees with Date about every millisecond that a Date can hold', () => {
  fc.assert(
    fc.property(fc.date({ noInvalidDate: true }), (date) => {
      const parsed = parseInstant(date.toISOString())
      expect(parsed).toMatchObject(instantOfDate(date))
      expect(formatInstant(instantOfDate(date))).toBe(date.toISOString())
    }),
    { numRuns: 2000 },
  )
})

it('says in which form and with how many digits it was written', () => {
  expect(parseInstant('2025-01-01')).toMatchObject({ form: 'date', zoned: false })
  expect(parseInstant('2025-01-01T00:00:00.12')).toMatchObject({ form: 'date-time', digits: 2, zoned: false })
  expect(parseInstant('2025-01-01T00:00:00Z')).toMatchObject({ digits: 0, zoned: true })
})

it('keeps what is before 1970 in order', () => {
  const early = instantOfMilliseconds(-1)
  expect(early).toEqual({ seconds: -1, nanos: 999_000_000 })
  expect(compareInstants(early, instantOfMilliseconds(0))).toBeLessThan(0)
  expect(formatInstant(early)).toBe('1969-12-31T23:59:59.999Z')
})
