import { encodeJson } from '@drover/core'
import { describe, expect, it, test } from 'vitest'
import { readValue } from './read-value.js'
import { fixture, storedOf } from './testing/fixtures.js'

interface Value {
  readonly name: string
  readonly type: string
  readonly base64: string
  readonly expected: unknown
}

describe("what Python's serialisers write is read whole", () => {
  it.each(fixture<Value>('values').map((value) => [value.name, value] as const))('%s', (_, value) => {
    const { json, opaque } = readValue(storedOf(value))
    expect(json).toEqual(value.expected)
    expect(opaque).toEqual({})
  })
})

interface Sealed {
  readonly key: string
  readonly type: string
  readonly base64: string
}

describe('what pycryptodome sealed', () => {
  const sealed = fixture<Sealed>('encrypted')
  const messages = sealed.filter(({ type }) => type === 'msgpack+aes')
  const bytes = sealed.filter(({ type }) => type === 'bytes+aes')

  it.each(messages)('is read with its key of any length', ({ key, ...value }) => {
    expect(readValue(storedOf(value), { keys: { aes: key } })).toMatchObject({
      json: [1, { $type: 'langchain_core.messages.human.HumanMessage', content: 'hi' }],
      opaque: {},
    })
  })

  test('is opened to the byte, whatever its length', () => {
    const lengths = bytes.map(({ key, ...value }) => {
      const { json } = readValue(storedOf(value), { keys: { aes: key } })
      const opened = Buffer.from((json as { base64: string }).base64, 'base64')
      expect([...opened]).toEqual(Array.from(opened, (_, i) => i % 256))
      return opened.length
    })
    expect(lengths).toEqual([1, 2, 3].flatMap(() => [0, 1, 15, 16, 17, 31, 32, 33, 500]))
  })

  it.each(messages)('stays opaque without a key, and is counted', ({ type, base64 }) => {
    const { json, opaque } = readValue(storedOf({ type, base64 }))
    expect(json).toEqual({ $opaque: { type, base64 } })
    expect(opaque).toEqual({ 'msgpack+aes': 1 })
  })

  it.each([
    ['another key', { key: 'ffffffffffffffff', flip: -1 }],
    ['a nonce that was changed', { key: '0123456789abcdef', flip: 0 }],
    ['a tag that was changed', { key: '0123456789abcdef', flip: 20 }],
    ['bytes that were changed', { key: '0123456789abcdef', flip: 40 }],
  ])('is refused with %s', (_, { key, flip }) => {
    const { type, bytes: given } = storedOf(messages[0] as Sealed)
    const bytes = Uint8Array.from(given as Uint8Array, (byte, i) => (i === flip ? byte ^ 1 : byte))
    expect(() => readValue({ type, bytes }, { keys: { aes: key } })).toThrow(
      expect.objectContaining({ code: 'RECORD_UNREADABLE', message: expect.stringContaining('does not fit') }),
    )
  })

  it('is refused if it ends within its tag', () => {
    const value = { type: 'msgpack+aes', bytes: new Uint8Array(31) }
    expect(() => readValue(value, { keys: { aes: '0123456789abcdef' } })).toThrow(
      /at byte 31: it ends within the nonce/,
    )
  })

  it.each(['short', 'x'.repeat(40)])('takes no key of another length, and does not show it', (aes) => {
    const value = { type: 'msgpack+aes', bytes: new Uint8Array(64) }
    const error = (() => {
      try {
        return readValue(value, { keys: { aes } })
      } catch (thrown) {
        return thrown as Error
      }
    })()
    expect(error).toMatchObject({ code: 'OPTION_INVALID' })
    expect(String((error as Error).message)).not.toContain(aes)
  })

  it.each([
    ['base64', Buffer.from('0123456789abcdef').toString('base64').slice(0, -2)],
    ['base64 that is marked', `base64:${Buffer.from('0123456789abcdef').toString('base64')}`],
    ['bytes', Buffer.from('0123456789abcdef')],
  ])('takes a key as %s', (_, aes) => {
    expect(readValue(storedOf(messages[0] as Sealed), { keys: { aes } }).opaque).toEqual({})
  })
})

test('all of it can be written as JSON', () => {
  for (const value of fixture<Value>('values')) {
    expect(() => encodeJson(readValue(storedOf(value)).json, { values: 'plain' })).not.toThrow()
  }
})
