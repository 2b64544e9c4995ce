import { ExtData, encode, encodeDateToTimeSpec, encodeTimeSpecToTimestamp } from '@msgpack/msgpack'
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { MsgpackWriter } from './msgpack/msgpack-writer.js'
import { readValue } from './read-value.js'

const read = (bytes: Uint8Array) => readValue({ type: 'msgpack', bytes }).json
const written = (value: unknown) => {
  const writer = new MsgpackWriter()
  writer.value(value)
  return writer.bytes
}

describe('every form of MessagePack is read', () => {
  it.each([
    ['00', 0],
    ['7f', 127],
    ['e0', -32],
    ['ff', -1],
    ['cc80', 128],
    ['cdffff', 65_535],
    ['ceffffffff', 4_294_967_295],
    ['cf001fffffffffffff', Number.MAX_SAFE_INTEGER],
    ['cf0020000000000000', 2n ** 53n],
    ['cfffffffffffffffff', 2n ** 64n - 1n],
    ['d080', -128],
    ['d18000', -32_768],
    ['d280000000', -2_147_483_648],
    ['d3ffe0000000000001', Number.MIN_SAFE_INTEGER],
    ['d38000000000000000', -(2n ** 63n)],
    ['d30000000000000001', 1],
    ['ca3fc00000', 1.5],
    ['cb3ff8000000000000', 1.5],
    ['c2', false],
    ['c3', true],
    ['c0', null],
    ['a0', ''],
    ['d903616263', 'abc'],
    ['da0003616263', 'abc'],
    ['db00000003616263', 'abc'],
    ['90', []],
    ['dc000101', [1]],
    ['dd0000000101', [1]],
    ['80', {}],
    ['de0001a16101', { a: 1 }],
    ['df00000001a16101', { a: 1 }],
    ['81c0c0', { $type: 'dict', items: [[null, null]] }],
    ['82a16101a16102', { a: 2 }],
    ['c40101', { $type: 'bytes', base64: 'AQ==' }],
    ['c5000101', { $type: 'bytes', base64: 'AQ==' }],
    ['c60000000101', { $type: 'bytes', base64: 'AQ==' }],
    ['d40801', { $opaque: { type: 'ext 8', base64: 'AQ==' } }],
    ['d5080102', { $opaque: { type: 'ext 8', base64: 'AQI=' } }],
    ['d60801020304', { $opaque: { type: 'ext 8', base64: 'AQIDBA==' } }],
    [`d708${'00'.repeat(8)}`, { $opaque: { type: 'ext 8', base64: 'AAAAAAAAAAA=' } }],
    [`d808${'00'.repeat(16)}`, { $opaque: { type: 'ext 8', base64: 'AAAAAAAAAAAAAAAAAAAAAA==' } }],
    ['c70008', { $opaque: { type: 'ext 8', base64: '' } }],
    ['c8000108ff', { $opaque: { type: 'ext 8', base64: '/w==' } }],
    ['c90000000108ff', { $opaque: { type: 'ext 8', base64: '/w==' } }],
    ['d6ff00000001', { $type: 'timestamp', value: '1970-01-01T00:00:01.000Z' }],
    ['d7ff0000000400000001', { $type: 'timestamp', value: '1970-01-01T00:00:01.000000001Z' }],
    ['c70cff00000000ffffffffffffffff', { $type: 'timestamp', value: '1969-12-31T23:59:59.000Z' }],
    ['a3efbfbd', '\ufffd'],
  ])('%s', (hex, value) => {
    expect(read(Buffer.from(hex, 'hex'))).toEqual(value)
  })

  it('as another encoder writes it', () => {
    const at = encodeTimeSpecToTimestamp(encodeDateToTimeSpec(new Date('2514-05-30T01:53:03.500Z')))
    expect(read(encode(new ExtData(-1, at)))).toEqual({ $type: 'timestamp', value: '2514-05-30T01:53:03.500Z' })
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const plain = JSON.parse(JSON.stringify(value).replaceAll('-0', '0'))
        expect(read(encode(plain))).toEqual(plain)
      }),
    )
  })
})

test('what is written is what another encoder writes, and is read back', () => {
  const value = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.integer(),
      fc.maxSafeInteger(),
      fc.double({ noNaN: true, noDefaultInfinity: true }).filter((number) => !Number.isInteger(number)),
      fc.string({ unit: 'grapheme' }),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('value'), { maxLength: 20 }),
      fc.dictionary(
        fc.string().filter((name) => name !== '__proto__' && !name.startsWith('$')),
        tie('value'),
        { maxKeys: 20 },
      ),
    ),
  })).value
  fc.assert(
    fc.property(value, (held) => {
      expect(Buffer.from(written(held)).equals(encode(held))).toBe(true)
      expect(read(written(held))).toEqual(held)
    }),
  )
})

test('what is long is read and written', () => {
  const long = { text: 'é'.repeat(70_000), list: Array.from({ length: 70_000 }, (_, i) => i), short: 'x'.repeat(300) }
  expect(read(written(long))).toEqual(long)
  expect(Buffer.from(written(long)).equals(encode(long))).toBe(true)
})

test.each([undefined, Symbol('x'), () => 1, new Date(), new Map()])('%s has no MessagePack', (value) => {
  expect(() => written(value)).toThrow(expect.objectContaining({ name: 'ValueRefused' }))
})
