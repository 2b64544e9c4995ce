import type { StoredValue } from '../../records/stored-value.js'
import type { Sliced } from '../slice-checkpoint.js'
import { isObject } from '../tags/tag.js'
import { Unreadable } from '../unreadable.js'
import { membersOf } from './json-ranges.js'
import { holdsOddNumber, parseJson } from './parse-json.js'

/** A checkpoint of one value in JSON, taken apart. @throws Unreadable */
export function sliceJson(given: Uint8Array): Sliced {
  const bytes = Buffer.from(given.buffer, given.byteOffset, given.byteLength)
  const whole = parseJson(bytes)
  if (!isObject(whole)) throw new Unreadable('the checkpoint is no object', 0)
  const checkpoint: [string, unknown][] = []
  let channels: Record<string, StoredValue> = {}
  for (const { name, start, end } of membersOf(bytes)) {
    const value = whole[name]
    if (name !== 'channel_values') {
      checkpoint.push([name, holdsOddNumber(value) ? raw(bytes, start, end) : value])
      continue
    }
    if (!isObject(value)) throw new Unreadable('channel_values is no object', start)
    channels = Object.fromEntries(
      membersOf(bytes, start).map((member) => [member.name, raw(bytes, member.start, member.end)]),
    )
  }
  return { checkpoint: Object.fromEntries(checkpoint), channels }
}

function raw(bytes: Buffer, start: number, end: number): StoredValue {
  return { type: 'json', bytes: bytes.subarray(start, end) }
}
