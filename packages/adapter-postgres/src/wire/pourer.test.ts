import { isDeepStrictEqual } from 'node:util'
import { type ColumnWriter, decodeJson, type Page, type Row } from '@drover/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { jsonNull } from './codecs/json-null.js'
import { copyBinary } from './copy-binary.js'
import { copyHeader, copyTrailer } from './copy-format.js'
import type { CopyPage } from './copy-page.js'
import { loop, type PouredColumn, pourer } from './pourer.js'
import { expectedPour, isJson } from './testing/expected-pour.js'
import { pageOf } from './testing/page-of.js'
import { NotingWriter, type Poured, poured } from './testing/poured.js'
import { typeCases } from './testing/type-cases.js'
import { type WireColumn, wireType } from './wire-type.js'

function pageWith(columns: readonly WireColumn[], rows: readonly Row[], json: 'text' | 'value' = 'value'): CopyPage {
  const encoder = copyBinary(columns, { where: 'table "t"', json })
  const chunks = [...encoder.encode(rows, 0)]
  return pageOf(Buffer.concat([copyHeader, ...chunks, encoder.flush() ?? Buffer.of(), copyTrailer]), columns)
}

/** JSON as the value that its text stands for. */
function read(call: Poured | undefined): Poured | undefined {
  return call?.[0] === 'bytes' ? ['value', decodeJson(String(call[1]), 'plain') ?? jsonNull] : call
}

describe('pour', () => {
  test.each(typeCases)('$sql: gives what rows() gives', ({ type, values, edges }) => {
    const columns = [
      { name: 'i', type: wireType('int4') },
      { name: 'v', type },
      { name: 'w', type },
    ]
    const all = [...edges, null, ...fc.sample(values, 100)]
    const page = pageWith(
      columns,
      all.map((v, i) => ({ i, v, w: all[all.length - 1 - i] })),
    )
    const rows = page.rows()
    const fields = ['w', 'v', 'i']
    const given = poured(page, fields)
    for (const [f, field] of fields.entries()) {
      const calls = isJson(type) && field !== 'i' ? given[f]?.map(read) : given[f]
      const expected = rows.map((row) => expectedPour(field === 'i' ? wireType('int4') : type, row[field]))
      const place = expected.findIndex((call, i) => !isDeepStrictEqual(calls?.[i], call))
      expect({ field, place, call: calls?.[place] }).toStrictEqual({ field, place: -1, call: expected[place] })
      expect(calls).toHaveLength(rows.length)
    }
  })

  test('timestamps near the ends of what a double counts exactly', () => {
    const times = [
      '2255-06-05T23:47:34.740991Z',
      '2255-06-05T23:47:34.740992Z',
      '1684-07-28T00:12:25.259009Z',
      '1684-07-28T00:12:25.259008Z',
      '1969-12-31T23:59:59.999999Z',
    ]
    const page = pageWith(
      [{ name: 'at', type: wireType('timestamptz') }],
      times.map((at) => ({ at })),
    )
    expect(poured(page, ['at'])[0]).toStrictEqual([
      ['micros', Number.MAX_SAFE_INTEGER],
      ['value', times[1]],
      ['micros', Number.MIN_SAFE_INTEGER],
      ['value', times[3]],
      ['micros', -1],
    ])
  })
})

const columns: readonly WireColumn[] = [
  { name: 'id', type: wireType('int8') },
  { name: 'text', type: wireType('text') },
  { name: 'data', type: wireType('jsonb') },
  { name: 'list', type: wireType('json[]') },
]
const rows = [
  { id: 1, text: 'one', data: '{"a": 1}', list: null },
  { id: 2, text: null, data: '0.12345678901234567890', list: null },
  { id: 3, text: 'drei ü', data: null, list: ['0.12345678901234567890'] },
  { id: 4, text: '', data: 'null', list: ['1'] },
]
const three = (): CopyPage =>
  pageWith(columns, [...rows.slice(0, 1), { ...rows[1], data: '2' }, ...rows.slice(3)], 'text')
const text = (...texts: readonly (string | null)[]): Poured[] =>
  texts.map((one) => (one === null ? ['null'] : ['bytes', Buffer.from(one)]))
const ids = (...all: readonly bigint[]): Poured[] => all.map((id) => ['int64', id])

