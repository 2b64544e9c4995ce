import { Buffer } from 'node:buffer'
import { DroverError } from '@drover/core'
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import type { CheckpointState } from '../records/checkpoint-record.js'
import type { StoredValue } from '../records/stored-value.js'
import { MsgpackWriter } from './msgpack/msgpack-writer.js'
import { readValue } from './read-value.js'
import { sliceCheckpoint } from './slice-checkpoint.js'
import { spliceCheckpoint } from './splice-checkpoint.js'
import { fixture, storedOf } from './testing/fixtures.js'

const bytesOf = (value: StoredValue) => Buffer.from(value.bytes ?? []).toString('base64')
const sliced = (value: StoredValue) => sliceCheckpoint(value) as CheckpointState
const msgpack = (value: unknown) => {
  const writer = new MsgpackWriter()
  writer.value(value)
  return { type: 'msgpack', bytes: writer.bytes }
}
const json = (value: unknown) => ({ type: 'json', bytes: new TextEncoder().encode(JSON.stringify(value)) })

describe("checkpoints of Python's SQLite saver", () => {
  const wholes = fixture<{ type: string; base64: string }>('wholes').map(storedOf)

  test('come back byte for byte', () => {
    expect(wholes.length).toBeGreaterThan(4)
    for (const whole of wholes) expect(bytesOf(spliceCheckpoint(sliceCheckpoint(whole)))).toBe(bytesOf(whole))
  })

  test('are taken apart into fields, and channels of which each can be read by itself', () => {
    const { checkpoint, channels } = sliced(wholes.at(-2) as StoredValue)
    expect(Object.keys(checkpoint)).toEqual(['v', 'ts', 'id', 'channel_versions', 'versions_seen', 'updated_channels'])
    const shown = Object.entries(channels).map(([name, value]) => [name, readValue(value).json])
    expect(Object.fromEntries(shown)).toMatchObject({
      count: 2 ** 40,
      ratio: 1,
      note: null,
      blob: { $type: 'bytes', base64: 'AA==' },
      order: { $type: 'fixture_types.Order', id: 1, lines: [] },
      messages: [{ type: 'human' }, { type: 'ai', tool_calls: [{ name: 'search' }] }, { type: 'tool', content: '42' }],
    })
    for (const channel of Object.keys(checkpoint.channel_versions as object)) expect(channels).toHaveProperty([channel])
    // Written, and empty again.
    expect(channels.__start__).toEqual({ type: 'empty', bytes: null })
  })

  test('keep what JSON has no form for as it is, also beside the channels', () => {
    const { checkpoint } = sliced(wholes.at(-1) as StoredValue)
    expect(readValue(checkpoint.pending_sends as StoredValue).json).toEqual([
      { $type: 'langgraph.types.Send', node: 'node', arg: 1 },
    ])
  })
})

const name = fc.string({ unit: 'grapheme' }).filter((text) => !/^\d+$/.test(text) && text.isWellFormed())
const version = fc.oneof(fc.nat(), fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }), fc.string({ unit: 'grapheme' }))
const value = fc.jsonValue().filter((held) => JSON.stringify(held).isWellFormed())
const wholeOf = (values: object, versions: object) => ({
  v: 4,
  ts: '2024-01-01T00:00:00+00:00',
  id: '1',
  channel_values: values,
  channel_versions: versions,
  versions_seen: { node: versions },
  updated_channels: ['a'],
})

test('taking MessagePack apart and putting it together is nothing, for any values', () => {
  fc.assert(
    fc.property(fc.dictionary(name, value), fc.dictionary(name, version), (values, versions) => {
      const whole = msgpack(wholeOf(values, versions))
      expect(bytesOf(spliceCheckpoint(sliceCheckpoint(whole)))).toBe(bytesOf(whole))
    }),
  )
})

test('so it is with JSON', () => {
  fc.assert(
    fc.property(fc.dictionary(name, fc.jsonValue()), fc.dictionary(name, fc.nat()), (values, versions) => {
      const whole = json(wholeOf(values, versions))
      expect(bytesOf(spliceCheckpoint(sliceCheckpoint(whole), 'json'))).toBe(bytesOf(whole))
    }),
  )
})

