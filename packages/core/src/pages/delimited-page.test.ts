import { describe, expect, test } from 'vitest'
import { DelimitedPage, type DelimitedValue } from './delimited-page.js'

const page = (text: string, count: number) =>
  new DelimitedPage({
    bytes: Buffer.from(text),
    count,
    cursor: 'here',
    fields: [
      { name: 'id', holds: 'integer' },
      { name: 'name', holds: 'text' },
    ],
    decode: ([id, name]) => ({ id, name }),
    keyOf: ([id]: readonly DelimitedValue[]) => [String(id)],
  })

const three = '1\x1fDag\x1e-9007199254740993\x1f\x1e\u{10ffff}\x1f\u{10ffff}\x1e'

describe('a page of delimited texts', () => {
  test('gives its values as rows', () => {
    expect(page(three, 3).rows()).toEqual([
      { id: 1, name: 'Dag' },
      { id: -9007199254740993n, name: '' },
      { id: null, name: null },
    ])
    expect(page(three, 3).keys()[1]).toEqual({ source: ['-9007199254740993'], child: 0 })
  })

  test('gives a part of itself', () => {
    const part = page(three, 3).slice(1, 2)
    expect([part.count, part.texts().toString(), part.rows()]).toEqual([
      1,
      '-9007199254740993\x1f\x1e',
      [{ id: -9007199254740993n, name: '' }],
    ])
    expect(page(three, 3).slice(3, 9).rows()).toEqual([])
  })

  test.each([
    ['the end of a field', '1\x1fa\x1fb\x1e', 1],
    ['the end of a record', '1\x1fa\x1eb\x1e', 1],
    ['a whole record', '1\x1fa\x1e2\x1fb\x1e', 1],
    ['no end', '1\x1fa', 1],
    ['no digits where an integer should be', '1.5\x1fa\x1e', 1],
    ['an integer beyond 64 bits', '9223372036854775808\x1fa\x1e', 1],
  ])('is stale if a value holds %s', (_, text, count) => {
    expect(() => page(text, count).rows()).toThrow(expect.objectContaining({ code: 'PAGE_STALE' }))
  })

  test('is stale once it was released for good, and not before', () => {
    const released = page(three, 3)
    released.rows()
    released.release(false)
    expect(released.rows()).toHaveLength(3)
    released.release(true)
    expect(() => released.rows()).toThrow(expect.objectContaining({ code: 'PAGE_STALE' }))
  })
})
