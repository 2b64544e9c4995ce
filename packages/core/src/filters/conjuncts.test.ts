import { expect, it } from 'vitest'
import { compileFilter } from './compile-filter.js'
import { allOf, conjunctsOf } from './conjuncts.js'

const filter = {
  and: [
    { role: { eq: 'user' } },
    { and: [{ id: { gt: 3, lte: 9 }, kind: { isNull: true } }] },
    { or: [{ a: { eq: 1 } }, { b: { eq: 2 } }] },
    { not: { c: { eq: 1 } } },
  ],
} as const

it('takes a filter apart into one operator on one field, or, and not', () => {
  expect(conjunctsOf(filter)).toEqual([
    { role: { eq: 'user' } },
    { id: { gt: 3 } },
    { id: { lte: 9 } },
    { kind: { isNull: true } },
    { or: [{ a: { eq: 1 } }, { b: { eq: 2 } }] },
    { not: { c: { eq: 1 } } },
  ])
})

it('takes it apart into what together holds where it holds', () => {
  const together = compileFilter(allOf(conjunctsOf(filter)) ?? {})
  for (const id of [3, 4, 9, 10, null]) {
    for (const a of [1, 2]) {
      const record = { role: 'user', id, kind: null, a, b: 0, c: null }
      expect(together(record)).toBe(compileFilter(filter)(record))
    }
  }
})

it('joins none to nothing, and one to itself', () => {
  expect(allOf([])).toBeUndefined()
  expect(allOf([{ a: { eq: 1 } }])).toEqual({ a: { eq: 1 } })
})

it('refuses a filter that is none', () => {
  expect(() => conjunctsOf({ role: { equals: 1 } } as never)).toThrow(/there is no operator "equals"/)
})