describe('a page', () => {
  test('pours some fields, in any order, one to several writers', () => {
    expect(poured(three(), ['text', 'id', 'text'])).toStrictEqual([
      text('one', null, ''),
      ids(1n, 2n, 4n),
      text('one', null, ''),
    ])
    expect(poured(three(), [])).toEqual([])
    expect(() => poured(three(), ['texts'])).toThrow(expect.objectContaining({ code: 'NAME_UNKNOWN' }))
  })

  test('pours some records', () => {
    expect(poured(three(), ['id', 'text'], [0, 2])).toStrictEqual([ids(1n, 4n), text('one', '')])
    expect(poured(three(), ['id'], new Uint32Array(0))).toEqual([[]])
  })

  test('pours a slice, a column that was set, and a slice of that', () => {
    expect(poured(three().slice(1, 3), ['id', 'text'])).toStrictEqual([ids(2n, 4n), text(null, '')])
    const patched = three().columns.with('text', ['eins', 'zwei', null])
    expect(poured(patched, ['text', 'data'])).toStrictEqual([text('eins', 'zwei', null), text('{"a": 1}', '2', 'null')])
    expect(poured(patched.slice(1, 3), ['text'], [1])).toStrictEqual([text(null)])
  })

  test('pours the records that can be read, and all of them as they came', () => {
    const page = pageWith(columns, rows, 'text')
    expect(page.rejected.map(({ key }) => key)).toEqual([[2], [3]])
    expect(poured(page, ['id', 'data'])).toStrictEqual([ids(1n, 4n), text('{"a": 1}', 'null')])
    expect(poured(page, ['id'], [1])).toStrictEqual([ids(4n)])
    expect(poured(page.asItCame(), ['id', 'data', 'list'])).toStrictEqual([
      ids(1n, 2n, 3n, 4n),
      text('{"a": 1}', '0.12345678901234567890', null, 'null'),
      [['null'], ['null'], ['value', ['0.12345678901234567890']], ['value', [1]]].map((call, i) =>
        i === 2 ? ['value', page.asItCame().rows()[2]?.list] : call,
      ),
    ])
  })

  test('pours a field that the table has not, and has its other columns still', () => {
    const page = three().columns.with('more', [true, null, undefined])
    const fields = ['more', 'text', 'id']
    const all = [[['value', true], ['null'], ['null']], text('one', null, ''), ids(1n, 2n, 4n)]
    expect(poured(page, fields)).toStrictEqual(all)
    expect(poured(page.slice(1, 3), fields)).toStrictEqual(all.map((calls) => calls.slice(1)))
    expect(poured(page, fields, [1])).toStrictEqual(all.map((calls) => calls.slice(1, 2)))
    expect(page.columns?.get('more')).toEqual([true, null, undefined])
    expect(page.columns?.get('text')).toEqual(['one', null, ''])
    const plain = three().rows()
    expect(page.rows()).toStrictEqual([{ ...plain[0], more: true }, { ...plain[1], more: null }, plain[2]])
    const again = page.columns?.with('text', ['a', 'b', 'c']).columns?.with('more', [1, 2, 3]) as Page
    const third = again.columns?.with('third', ['x', 'y', 'z']) as Page
    expect(poured(third, ['third', 'more', 'text'], [2])).toStrictEqual([[['value', 'z']], [['value', 3]], text('c')])
    expect(third.rows()[1]).toStrictEqual({ ...plain[1], text: 'b', more: 2, third: 'y' })
  })

  test('pours record after record, so that what a writer refuses is behind what it took', () => {
    const page = three().columns.with('more', ['a', 'b', 'c'])
    const into = [new NotingWriter(), new NotingWriter(), new NotingWriter()]
    const [, , last] = into as [NotingWriter, NotingWriter, NotingWriter]
    last.value = (value) => {
      if (value === 'b') throw new RangeError('no b')
      last.calls.push(['value', value])
    }
    expect(() => page.pour?.({ fields: ['id', 'text', 'more'], into })).toThrow('no b')
    expect(into.map(({ calls }) => calls.length)).toEqual([2, 2, 1])
  })
})

describe.each([
  ['generated', pourer],
  ['the loop', loop],
])('a pourer, %s', (_, pourerOf) => {
  const bytes = Buffer.from('0003000000040000002a000000026869ffffffff0003ffffffffffffffff00000001ff', 'hex')
  const all = { bytes, starts: Uint32Array.of(0, 20), end: bytes.length }
  const pour: PouredColumn['pour'] = (from, at, length, into: ColumnWriter) => into.bytes(from, at, at + length)
  const hex = (calls: readonly Poured[]): unknown[] =>
    calls.map((call) => (call[0] === 'bytes' ? call[1].toString('hex') : call[0]))

  test('passes over columns that nobody wants', () => {
    const into = [new NotingWriter(), new NotingWriter()]
    const made = pourerOf([
      { pour, writers: [] },
      { pour, writers: [1] },
      { pour, writers: [0] },
    ])
    made(all, { into, records: undefined, extras: [] })
    expect(into.map(({ calls }) => hex(calls))).toEqual([
      ['null', 'ff'],
      ['6869', 'null'],
    ])
  })

  test('takes some records, and fields beside them', () => {
    const into = [new NotingWriter()]
    const beside = new NotingWriter()
    const made = pourerOf([{ pour, writers: [0] }])
    made(all, { into, records: [1], extras: [{ values: [7, 8], into: beside }] })
    expect(hex(into[0]?.calls ?? [])).toEqual(['null'])
    expect(beside.calls).toEqual([['value', 8]])
  })
})
