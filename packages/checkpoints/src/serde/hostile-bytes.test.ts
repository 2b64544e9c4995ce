import { DroverError } from '@drover/core'
import { ExtData, encode } from '@msgpack/msgpack'
import fc from 'fast-check'
import { describe, expect, it, test, vi } from 'vitest'
import { inlineOf } from './primitives.js'
import { readValue } from './read-value.js'
import { sliceCheckpoint } from './slice-checkpoint.js'
import { spliceCheckpoint } from './splice-checkpoint.js'
import { fixture, storedOf } from './testing/fixtures.js'

const read = (bytes: Uint8Array, type = 'msgpack') => readValue({ type, bytes }).json
const hex = (text: string) => Buffer.from(text, 'hex')
const ext = (code: number, inner: unknown) => encode(new ExtData(code, encode(inner)))

describe('nothing that the data names is called', () => {
  it.each([
    [0, ['os', 'system', 'touch /tmp/x'], { $type: 'os.system', value: 'touch /tmp/x' }],
    [1, ['subprocess', 'run', [['ls']]], { $type: 'subprocess.run', args: [['ls']] }],
    [2, ['builtins', 'open', { file: 'x', mode: 'w' }], { $type: 'open', file: 'x', mode: 'w' }],
    [3, ['os', 'path', 'x', 'system'], { $type: 'os.path', method: 'system', value: 'x' }],
    [4, ['m', '__proto__', { constructor: 1 }], { $type: 'm.__proto__', constructor: 1 }],
    [5, ['m', 'toString', {}, 'model_validate_json'], { $type: 'm.toString' }],
    [1, ['constructor', 'prototype', [1]], { $type: 'constructor.prototype', args: [1] }],
    [1, ['', '__defineGetter__', ['a', 'b']], { $type: '__defineGetter__', args: ['a', 'b'] }],
  ])('by an extension of code %i', (code, inner, shown) => {
    const system = vi.spyOn(process, 'emitWarning')
    expect(read(ext(code, inner))).toEqual(shown)
    expect(system).not.toHaveBeenCalled()
  })

  it('by the type of an array of numpy', () => {
    const parts = ['<constructor', [1], 'C', new Uint8Array([1])]
    expect(read(ext(6, parts))).toEqual({
      $type: 'numpy.ndarray',
      dtype: '<constructor',
      shape: [1],
      order: 'C',
      base64: 'AQ==',
    })
  })

  it.each([
    [
      { lc: 1, type: 'constructor', id: ['os', 'system'], kwargs: { a: 1 } },
      { $type: 'os.system', a: 1 },
    ],
    [
      { lc: 2, type: 'constructor', id: ['os', 'system'], args: ['ls'] },
      { $type: 'os.system', value: 'ls' },
    ],
    [
      { lc: 2, type: 'constructor', id: ['Function'], args: ['x'], method: 'call' },
      { $type: 'Function', value: 'x' },
    ],
    [
      { lc: 2, type: 'constructor', id: ['RegExp'], args: ['(a+)+$', 'g'] },
      { $type: 'RegExp', source: '(a+)+$', flags: 'g' },
    ],
  ])('by an envelope %o', (envelope, shown) => {
    expect(read(Buffer.from(JSON.stringify(envelope)), 'json')).toEqual(shown)
  })
})

describe('a length that lies', () => {
  it.each(['ddffffffff', 'dfffffffff', 'dcffff', 'deffff', 'dbffffffff', 'c6ffffffff', 'c9ffffffff01', 'c8ffff05'])(
    '%s is refused before anything is made of it',
    (head) => {
      const before = process.memoryUsage().arrayBuffers
      for (let i = 0; i < 1000; i++) expect(() => read(hex(head))).toThrow(/it ends within .*\d/)
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024)
    },
  )

  it('of an array of numpy is refused, too', () => {
    expect(() => read(ext(6, ['<f8', [2 ** 40, 2 ** 40], 'C', new Uint8Array(8)]))).toThrow(/code 6 does not hold/)
    expect(() => read(ext(6, ['<f8', [0, 2 ** 52], 'C', new Uint8Array(8)]))).toThrow(/code 6 does not hold/)
  })
})

