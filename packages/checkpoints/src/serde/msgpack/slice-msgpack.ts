import type { StoredValue } from '../../records/stored-value.js'
import type { Sliced } from '../slice-checkpoint.js'
import { Unreadable } from '../unreadable.js'
import { ByteCursor } from './byte-cursor.js'
import { notPlain, plainMsgpack } from './plain-msgpack.js'
import { checkEnd } from './show-msgpack.js'
import { skipMsgpack } from './skip-msgpack.js'

/** A checkpoint of one value in MessagePack, taken apart. @throws Unreadable */
export function sliceMsgpack(bytes: Uint8Array): Sliced {
  const cursor = ByteCursor.over(bytes)
  const fields: [string, unknown][] = []
  let channels: Record<string, StoredValue> = {}
  const count = mapCount(cursor, 'the checkpoint')
  for (let i = 0; i < count; i++) {
    const name = nameAt(cursor)
    if (name === 'channel_values') channels = channelsAt(cursor)
    else fields.push([name, fieldAt(cursor)])
  }
  checkEnd(cursor)
  return { checkpoint: Object.fromEntries(fields), channels }
}

function channelsAt(cursor: ByteCursor): Record<string, StoredValue> {
  const channels: [string, StoredValue][] = []
  const count = mapCount(cursor, 'channel_values')
  for (let i = 0; i < count; i++) channels.push([nameAt(cursor), rawAt(cursor)])
  return Object.fromEntries(channels)
}

/** A field beside the channels: as JSON has it, or its own bytes. */
function fieldAt(cursor: ByteCursor): unknown {
  const start = cursor.at
  const value = plainMsgpack(cursor)
  if (value !== notPlain) return value
  cursor.at = start
  return rawAt(cursor)
}

function rawAt(cursor: ByteCursor): StoredValue {
  const start = cursor.at
  skipMsgpack(cursor)
  return { type: 'msgpack', bytes: cursor.bytes.subarray(start, cursor.at) }
}

function mapCount(cursor: ByteCursor, what: string): number {
  const start = cursor.at
  const first = cursor.byte()
  const count =
    first >= 0x80 && first < 0x90
      ? first & 0x0f
      : first === 0xde
        ? cursor.uint(2)
        : first === 0xdf
          ? cursor.uint(4)
          : undefined
  if (count === undefined) throw new Unreadable(`${what} is no map`, start)
  cursor.checkCount(count, 2, 'a map')
  return count
}

function nameAt(cursor: ByteCursor): string {
  const start = cursor.at
  const name = plainMsgpack(cursor)
  if (typeof name === 'string') return name
  throw new Unreadable('a name is no text', start)
}
