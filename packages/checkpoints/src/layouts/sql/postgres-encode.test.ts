import { describe, expect, it } from 'vitest'
import type { CheckpointRecord } from '../../records/checkpoint-record.js'
import type { StoredValue } from '../../records/stored-value.js'
import { rowsOfCheckpoint } from './postgres-encode.js'

function value(type: string, ...bytes: readonly number[]): StoredValue {
  return { type, bytes: new Uint8Array(bytes) }
}

function inline(json: string): StoredValue {
  return { type: 'inline', bytes: Buffer.from(json) }
}

function float(number: number): StoredValue {
  const bytes = Buffer.alloc(9, 0xcb)
  bytes.writeDoubleBE(number, 1)
  return { type: 'msgpack', bytes }
}

function record(
  channels: Readonly<Record<string, StoredValue>>,
  more: Partial<CheckpointRecord> = {},
): CheckpointRecord {
  const versions = Object.fromEntries(Object.keys(channels).map((name, i) => [name, `000${i + 1}.5`]))
  return {
    thread_id: 't',
    checkpoint_ns: 'node:1|inner:2',
    checkpoint_id: 'c',
    parent_checkpoint_id: null,
    timestamp: null,
    language: 'python',
    state: { checkpoint: { v: 4, id: 'c', channel_versions: versions }, channels },
    metadata: { step: 1 },
    writes: [],
    ...more,
  }
}

function placed(stored: StoredValue): { readonly inline: string | null; readonly blob: string | null } {
  const { checkpoint, blobs } = rowsOfCheckpoint(record({ a: stored }), 'langgraph-postgres')
  const kept = /"channel_values":\{(?:"a":(.*))?\}\}$/.exec(checkpoint)?.[1]
  const [blob] = blobs
  return { inline: kept ?? null, blob: blob?.blob == null ? null : Buffer.from(blob.blob).toString('hex') }
}

describe("a checkpoint in Python's tables", () => {
  it('keeps inline what JSONB gives back as it was, and the rest by itself', () => {
    expect(placed(inline('1.0'))).toEqual({ inline: '1.0', blob: null })
    expect(placed(value('msgpack', 0x05))).toEqual({ inline: '5', blob: null })
    expect(placed(value('msgpack', 0xc0))).toEqual({ inline: 'null', blob: null })
    expect(placed(value('msgpack', 0xa1, 0x61))).toEqual({ inline: '"a"', blob: null })
    expect(placed(float(0.5))).toEqual({ inline: '0.5', blob: null })
    expect(placed(value('msgpack', 0x90))).toEqual({ inline: null, blob: '90' })
    expect(placed({ type: 'empty', bytes: null })).toEqual({ inline: null, blob: null })
    // PostgreSQL prints 1e300 as digits, and forgets the sign of 0.
    expect(placed(float(1e300)).inline).toBe(null)
    expect(placed(float(-0)).inline).toBe(null)
    expect(placed(float(Number.NaN)).inline).toBe(null)
    expect(placed(value('msgpack', 0xa1, 0x00))).toEqual({ inline: null, blob: 'a100' })
  })

  it('gives bytes the type that they have by themselves', () => {
    const { blobs } = rowsOfCheckpoint(record({ a: value('msgpack', 0xc4, 0x02, 0x01, 0xff) }), 'langgraph-postgres')
    expect(blobs).toEqual([{ channel: 'a', version: '0001.5', type: 'bytes', blob: new Uint8Array([1, 0xff]) }])
  })

  it('has `true` inline for the snapshot of a delta channel, and for nothing else that is not true', () => {
    expect(placed(value('msgpack', 0xd4, 0x07, 0x90))).toEqual({ inline: 'true', blob: 'd40790' })
    expect(placed(value('msgpack', 0xc7, 0x01, 0x07, 0x90))).toEqual({ inline: 'true', blob: 'c7010790' })
    expect(placed(value('msgpack', 0xc8, 0x00, 0x01, 0x07, 0x90)).inline).toBe('true')
    expect(placed(value('msgpack', 0xc9, 0, 0, 0, 1, 0x07, 0x90)).inline).toBe('true')
    expect(placed(value('msgpack', 0xd4, 0x05, 0x90)).inline).toBe(null)
    expect(placed(value('msgpack', 0xc3))).toEqual({ inline: 'true', blob: null })
  })
})

describe('what a store has no place for', () => {
  const refusal = (given: CheckpointRecord, layout: Parameters<typeof rowsOfCheckpoint>[1] = 'langgraph-postgres') =>
    expect(() => rowsOfCheckpoint(given, layout))

  it('is refused, naming the checkpoint and what it is', () => {
    refusal(record({}), 'langgraph-js-postgres').toThrow(
      `Checkpoint "c" of thread "t", namespace "node:1|inner:2" was written by Python's LangGraph, and "langgraph-js-postgres"`,
    )
    refusal(record({}, { state: { sealed: value('msgpack+aes', 1) } })).toThrow(/one value of the type "msgpack\+aes"/)
    const withoutVersion = { checkpoint: { channel_versions: {} }, channels: { a: value('msgpack', 0x90) } }
    refusal(record({}, { state: withoutVersion })).toThrow(/the channel "a" has a value and no version/)
    refusal(record({}, { thread_id: 'a\0b' })).toThrow(/U\+0000 or half of a surrogate pair/)
    refusal(record({}, { metadata: { text: '\ud800' } })).toThrow(/U\+0000 or half of a surrogate pair/)
  })

  it('is left out where the library of JavaScript leaves it out, and named if it is more than nothing', () => {
    const json = (text: string): StoredValue => ({ type: 'json', bytes: Buffer.from(text) })
    const channels = { messages: json('[]'), counter: json('{"from":7}'), told: json('1') }
    const state = { checkpoint: { channel_versions: { told: 2 } }, channels }
    const { blobs, leftOut } = rowsOfCheckpoint(record({}, { language: 'js', state }), 'langgraph-js-postgres')
    expect(blobs.map(({ channel, version }) => [channel, version])).toEqual([['told', '2']])
    expect(leftOut).toEqual(['counter'])
  })

  it('is not a text that only looks like an escape', () => {
    refusal(record({}, { metadata: { text: 'a \\u0000 b', other: '\u{1f600}' } })).not.toThrow()
  })
})
