import { describe, expect, test } from 'vitest'
import { jsonNull } from './codecs/json-null.js'
import { copyBinary } from './copy-binary.js'
import { copyHeader, copyTrailer } from './copy-format.js'
import type { CopyPage } from './copy-page.js'
import { pageOf } from './testing/page-of.js'
import { type WireColumn, wireType } from './wire-type.js'

const columns: readonly WireColumn[] = [
  { name: 'id', type: wireType('int8') },
  { name: 'text', type: wireType('text') },
  { name: 'data', type: wireType('jsonb') },
]

/** JSON goes in as text, so that it may hold any number. */
function pageWith(rows: readonly object[], read: readonly WireColumn[] = columns): CopyPage {
  const encoder = copyBinary(columns, { where: 'table "t"', json: 'text' })
  const chunks = [...encoder.encode(rows as never, 0)]
  return pageOf(Buffer.concat([copyHeader, ...chunks, encoder.flush() ?? Buffer.of(), copyTrailer]), read)
}

const three = [
  { id: 1, text: 'one', data: '{"a": 1}' },
  { id: 2n ** 60n, text: null, data: 'null' },
  { id: 3, text: 'drei ü', data: null },
]
const decoded = [
  { id: 1, text: 'one', data: { a: 1 } },
  { id: 2n ** 60n, text: null, data: jsonNull },
  { id: 3, text: 'drei ü', data: null },
]

