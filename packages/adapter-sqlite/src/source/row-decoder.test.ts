import { describe, expect, it } from 'vitest'
import type { ReadColumn } from './relation.js'
import { loop, rowDecoder } from './row-decoder.js'

const names = ['id', '__proto__', 'a "b"\\\n`c`', 'constructor', 'any']
const isExact = names.map((name) => name === 'any')
const columns = names.map(
  (name, i): ReadColumn => ({
    name,
    isAny: isExact[i] === true,
    sql: `"${name}"`,
    isRowid: false,
    declared: '',
    affinity: 'BLOB',
    type: { kind: 'any' },
    isNullable: true,
    isGenerated: false,
  }),
)

describe.each([
  ['made for the columns', rowDecoder(columns, 'auto')],
  ['where no code may be made', loop(names, isExact)],
])('a decoder %s', (_, decode) => {
  it('gives each column its own field, whatever it is called', () => {
    const record = decode([1, 'proto', 'quoted', null, 2])
    expect(Object.entries(record)).toEqual(names.map((name, i) => [name, [1, 'proto', 'quoted', null, 2][i]]))
    expect(Object.getPrototypeOf(record)).toBe(Object.prototype)
  })

  it('makes a number of an integer that is safe, but not in a column of any type', () => {
    const record = decode([7n, 9_007_199_254_740_993n, -9_007_199_254_740_991n, 0n, 7n])
    expect(Object.values(record)).toEqual([7, 9_007_199_254_740_993n, -9_007_199_254_740_991, 0, 7n])
  })

  it('gives plain bytes', () => {
    const [bytes] = Object.values(decode([Buffer.from('ab'), 1, 1, 1, 1]))
    expect([Buffer.isBuffer(bytes), bytes]).toEqual([false, new Uint8Array([97, 98])])
  })
})
