import fc from 'fast-check'
import { expect, it } from 'vitest'
import { compareText } from './compare-text.js'

const units = fc.array(fc.constantFrom('a', '\uD83D', '\uDBFF', '\uDC00', '\uDE00', '\uE000', '\uFFFF'), {
  maxLength: 6,
})
const texts = units.map((all) => all.join(''))

it('orders any two texts as their code points are ordered', () => {
  fc.assert(
    fc.property(texts, texts, (a, b) => {
      expect(Math.sign(compareText(b)(a))).toBe(byCodePoints([...a], [...b]))
    }),
    { numRuns: 20_000 },
  )
})

function byCodePoints(a: readonly string[], b: readonly string[]): number {
  const different = a.findIndex((character, i) => character !== b[i])
  if (different === -1 || different >= b.length) return Math.sign(a.length - b.length)
  return Math.sign((a[different]?.codePointAt(0) ?? 0) - (b[different]?.codePointAt(0) ?? 0))
}