describe('CopyPage', () => {
  test('decodes its rows once, and gives their keys as JSON', () => {
    const page = pageWith(three)
    expect(page.count).toBe(3)
    expect(page.rows()).toStrictEqual(decoded)
    expect(page.rows()).toBe(page.rows())
    expect(page.keys()).toStrictEqual([
      { source: [1], child: 0 },
      { source: ['1152921504606846976'], child: 0 },
      { source: [3], child: 0 },
    ])
    expect(page.rejected).toEqual([])
  })

  test('leaves hidden columns out of its records', () => {
    const page = pageWith(
      three,
      columns.map((column) => ({ ...column, isHidden: column.name === 'id' })),
    )
    expect(page.rows()).toStrictEqual(decoded.map(({ text, data }) => ({ text, data })))
    expect(page.keys()[0]).toEqual({ source: [1], child: 0 })
    expect(page.layout.matches(columns)).toBe(false)
  })

  test('slices its records, and gives the bytes of these alone', () => {
    const page = pageWith(three)
    const middle = page.slice(1, 2)
    expect(middle.rows()).toStrictEqual(decoded.slice(1, 2))
    expect(middle.cursor).toBe(page.cursor)
    expect(page.slice(1, 99).rows()).toStrictEqual(decoded.slice(1))
    expect(page.slice(2, 1).rows()).toEqual([])
    expect(page.slice(2, 1).payload()).toHaveLength(0)
    const parts = [page.slice(0, 1), page.slice(1, 3)]
    expect(Buffer.concat(parts.map((part) => part.payload()))).toEqual(Buffer.from(page.payload()))
    expect(parts.reduce((sum, part) => sum + part.bytes, 0)).toBe(page.bytes)
  })

  test('decodes again what it forgot, unless it is read again: then only its size and what it rejected stay', () => {
    const bad = { id: 1, text: 'bad', data: '1e400' }
    const page = pageWith([bad, ...three])
    const again = page.rows()
    page.release()
    expect(page.rows()).not.toBe(again)
    expect(page.rows()).toStrictEqual(again)
    const { bytes } = page
    page.release(true)
    expect(page.rejected.map(({ key }) => key)).toEqual([[1]])
    expect([page.count, page.bytes]).toEqual([4, bytes])
    for (const use of [
      () => page.rows(),
      () => page.keys(),
      () => page.slice(0, 1),
      () => page.payload(),
      () => page.asItCame(),
    ])
      expect(use).toThrow(expect.objectContaining({ code: 'PAGE_STALE' }))
    expect(() => page.pour({ fields: [], into: [] })).toThrow(expect.objectContaining({ code: 'PAGE_STALE' }))
  })

  test('gives one column', () => {
    expect(pageWith(three).columns.get('text')).toEqual(['one', null, 'drei ü'])
    expect(() => pageWith(three).columns.get('texts')).toThrow(/table "t" has no field "texts".*"text"/)
  })

  test('replaces one column without the others', () => {
    const page = pageWith(three)
    const values = [null, 'two'.repeat(1000), '']
    const patched = page.columns.with('text', values) as CopyPage
    expect(patched.rows()).toStrictEqual(decoded.map((row, i) => ({ ...row, text: values[i] })))
    expect(patched.slice(1, 3).rows()).toStrictEqual(patched.rows().slice(1))
    expect(patched.columns.get('data')).toStrictEqual(page.columns.get('data'))
    expect(page.rows()).toStrictEqual(decoded)
    expect(page.slice(1, 3).columns.with('id', [8, 9]).rows()).toStrictEqual([
      { ...decoded[1], id: 8 },
      { ...decoded[2], id: 9 },
    ])
  })

  test('refuses a value that the column cannot take, and another number of values', () => {
    const page = pageWith(three)
    expect(() => page.columns.with('text', ['a', 5, 'b'])).toThrow(
      expect.objectContaining({ code: 'RECORD_REFUSED', message: expect.stringContaining('the number 5') }),
    )
    expect(() => page.columns.with('text', ['a'])).toThrow(expect.objectContaining({ code: 'CONTRACT_BROKEN' }))
  })

  test('adds a field that the table does not have', () => {
    const page = pageWith([...three, { id: 4, text: 'x', data: '0.12345678901234567890' }])
    const wider = page.columns.with('more', [true, false, null])
    expect(wider.rows()).toStrictEqual(decoded.map((row, i) => ({ ...row, more: [true, false, null][i] })))
    expect(wider.count).toBe(4)
    expect(wider.rejected).toHaveLength(1)
    expect(wider.slice(1, 3).rows()).toEqual(wider.rows().slice(1))
    expect(wider.slice(1, 3).keys()).toEqual(page.keys().slice(1))
  })

  test('rejects a JSON number that a double would change, and keeps the other records', () => {
    const page = pageWith([
      { id: 1, text: 'bad', data: '{"a": [1, 0.1234567890123456789]}' },
      three[0] as object,
      { id: 7, text: 'bad', data: '1e400' },
      {
        id: 8,
        text: 'good',
        data: '{"0.12345678901234567890": "1e400", "b": [1.50, 1e2, 123456789012345678901234567890, 0.1234567890123456]}',
      },
    ])
    expect(page.rejected.map(({ key }) => key)).toEqual([[1], [7]])
    expect(String(page.rejected[0]?.error)).toMatch(
      /column "data" of the record with the key \(1\) holds the JSON number 0\.1234567890123456789, .*json: 'text'/,
    )
    expect(page.rejected[0]?.error).toMatchObject({ code: 'RECORD_UNREADABLE' })
    expect(page.count).toBe(4)
    expect(page.rows()).toStrictEqual([
      decoded[0],
      {
        id: 8,
        text: 'good',
        data: {
          '0.12345678901234567890': '1e400',
          b: [1.5, 100, 123456789012345678901234567890n, 0.1234567890123456],
        },
      },
    ])
    expect(page.keys().map(({ source }) => source)).toEqual([[1], [8]])
    expect(page.columns.get('text')).toEqual(['one', 'good'])
    expect(page.slice(0, 2).payload()).toEqual(page.payload())
    expect(page.slice(1, 2).rows()).toEqual(page.rows().slice(1))
    expect(page.slice(0, 2).count).toBe(2)
    expect(page.slice(0, 2).rejected).toEqual([])
  })

  test('knows whether its bytes fit other columns', () => {
    const { layout } = pageWith(three)
    expect(layout.matches(columns)).toBe(true)
    expect(layout.matches(columns.slice(0, 2))).toBe(false)
    expect(layout.matches([...columns.slice(1), columns[0] as WireColumn])).toBe(false)
    expect(layout.matches(columns.map((column) => ({ ...column, type: wireType('text') })))).toBe(false)
  })
})