test("a channel's JSON stays as it is written, blanks and digits and all", () => {
  const text = '{ "v" : 4 , "channel_values" : {"a": [ 1.0, 12345678901234567890 , "\\u00e9}" ],"b":NaN}, "x": [1] }'
  const { channels, checkpoint } = sliced({ type: 'json', bytes: new TextEncoder().encode(text) })
  expect(Buffer.from(channels.a?.bytes ?? []).toString()).toBe('[ 1.0, 12345678901234567890 , "\\u00e9}" ]')
  expect(Buffer.from(channels.b?.bytes ?? []).toString()).toBe('NaN')
  expect(checkpoint).toEqual({ v: 4, x: [1] })
})

test('a channel of any name is a channel', () => {
  const whole = json(
    JSON.parse('{"v":4,"channel_values":{"__proto__":1,"constructor":2},"channel_versions":{"toString":1}}'),
  )
  const { channels } = sliced(whole)
  expect(Object.keys(channels)).toEqual(['__proto__', 'constructor', 'toString'])
  expect(bytesOf(spliceCheckpoint(sliceCheckpoint(whole)))).toBe(bytesOf(whole))
})

test.each(['pickle', 'msgpack+aes', 'json+aes', 'something'])('a checkpoint of the type %s stays sealed', (type) => {
  const whole = { type, bytes: new Uint8Array([1, 2]) }
  expect(sliceCheckpoint(whole)).toEqual({ sealed: whole })
  expect(spliceCheckpoint(sliceCheckpoint(whole))).toBe(whole)
})

describe('values of other forms in a whole', () => {
  const state = (channel: StoredValue): CheckpointState => ({ checkpoint: { v: 4 }, channels: { a: channel } })
  const inline = (text: string) => ({ type: 'inline', bytes: new TextEncoder().encode(text) })

  it.each([
    ['null', inline('null'), 'c0'],
    ['a float without a fraction', inline('1.0'), 'cb3ff0000000000000'],
    ['an integer', inline('1'), '01'],
    ['an integer of 64 bits', inline('18446744073709551615'), 'cfffffffffffffffff'],
    ['a text', inline('"é"'), 'a2c3a9'],
    ['true', inline('true'), 'c3'],
    ['null of no bytes', { type: 'null', bytes: null }, 'c0'],
    ['bytes', { type: 'bytes', bytes: new Uint8Array([1]) }, 'c40101'],
    ['bytes of 300', { type: 'bytes', bytes: new Uint8Array(300) }, `c5012c${'00'.repeat(300)}`],
    ['plain JSON', { type: 'json', bytes: Buffer.from('[1.5,{"a":null}]') }, '92cb3ff800000000000081a161c0'],
    ['what is empty, which is left out', { type: 'empty', bytes: null }, ''],
  ])('%s in MessagePack', (_, channel, hex) => {
    const entries = hex === '' ? '80' : `81a161${hex}`
    const whole = Buffer.from(spliceCheckpoint(state(channel), 'msgpack').bytes ?? [])
    expect(whole.toString('hex')).toBe(
      `82a17604${Buffer.from('\xaechannel_values', 'latin1').toString('hex')}${entries}`,
    )
  })

  it.each([
    ['inline', inline('1.0'), '1.0'],
    ['null', { type: 'null', bytes: null }, 'null'],
    ['plain MessagePack', msgpack({ a: [1, 'x', 2n ** 53n] }), '{"a":[1,"x",9007199254740992]}'],
    [
      'bytes',
      { type: 'bytes', bytes: new Uint8Array([7]) },
      '{"lc":2,"type":"constructor","id":["Uint8Array"],"method":"from","args":[[7]],"kwargs":{}}',
    ],
  ])('%s in JSON', (_, channel, text) => {
    const whole = Buffer.from(spliceCheckpoint(state(channel), 'json').bytes ?? []).toString()
    expect(whole).toBe(`{"v":4,"channel_values":{"a":${text}}}`)
  })

  it.each([
    ['an envelope', { type: 'json', bytes: Buffer.from('[{"lc":1}]') }, 'msgpack'],
    ['a float that JavaScript would take for an integer', { type: 'json', bytes: Buffer.from('[1.0]') }, 'msgpack'],
    ['an integer of 65 bits', inline('18446744073709551616'), 'msgpack'],
    ['half of a surrogate pair', inline('"\\ud800"'), 'msgpack'],
    ['a pickle', { type: 'pickle', bytes: new Uint8Array(1) }, 'msgpack'],
    ['a sealed value', { type: 'msgpack+aes', bytes: new Uint8Array(40) }, 'msgpack'],
    ['bytes within MessagePack', { type: 'msgpack', bytes: Buffer.from('91c40101', 'hex') }, 'json'],
    ['an extension', { type: 'msgpack', bytes: Buffer.from('d40001', 'hex') }, 'json'],
    ['a bytearray', { type: 'bytearray', bytes: new Uint8Array(1) }, 'json'],
  ] as const)('%s is refused, and its channel named', (_, channel, form) => {
    expect(() => spliceCheckpoint(state(channel), form)).toThrow(
      expect.objectContaining({ code: 'RECORD_REFUSED', message: expect.stringContaining('The channel "a" is ') }),
    )
  })

  it('goes by the forms of the channels, where none is named', () => {
    expect(spliceCheckpoint(state(json(1))).type).toBe('json')
    expect(spliceCheckpoint(state(msgpack(1))).type).toBe('msgpack')
    expect(spliceCheckpoint({ checkpoint: {}, channels: {} }).type).toBe('msgpack')
  })

  it.each([
    ['cut off', msgpack('abc').bytes.subarray(0, 2)],
    ['followed by another', Buffer.from('0101', 'hex')],
    ['nothing', new Uint8Array(0)],
  ])('one that is %s does not get into a whole', (_, bytes) => {
    expect(() => spliceCheckpoint(state({ type: 'msgpack', bytes }), 'msgpack')).toThrow(
      expect.objectContaining({ code: 'RECORD_UNREADABLE', message: expect.stringContaining('The channel "a"') }),
    )
  })
})

