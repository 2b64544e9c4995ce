import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MsgpackWriter } from './msgpack/msgpack-writer.js'
import { fromInline, inlineOf } from './primitives.js'

const msgpack = (hex: string) => ({ type: 'msgpack', bytes: Buffer.from(hex, 'hex') })
const textOf = (value: ReturnType<typeof inlineOf>) => value && Buffer.from(value.bytes ?? []).toString()

test.each([
  ['c0', 'null'],
  ['c3', 'true'],
  ['07', '7'],
  ['cfffffffffffffffff', '18446744073709551615'],
  ['cb3ff0000000000000', '1.0'],
  ['cb3fb999999999999a', '0.1'],
  ['cb3e7ad7f29abcaf48', '1e-7'],
  ['a2c3a9', '"é"'],
])('MessagePack %s is inline %s, and comes back as it was', (hex, text) => {
  const inline = inlineOf(msgpack(hex))
  expect(textOf(inline)).toBe(text)
  expect(Buffer.from(fromInline(inline as never, 'msgpack').bytes ?? []).toString('hex')).toBe(hex)
})

test.each([
  ['a list', msgpack('90')],
  ['a map', msgpack('80')],
  ['bytes', msgpack('c400')],
  ['an extension', msgpack('d40001')],
  ['NaN', msgpack('cb7ff8000000000000')],
  ['-0.0, whose sign JSONB loses', msgpack('cb8000000000000000')],
  ['1e300, of which JSONB makes an integer', msgpack('cb7e37e43c8800759c')],
  ['a text with U+0000, which JSONB refuses', msgpack('a100')],
  ['a list of JSON', { type: 'json', bytes: Buffer.from('[]') }],
  ['bytes of their own', { type: 'bytes', bytes: new Uint8Array(1) }],
  ['a pickle', { type: 'pickle', bytes: new Uint8Array(1) }],
  ['what is empty', { type: 'empty', bytes: null }],
])('%s is not inline', (_, value) => {
  expect(inlineOf(value)).toBeNull()
})

test('JSON and null are', () => {
  const json = { type: 'json', bytes: Buffer.from('1.0') }
  expect(textOf(inlineOf(json))).toBe('1.0')
  expect(textOf(inlineOf({ type: 'null', bytes: null }))).toBe('null')
  expect(fromInline({ type: 'inline', bytes: json.bytes }, 'json')).toEqual(json)
})

test('others are left as they are', () => {
  const value = msgpack('90')
  expect(fromInline(value, 'json')).toBe(value)
})

test('a text or number that is cut off is unreadable', () => {
  expect(() => inlineOf(msgpack('a2c3'))).toThrow(expect.objectContaining({ code: 'RECORD_UNREADABLE' }))
  expect(() => inlineOf(msgpack('0101'))).toThrow(/1 bytes follow/)
})

test('an integer of more than 64 bits has no MessagePack', () => {
  const value = { type: 'inline', bytes: Buffer.from(String(2n ** 64n)) }
  expect(() => fromInline(value, 'msgpack')).toThrow(expect.objectContaining({ code: 'RECORD_REFUSED' }))
})

test('any number and text that is inline comes back byte for byte', () => {
  const primitive = fc.oneof(
    fc.double(),
    fc.integer(),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
    fc.string({ unit: 'grapheme' }),
    fc.boolean(),
  )
  fc.assert(
    fc.property(primitive, fc.boolean(), (value, asFloat) => {
      const writer = new MsgpackWriter()
      if (asFloat && typeof value === 'number') writer.float(value)
      else writer.value(value)
      const given = { type: 'msgpack', bytes: writer.bytes }
      const inline = inlineOf(given)
      if (inline !== null) expect(fromInline(inline, 'msgpack')).toEqual(given)
    }),
  )
})
