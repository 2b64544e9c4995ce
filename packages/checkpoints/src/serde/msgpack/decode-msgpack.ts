import { deepest, TooDeep, Unreadable } from '../unreadable.js'
import type { ByteCursor } from './byte-cursor.js'

/** What becomes of values that JSON has no form for. */
export interface Makers {
  float(value: number): unknown
  bytes(value: Buffer): unknown
  /** The cursor stands behind it; what it holds is between `start` and the cursor. */
  extension(code: number, cursor: ByteCursor, start: number, depth: number): unknown
  /** A map that is no plain object: by a key that is no text, or one that would be taken for a tag. */
  entries(entries: [unknown, unknown][], at: number): unknown
}

/**
 * Decodes one value (https://github.com/msgpack/msgpack/blob/master/spec.md) and leaves the cursor behind it. Integers beyond ±2^53 are `bigint`.
 *
 * @throws Unreadable
 */
export function decodeMsgpack(cursor: ByteCursor, makers: Makers, depth = 0): unknown {
  const first = cursor.byte()
  if (first < 0x80) return first
  if (first < 0x90) return mapOf(first & 0x0f, cursor, makers, depth)
  if (first < 0xa0) return listOf(first & 0x0f, cursor, makers, depth)
  if (first < 0xc0) return cursor.text(first & 0x1f)
  if (first >= 0xe0) return first - 0x100
  switch (first) {
    case 0xc0:
      return null
    case 0xc2:
      return false
    case 0xc3:
      return true
    case 0xc4:
      return makers.bytes(bytesOf(cursor.uint(1), cursor))
    case 0xc5:
      return makers.bytes(bytesOf(cursor.uint(2), cursor))
    case 0xc6:
      return makers.bytes(bytesOf(cursor.uint(4), cursor))
    case 0xc7:
      return extensionOf(cursor.uint(1), cursor, makers, depth)
    case 0xc8:
      return extensionOf(cursor.uint(2), cursor, makers, depth)
    case 0xc9:
      return extensionOf(cursor.uint(4), cursor, makers, depth)
    case 0xca:
      return floatOf(cursor.float(4), makers)
    case 0xcb:
      return floatOf(cursor.float(8), makers)
    case 0xcc:
      return cursor.uint(1)
    case 0xcd:
      return cursor.uint(2)
    case 0xce:
      return cursor.uint(4)
    case 0xcf:
      return cursor.int64(false)
    case 0xd0:
      return cursor.int(1)
    case 0xd1:
      return cursor.int(2)
    case 0xd2:
      return cursor.int(4)
    case 0xd3:
      return cursor.int64(true)
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
      return extensionOf(1 << (first - 0xd4), cursor, makers, depth)
    case 0xd9:
      return cursor.text(cursor.uint(1))
    case 0xda:
      return cursor.text(cursor.uint(2))
    case 0xdb:
      return cursor.text(cursor.uint(4))
    case 0xdc:
      return listOf(cursor.uint(2), cursor, makers, depth)
    case 0xdd:
      return listOf(cursor.uint(4), cursor, makers, depth)
    case 0xde:
      return mapOf(cursor.uint(2), cursor, makers, depth)
    case 0xdf:
      return mapOf(cursor.uint(4), cursor, makers, depth)
    default:
      throw new Unreadable('no value begins with the byte 0xc1', cursor.at - 1)
  }
}

function floatOf(value: number, makers: Makers): unknown {
  return Number.isFinite(value) && (value !== 0 || 1 / value > 0) ? value : makers.float(value)
}

function bytesOf(length: number, cursor: ByteCursor): Buffer {
  return cursor.raw(length, `${length} bytes`)
}

function listOf(count: number, cursor: ByteCursor, makers: Makers, depth: number): unknown[] {
  cursor.checkCount(count, 1, 'a list')
  checkDepth(depth, cursor)
  const list: unknown[] = []
  for (let i = 0; i < count; i++) list.push(decodeMsgpack(cursor, makers, depth + 1))
  return list
}

function mapOf(count: number, cursor: ByteCursor, makers: Makers, depth: number): unknown {
  const at = cursor.at
  cursor.checkCount(count, 2, 'a map')
  checkDepth(depth, cursor)
  const object: Record<string, unknown> = {}
  for (let i = 0; i < count; i++) {
    const key = decodeMsgpack(cursor, makers, depth + 1)
    if (typeof key !== 'string' || key.charCodeAt(0) === 0x24 || key === '__proto__') {
      return oddMap(object, key, count - i, cursor, makers, depth, at)
    }
    object[key] = decodeMsgpack(cursor, makers, depth + 1)
  }
  return object
}

/** Goes on with a map once a key was met that an object cannot have just like that. */
function oddMap(
  before: Record<string, unknown>,
  key: unknown,
  left: number,
  cursor: ByteCursor,
  makers: Makers,
  depth: number,
  at: number,
): unknown {
  const entries: [unknown, unknown][] = Object.entries(before)
  entries.push([key, decodeMsgpack(cursor, makers, depth + 1)])
  for (let i = 1; i < left; i++) {
    const next = decodeMsgpack(cursor, makers, depth + 1)
    entries.push([next, decodeMsgpack(cursor, makers, depth + 1)])
  }
  return makers.entries(entries, at)
}

function extensionOf(length: number, cursor: ByteCursor, makers: Makers, depth: number): unknown {
  const code = cursor.int(1)
  checkDepth(depth, cursor)
  const start = cursor.take(length, `an extension of ${length} bytes`)
  return makers.extension(code, cursor, start, depth + 1)
}

function checkDepth(depth: number, cursor: ByteCursor): void {
  if (depth >= deepest) throw new TooDeep(cursor.at)
}