test('a checkpoint that is cut off anywhere is unreadable, and says where', () => {
  const whole = storedOf(fixture<{ type: string; base64: string }>('wholes')[1] as never)
  const bytes = whole.bytes as Uint8Array
  for (let length = 0; length < bytes.length; length++) {
    const cut = { type: 'msgpack', bytes: bytes.subarray(0, length) }
    try {
      sliceCheckpoint(cut)
      expect.unreachable()
    } catch (error) {
      expect(DroverError.isInstance(error, 'RECORD_UNREADABLE')).toBe(true)
      expect((error as Error).message).toContain(`at byte ${length}: it ends within`)
    }
  }
})

test.each([
  ['no map', Buffer.from('01', 'hex'), /at byte 0: the checkpoint is no map/],
  [
    'channels that are no map',
    Buffer.concat([Buffer.from([0x81, 0xae]), Buffer.from('channel_values'), Buffer.from([1])]),
    /at byte 16: channel_values is no map/,
  ],
  ['a name that is no text', Buffer.from('810101', 'hex'), /at byte 1: a name is no text/],
  ['more behind it', Buffer.from('8001', 'hex'), /at byte 1: 1 bytes follow/],
])('MessagePack with %s is unreadable', (_, bytes, message) => {
  expect(() => sliceCheckpoint({ type: 'msgpack', bytes })).toThrow(message)
})

test.each([
  ['[]', /no object/],
  ['{"channel_values":[]}', /at byte 18: channel_values is no object/],
  ['{"a":"é","b":x}', /cannot be read: it is no JSON/],
  ['{"a":1', /at byte 6: the JSON ends too soon/],
  ['', /the JSON ends too soon/],
])('JSON such as %s is unreadable', (text, message) => {
  expect(() => sliceCheckpoint({ type: 'json', bytes: new TextEncoder().encode(text) })).toThrow(message)
})