describe('values within each other', () => {
  const nested = (depth: number) => Buffer.concat([Buffer.alloc(depth, 0x91), hex('c0')])
  const extensions = (depth: number) => {
    let inner: Uint8Array = hex('c0')
    for (let i = 0; i < depth; i++) inner = encode(new ExtData(7, inner))
    return inner
  }

  it('are read a thousand deep', () => {
    expect(() => read(nested(1000))).not.toThrow()
    expect(() => read(extensions(500))).not.toThrow()
  })

  it.each([
    ['lists', nested(100_000)],
    ['extensions', extensions(1500)],
    ['maps', Buffer.concat([Buffer.from('81a161'.repeat(50_000), 'hex'), hex('c0')])],
  ])('stay opaque beyond that, as a whole: %s', (_, bytes) => {
    const { json, opaque } = readValue({ type: 'msgpack', bytes })
    expect(json).toEqual({ $opaque: { type: 'msgpack', base64: Buffer.from(bytes).toString('base64') } })
    expect(opaque).toEqual({ msgpack: 1 })
  })

  it('are stepped over however deep, where a checkpoint is taken apart', () => {
    const deep = nested(100_000)
    const whole = Buffer.concat([hex('81ae'), Buffer.from('channel_values'), hex('81a161'), deep])
    const state = sliceCheckpoint({ type: 'msgpack', bytes: whole })
    expect(whole.equals(spliceCheckpoint(state).bytes as Uint8Array)).toBe(true)
  })

  it.each([1_100, 10_000, 300_000])('stay opaque in JSON, too: %i', (depth) => {
    const bytes = Buffer.from('['.repeat(depth) + ']'.repeat(depth))
    expect(readValue({ type: 'json', bytes }).opaque).toEqual({ json: 1 })
    expect(() => read(bytes.subarray(1), 'json')).toThrow(expect.objectContaining({ code: 'RECORD_UNREADABLE' }))
  })
})

test.each([
  ['c1', 'no value begins with the byte 0xc1'],
  ['a2ff00', 'a text of 2 bytes is no UTF-8'],
  ['d40101', 'an extension of code 1 does not hold what such a one holds'],
  ['c70001', 'it ends within a value'],
  ['c70205c0c0', '1 bytes follow the value'],
  ['c70300ff00', 'it ends within an extension of 3 bytes'],
  ['d6ff', 'it ends within an extension of 4 bytes'],
  ['d7ffffffffff00000000', 'an extension of code -1 does not hold'],
])('%s is unreadable', (bytes, message) => {
  expect(() => read(hex(bytes))).toThrow(expect.objectContaining({ code: 'RECORD_UNREADABLE' }))
  expect(() => read(hex(bytes))).toThrow(message)
})

describe('what nobody here knows stays as it is, and is counted', () => {
  it('by the code of an extension', () => {
    const bytes = encode([
      new ExtData(42, new Uint8Array([1])),
      new ExtData(42, new Uint8Array([2])),
      new ExtData(-2, new Uint8Array([3])),
    ])
    expect(readValue({ type: 'msgpack', bytes })).toEqual({
      json: [
        { $opaque: { type: 'ext 42', base64: 'AQ==' } },
        { $opaque: { type: 'ext 42', base64: 'Ag==' } },
        { $opaque: { type: 'ext -2', base64: 'Aw==' } },
      ],
      opaque: { 'ext 42': 2, 'ext -2': 1 },
    })
  })

  it.each(['pickle', 'json+fernet', 'orjson', '__proto__'])('by the type %s', (type) => {
    const { json, opaque } = readValue({ type, bytes: new Uint8Array([1]) }, { keys: { aes: '0123456789abcdef' } })
    expect(json).toEqual({ $opaque: { type, base64: 'AQ==' } })
    expect(Object.entries(opaque)).toEqual([[type, 1]])
  })
})

describe('any bytes', () => {
  const types = fc.constantFrom('msgpack', 'json', 'inline', 'bytes', 'null', 'pickle', 'msgpack+aes')
  const keys = { aes: '0123456789abcdef' }

  /** A value, or an error of ours. */
  const isHandled = (work: () => unknown) => {
    try {
      work()
    } catch (error) {
      if (!DroverError.isInstance(error, 'RECORD_UNREADABLE', 'RECORD_REFUSED')) throw error
    }
  }
  const tryAll = (type: string, bytes: Uint8Array) => {
    isHandled(() =>
      JSON.stringify(readValue({ type, bytes }, { keys }).json, (_, held) =>
        typeof held === 'bigint' ? `${held}` : held,
      ),
    )
    isHandled(() => inlineOf({ type, bytes }))
    isHandled(() => spliceCheckpoint(sliceCheckpoint({ type, bytes })))
    for (const form of ['msgpack', 'json'] as const) {
      isHandled(() => spliceCheckpoint({ checkpoint: {}, channels: { a: { type, bytes } } }, form))
    }
  }

  it('give a value or an error of ours', () => {
    fc.assert(
      fc.property(types, fc.uint8Array({ maxLength: 200 }), (type, bytes) => tryAll(type, bytes)),
      { numRuns: 3000 },
    )
  })

  const real = [
    ...fixture<{ type: string; base64: string }>('values'),
    ...fixture<{ type: string; base64: string }>('wholes'),
  ]
    .map(storedOf)
    .filter(({ bytes }) => bytes !== null)

  it('that were nearly a real value do so, too', () => {
    const spoilt = fc
      .tuple(fc.constantFrom(...real), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.nat())
      .map(([{ type, bytes }, changes, cut]) => {
        const copy = Uint8Array.from(bytes as Uint8Array)
        for (const [at, byte] of changes) copy[at % Math.max(1, copy.length)] = byte
        return { type, bytes: cut % 3 === 0 ? copy.subarray(0, cut % (copy.length + 1)) : copy }
      })
    fc.assert(
      fc.property(spoilt, ({ type, bytes }) => tryAll(type, bytes)),
      { numRuns: 3000 },
    )
  })
})
