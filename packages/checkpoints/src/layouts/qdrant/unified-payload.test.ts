import { decodeJson, encodeJson, type JsonValue, type Row } from '@drover/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CheckpointRecord } from '../../records/checkpoint-record.js'
import type { StoredValue } from '../../records/stored-value.js'
import { contentText, textToEmbed } from './checkpoint-text.js'
import { recordOfLegacy } from './unified-legacy.js'
import { recordOfUnified, unifiedPayload } from './unified-payload.js'

const text = fc.string({ unit: 'grapheme', maxLength: 8 })
const json = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.bigInt(2n ** 53n, 2n ** 70n)).map((value) => value as JsonValue)
const name = text.filter((one) => one !== '__proto__')
const stored: fc.Arbitrary<StoredValue> = fc.oneof(
  fc.record({ type: fc.constantFrom('bytes', 'bytearray', 'pickle', 'msgpack+aes'), bytes: fc.uint8Array() }),
  fc.constant<StoredValue>({ type: 'empty', bytes: null }),
  json.map((value) => ({ type: 'json', bytes: new Uint8Array(Buffer.from(encodeJson(value))) })),
)
const state = fc.oneof(
  fc.record({
    checkpoint: fc.dictionary(name, json),
    channels: fc.dictionary(name, stored),
  }),
  fc.record({ sealed: fc.uint8Array().map((bytes) => ({ type: 'msgpack+aes', bytes })) }),
)
const record: fc.Arbitrary<CheckpointRecord> = fc.record({
  thread_id: text,
  checkpoint_ns: text,
  checkpoint_id: text,
  parent_checkpoint_id: fc.option(text),
  timestamp: fc.constantFrom(null, '2024-05-01T10:00:00.123456+00:00'),
  language: fc.constantFrom('python', 'js'),
  state,
  metadata: fc.dictionary(name, json),
  writes: fc.array(
    fc.record({ task_id: text, task_path: text, idx: fc.integer({ min: -4, max: 9 }), channel: text, value: stored }),
    { maxLength: 2 },
  ),
})

const bare: CheckpointRecord = {
  thread_id: 't',
  checkpoint_ns: '',
  checkpoint_id: 'c',
  parent_checkpoint_id: null,
  timestamp: null,
  language: 'python',
  state: { checkpoint: {}, channels: {} },
  metadata: {},
  writes: [],
}

/** As Qdrant gives it back. */
function throughJson(payload: Row): Row {
  return decodeJson(encodeJson(payload), 'plain') as Row
}

describe('the payload of a checkpoint', () => {
  test('leaves out what no payload can show, and gives it back', () => {
    const deep = new Uint8Array(Buffer.from(`${'['.repeat(2000)}${']'.repeat(2000)}`))
    const one: CheckpointRecord = {
      ...bare,
      state: {
        checkpoint: { v: 4, huge: 2n ** 70n, odd: Number.NaN, 'half \ud800': 1, sends: { type: 'bytes', bytes: deep } },
        channels: { deep: { type: 'json', bytes: deep } },
      },
    }
    const { payload } = unifiedPayload(one)
    expect(payload.checkpoint).toEqual({
      v: 4,
      huge: { $opaque: { type: 'json' } },
      odd: { $type: 'float', value: 'NaN' },
      sends: { $type: 'bytes', base64: Buffer.from(deep).toString('base64') },
      channel_values: { deep: { $opaque: { type: 'json', base64: Buffer.from(deep).toString('base64') } } },
    })
    expect(recordOfUnified(throughJson(payload))).toEqual(one)
  })

  test('gives it back byte for byte, with all its writes', () => {
    fc.assert(
      fc.property(record, (one) => {
        expect(recordOfUnified(throughJson(unifiedPayload(one).payload))).toEqual(one)
      }),
    )
  })

  test('does not show what Qdrant could not keep, and gives it back all the same', () => {
    const deep = `${'['.repeat(130)}1${']'.repeat(130)}`
    const one: CheckpointRecord = {
      ...bare,
      state: { checkpoint: { v: 4 }, channels: { deep: { type: 'json', bytes: new Uint8Array(Buffer.from(deep)) } } },
      metadata: { large: (2n ** 70n) as unknown as JsonValue, half: '\ud800', step: 2 },
    }
    const { payload } = unifiedPayload(one)
    expect(payload).toMatchObject({
      checkpoint: { channel_values: { deep: { $opaque: { type: 'json' } } } },
      metadata: { large: { $opaque: { type: 'json' } }, half: { $opaque: { type: 'json' } }, step: 2 },
    })
    expect(recordOfUnified(throughJson(payload))).toEqual(one)
  })

  test('has what is read and searched', () => {
    const messages = [
      { type: 'human', content: 'Where is my order?' },
      { type: 'ai', content: [{ type: 'text', text: 'On its way.' }, { type: 'image_url' }] },
    ]
    const bytes = (value: unknown) => ({ type: 'json', bytes: new Uint8Array(Buffer.from(JSON.stringify(value))) })
    const { payload, text } = unifiedPayload({
      thread_id: 't',
      checkpoint_ns: '',
      checkpoint_id: 'c2',
      parent_checkpoint_id: 'c1',
      timestamp: '2024-05-01T10:00:00.123456+00:00',
      language: 'js',
      state: {
        checkpoint: { v: 4, id: 'c2', channel_versions: { messages: 2 } },
        channels: {
          messages: bytes(messages),
          summary: bytes('An order is late.'),
          gone: { type: 'empty', bytes: null },
        },
      },
      metadata: { step: 3, source: 'loop' },
      writes: [{ task_id: 'a', task_path: '', idx: 0, channel: 'x', value: bytes(1) }],
    })
    expect(payload).toMatchObject({
      id: 'c2',
      thread_id: 't',
      checkpoint_ns: '',
      checkpoint: { v: 4, id: 'c2', channel_values: { messages, summary: 'An order is late.' } },
      metadata: { step: 3, source: 'loop' },
      parent_config: 'c1',
      created_at: '2024-05-01T10:00:00.123456+00:00',
      message_count: 2,
      step_count: 3,
      summary: 'An order is late.',
      channel_versions: { messages: 2 },
      pending_writes: [['a', 'x', 1]],
    })
    expect(textToEmbed(text)).toBe('An order is late.\nhuman: Where is my order?\nai: On its way.')
  })

  test('is refused where a value is cut off', () => {
    const cut = { type: 'msgpack', bytes: new Uint8Array([0x92, 0x01]) }
    const one = fc.sample(record, { numRuns: 1, seed: 1 })[0] as CheckpointRecord
    expect(() => unifiedPayload({ ...one, state: { checkpoint: {}, channels: { a: cut } } })).toThrow(/channel "a"/)
  })

  test.each<[string, Row]>([
    ['serialized', { serialized: '{"state":' }],
    ['serialized', { serialized: '{"state":1}' }],
    ['serialized', { serialized: 7 }],
    ['thread_id', { thread_id: 5 }],
  ])('is unreadable with another %s', (what, changed) => {
    const one = fc.sample(record, { numRuns: 1, seed: 1 })[0] as CheckpointRecord
    expect(() => recordOfUnified({ ...unifiedPayload(one).payload, ...changed })).toThrow(
      expect.objectContaining({ code: 'RECORD_UNREADABLE', message: expect.stringContaining(what) }),
    )
  })
})

