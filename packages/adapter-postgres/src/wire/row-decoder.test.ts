import { describe, expect, test } from 'vitest'
import type { Codec } from './codec.js'
import { codecFor } from './codec-for.js'
import { type DecodedColumn, loop, rowDecoder } from './row-decoder.js'
import { wireType } from './wire-type.js'

const int4 = codecFor(wireType('int4')) as Codec
const text = codecFor(wireType('text')) as Codec
const row = Buffer.from('0003' + '00000004' + '0000002a' + '00000002' + '6869' + 'ffffffff', 'hex')

function columns(...names: readonly (string | null)[]): readonly DecodedColumn[] {
  return names.map((name, i) => ({ name, codec: i === 0 ? int4 : text }))
}

describe.each([
  ['generated', rowDecoder],
  ['the loop', loop],
])('a decoder, %s', (_, decoderOf) => {
  test('makes plain objects with the fields in order', () => {
    const record = decoderOf(columns('id', 'name', 'none'))(row, 0)
    expect(record).toStrictEqual({ id: 42, name: 'hi', none: null })
    expect(Object.keys(record)).toEqual(['id', 'name', 'none'])
  })

  test('passes over columns without a name', () => {
    expect(decoderOf(columns('id', null, 'none'))(row, 0)).toStrictEqual({ id: 42, none: null })
    expect(decoderOf(columns(null, null, null))(row, 0)).toStrictEqual({})
  })

  test.each(['__proto__', 'constructor', '"', "\\'`$", '\u2028', 'x; drop table y', '', '1'])(
    'takes the name %j as a name',
    (name) => {
      const record = decoderOf(columns(name, 'a', 'b'))(row, 0)
      expect(Object.getPrototypeOf(record)).toBe(Object.prototype)
      expect(Object.getOwnPropertyDescriptor(record, name)?.value).toBe(42)
    },
  )
})
