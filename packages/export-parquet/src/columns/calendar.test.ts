import fc from 'fast-check'
import { expect, test } from 'vitest'
import { dateText, epochDay } from './calendar.js'

test('days and dates are those of Date', () => {
  fc.assert(
    fc.property(fc.integer({ min: -719_162, max: 2_932_896 }), (day) => {
      const text = new Date(day * 86_400_000).toISOString().slice(0, 10)
      expect(dateText(day)).toBe(text)
      expect(epochDay(Number(text.slice(0, 4)), Number(text.slice(5, 7)), Number(text.slice(8)))).toBe(day)
    }),
    { numRuns: 500 },
  )
})

test.each([
  [1, 13, 1],
  [2023, 2, 29],
  [1900, 2, 29],
  [2024, 4, 31],
  [2024, 1, 0],
  [2024, 0, 1],
])('there is no day %i-%i-%i', (year, month, day) => {
  expect(epochDay(year, month, day)).toBeNaN()
})