describe('points of the unified checkpointer for Python', () => {
  const checkpoint = {
    v: 1,
    id: 'c2',
    ts: '2024-05-01T10:00:00+00:00',
    channel_values: { messages: [{ lc: 1, type: 'constructor', id: ['HumanMessage'], kwargs: { content: 'hi' } }] },
    channel_versions: { messages: 2 },
    versions_seen: {},
  }
  const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64')

  test.each([
    ['in base64', base64(checkpoint), base64({ step: 1 })],
    ['as objects', checkpoint, { step: 1 }],
  ])('are read with their checkpoint and metadata %s', (_, one, metadata) => {
    const record = recordOfLegacy({
      id: 'c2',
      thread_id: 't',
      checkpoint_ns: 'ns',
      checkpoint: one,
      metadata,
      parent_config: 'c1',
      pending_writes: [
        ['task', 'messages', base64({ a: 1 })],
        ['task', 'plain', 'abcd'],
        { task_id: 'task', channel: 'none', value: null },
      ],
    })
    expect(record).toMatchObject({
      thread_id: 't',
      checkpoint_ns: 'ns',
      checkpoint_id: 'c2',
      parent_checkpoint_id: 'c1',
      timestamp: '2024-05-01T10:00:00+00:00',
      language: 'python',
      metadata: { step: 1 },
      state: { checkpoint: { v: 1, id: 'c2', channel_versions: { messages: 2 } } },
    })
    const channels = 'channels' in record.state ? record.state.channels : {}
    expect(JSON.parse(String(Buffer.from(channels.messages?.bytes ?? [])))).toEqual(checkpoint.channel_values.messages)
    const writes = record.writes.map(({ channel, idx, value }) => [
      channel,
      idx,
      value.type,
      String(Buffer.from(value.bytes ?? [])),
    ])
    expect(writes).toEqual([
      ['messages', 0, 'json', '{"a":1}'],
      ['plain', 1, 'json', '"abcd"'],
      ['none', 2, 'null', ''],
    ])
  })

  test('are read with a configuration for a parent, and MessagePack for a checkpoint', () => {
    const packed = Buffer.from([0x81, 0xa2, 0x69, 0x64, 0xa1, 0x63])
    const record = recordOfLegacy({
      id: 'c',
      thread_id: 't',
      checkpoint: packed.toString('base64'),
      parent_config: { configurable: { checkpoint_id: 'p' } },
    })
    expect(record).toMatchObject({ checkpoint_ns: '', parent_checkpoint_id: 'p', metadata: {}, writes: [] })
    expect(record.state).toMatchObject({ checkpoint: { id: 'c' } })
  })

  test.each<[string, Row]>([
    ['its checkpoint is', { checkpoint: 'no base64' }],
    ['its checkpoint is', { checkpoint: null }],
    ['its id', { id: 4 }],
    ['its metadata', { metadata: base64([1]) }],
    ['its parent_config', { parent_config: 4 }],
    ['its pending write 0', { pending_writes: [[1]] }],
    ['byte', { checkpoint: Buffer.from([0x82, 0xa1]).toString('base64') }],
  ])('are rejected where %s is another', (what, changed) => {
    expect(() => recordOfLegacy({ id: 'c', thread_id: 't', checkpoint, ...changed })).toThrow(
      expect.objectContaining({ code: 'RECORD_UNREADABLE', message: expect.stringContaining(what) }),
    )
  })
})

test('the text of a content is that of its blocks', () => {
  expect(contentText(['a', { type: 'text', text: 'b' }, { type: 'image' }, 7])).toBe('a\nb')
  expect(contentText(null)).toBe('')
})
