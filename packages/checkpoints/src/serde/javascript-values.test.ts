import { AIMessage, HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages'
import { Send } from '@langchain/langgraph'
import { DeltaSnapshot, JsonPlusSerializer } from '@langchain/langgraph-checkpoint'
import { describe, expect, it, test } from 'vitest'
import { readValue } from './read-value.js'
import { sliceCheckpoint } from './slice-checkpoint.js'
import { spliceCheckpoint } from './splice-checkpoint.js'

const serde = new JsonPlusSerializer()
const store = async (value: unknown) => {
  const [type, bytes] = await serde.dumpsTyped(value)
  return { type, bytes }
}
const read = async (value: unknown) => readValue(await store(value))
const message = (name: string, fields: object) => ({ $type: `langchain_core.messages.${name}`, ...fields })
const call = { name: 'search', args: { q: 'x' }, id: 'call_1', type: 'tool_call' }

describe("what JavaScript's serialiser writes is read whole", () => {
  it.each([
    ['nothing', undefined, { $type: 'undefined' }],
    ['null', null, null],
    ['an object', { a: [1, 'x', null], n: -1.5 }, { a: [1, 'x', null], n: -1.5 }],
    ['bytes', new Uint8Array([0, 255]), { $type: 'bytes', base64: 'AP8=' }],
    ['bytes within', { b: new Uint8Array([0, 255]) }, { b: { $type: 'Uint8Array', base64: 'AP8=' } }],
    ['a set of a map', new Set([new Map([['a', 1]])]), { $type: 'Set', value: [{ $type: 'Map', items: [['a', 1]] }] }],
    ['a pattern', /a+/gi, { $type: 'RegExp', source: 'a+', flags: 'gi' }],
    ['an error', new Error('no'), { $type: 'Error', message: 'no' }],
    ['a date', { at: new Date(0) }, { at: '1970-01-01T00:00:00.000Z' }],
    ['a send', new Send('node', { a: 1 }), { node: 'node', args: { a: 1 } }],
    [
      'a snapshot of deltas',
      new DeltaSnapshot([1]),
      { $type: 'langgraph.checkpoint.serde.types._DeltaSnapshot', value: [1] },
    ],
    ['an object that looks like a tag', { $type: 'x' }, { $type: 'dict', items: [['$type', 'x']] }],
  ])('%s', async (_, value, shown) => {
    expect(await read(value)).toEqual({ json: shown, opaque: {} })
  })

  it('messages of all kinds, each with its type', async () => {
    const { json } = await read([
      new HumanMessage({ content: [{ type: 'text', text: 'hi' }], id: '1' }),
      new AIMessage({
        content: '',
        tool_calls: [{ name: 'search', args: { q: 'x' }, id: 'call_1', type: 'tool_call' }],
      }),
      new SystemMessage('be kind'),
      new ToolMessage({ content: '42', tool_call_id: 'call_1' }),
    ])
    expect(json).toMatchObject([
      message('HumanMessage', { type: 'human', content: [{ type: 'text', text: 'hi' }], id: '1' }),
      message('AIMessage', { type: 'ai', content: '', tool_calls: [call] }),
      message('SystemMessage', { type: 'system', content: 'be kind' }),
      message('ToolMessage', { type: 'tool', content: '42', tool_call_id: 'call_1' }),
    ])
  })
})

test('a checkpoint of one value comes back byte for byte, and is loaded as before', async () => {
  const checkpoint = {
    v: 4,
    id: '1',
    ts: '2024-01-01T00:00:00.000Z',
    channel_values: { messages: [new HumanMessage('Grüße')], seen: new Set([1]), 'branch:to:a': null },
    channel_versions: { messages: 2, seen: 1, 'branch:to:a': 3, gone: 1 },
    versions_seen: { node: { messages: 1 } },
  }
  const whole = await store(checkpoint)
  const again = spliceCheckpoint(sliceCheckpoint(whole))
  expect(Buffer.from(again.bytes ?? []).equals(whole.bytes)).toBe(true)
  expect(await serde.loadsTyped(again.type, again.bytes as Uint8Array)).toMatchObject({
    channel_values: { seen: new Set([1]) },
  })
})
