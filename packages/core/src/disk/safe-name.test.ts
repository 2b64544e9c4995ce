import fc from 'fast-check'
import { expect, test } from 'vitest'
import { safeName } from './safe-name.js'

test('keeps what every system can bear, and tells the rest apart', () => {
  expect(['copy-2_b', 'Copy', 'ü', 'a/b', '..', '', 'con', 'a b.'].map(safeName)).toEqual([
    'copy-2_b',
    '%43opy',
    '%c3%bc',
    'a%2fb',
    '%2e%2e',
    '%',
    '%con',
    'a%20b%2e',
  ])
})

const names = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({ unit: fc.constantFrom('a', 'A', '%', '~', '.', '\ud800', '\udfff', '\ufffd'), maxLength: 200 }),
)

test('is short, of safe characters alone, and different for different names', () => {
  fc.assert(
    fc.property(names, names, (a, b) => {
      const [safeA, safeB] = [safeName(a), safeName(b)]
      expect(safeA).toMatch(/^[a-z0-9_%~-]{1,120}$/)
      expect(safeA === safeB).toBe(a === b)
    }),
    { numRuns: 2000 },
  )
})
