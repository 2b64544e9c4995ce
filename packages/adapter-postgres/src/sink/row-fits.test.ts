import { describe, expect, it } from 'vitest'
import { loop, rowFits } from './row-fits.js'

describe.each([
  ['generated code', rowFits],
  ['a loop', loop],
])('whether a record has the fields that are expected, by %s', (_, fits) => {
  const asked = fits(['a', 'b"c', 'constructor'])

  it('is true of these fields in any order, null or not', () => {
    expect(asked({ a: 1, 'b"c': null, constructor: false })).toBe(true)
    expect(asked({ constructor: 0, 'b"c': '', a: null })).toBe(true)
  })

  it('is false of one more, one less, and one that is undefined', () => {
    expect(asked({ a: 1, 'b"c': 2, constructor: 3, d: 4 })).toBe(false)
    expect(asked({ a: 1, 'b"c': 2 })).toBe(false)
    expect(asked({ a: 1, 'b"c': undefined, constructor: 3 })).toBe(false)
  })

  it('is false where another field, or one that every object has, stands for one', () => {
    expect(asked({ a: 1, 'b"c': 2, d: 3 })).toBe(false)
    expect(asked({ a: 1, x: 2, constructor: 3 })).toBe(false)
  })
})
