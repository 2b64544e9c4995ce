import { type Row, ValueRefused } from '@drover/core'
import { describe, expect, it } from 'vitest'
import { CommandBuffer } from './command-buffer.js'
import { RecordWriter } from './record-writer.js'

const nested = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels))

describe('a document for RedisJSON', () => {
  const server = { hasJson: true, countsEntries: true }
  const write = (record: Row, value: string | undefined): boolean => {
    const writer = new RecordWriter({ as: 'json', value, expiresAt: undefined, merge: undefined }, server, null)
    return writer.write(record, null, 0, new CommandBuffer(), false)
  }

  // A script that JSON.SET fails would end in the middle.
  it.each([
    ['a field that is too deep', { v: nested(128) }, 'v'],
    ['a record that is too deep', { v: nested(127) }, undefined],
    ['a text of a number that no double holds', { v: `[${'9'.repeat(400)}]` }, 'v'],
    ['a record with such a number', { v: 10n ** 400n }, undefined],
  ])('is refused before it is sent: %s', (_, record, value) => {
    expect(() => write(record, value)).toThrow(ValueRefused)
  })

  it('is taken with as many levels as RedisJSON takes', () => {
    expect(write({ v: nested(127) }, 'v')).toBe(true)
    expect(write({ v: nested(126), n: 10n ** 300n }, undefined)).toBe(true)
  })
})
