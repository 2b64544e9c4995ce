import { describe, expect, it } from 'vitest'
import { zoneOffset } from './zone.js'

const hour = 3600
const at = (text: string): number => Date.parse(`${text}Z`) / 1000
const offset = (zone: string, local: string): number => zoneOffset(zone, 'test')(at(local))

it.each([
  ['UTC', 0],
  ['+02:00', 2 * hour],
  ['-0530', -5.5 * hour],
])('%s is always the same', (zone, expected) => {
  expect(offset(zone, '2025-07-01T00:00')).toBe(expected)
  expect(offset(zone, '2025-01-01T00:00')).toBe(expected)
})

describe('a zone with summer time', () => {
  it.each([
    ['2025-01-01T00:00', 1],
    ['2025-07-01T00:00', 2],
    ['2025-03-30T01:59', 1],
    ['2025-03-30T03:00', 2],
    ['2025-10-26T01:59', 2],
    ['2025-10-26T03:00', 1],
  ])('%s is %i hours ahead', (local, hours) => {
    expect(offset('Europe/Berlin', local)).toBe(hours * hour)
  })

  it('takes a time that is skipped, and one that comes twice, by the offset before the change', () => {
    expect(offset('Europe/Berlin', '2025-03-30T02:30')).toBe(1 * hour)
    expect(offset('Europe/Berlin', '2025-10-26T02:30')).toBe(2 * hour)
    expect(offset('America/New_York', '2025-11-02T01:30')).toBe(-4 * hour)
    expect(offset('America/New_York', '2025-11-02T02:00')).toBe(-5 * hour)
  })

  it('has other offsets long ago, to the second', () => {
    expect(offset('Europe/Amsterdam', '1900-01-01T00:00')).not.toBe(hour)
    expect(offset('Asia/Kolkata', '2025-01-01T00:00')).toBe(5.5 * hour)
  })
})

it.each(['Mars/Olympus', '', '+2', 5])('refuses %j', (zone) => {
  expect(() => zoneOffset(zone as string, 'assumeZone')).toThrow(/assumeZone: there is no time zone/)
})
