import { formatInstant } from '@drover/core'
import { calledMethod, calledWith, calledWithFields, calledWithOne } from '../tags/named-tags.js'
import { numpyTag } from '../tags/numpy-tag.js'
import type { OpaqueCount } from '../tags/opaque.js'
import { bytesTag, dictTag, floatTag, isObject, looksTagged, type Tag } from '../tags/tag.js'
import { Unreadable } from '../unreadable.js'
import { ByteCursor } from './byte-cursor.js'
import { decodeMsgpack, type Makers } from './decode-msgpack.js'

/** One value in MessagePack as tagged JSON, with the extensions of LangGraph's serialiser. @throws Unreadable */
export function showMsgpack(bytes: Uint8Array, opaque: OpaqueCount): unknown {
  const cursor = ByteCursor.over(bytes)
  const value = decodeMsgpack(cursor, new Showing(opaque))
  checkEnd(cursor)
  return value
}

/** Where a value has ended, nothing else may follow. */
export function checkEnd(cursor: ByteCursor): void {
  const more = cursor.end - cursor.at
  if (more > 0) throw new Unreadable(`${more} bytes follow the value`, cursor.at)
}

class Showing implements Makers {
  /** Bytes are needed as they are while an array of numpy is read. */
  #rawBytes = false

  constructor(private readonly opaque: OpaqueCount) {}

  float(value: number): unknown {
    return floatTag(value)
  }

  bytes(value: Buffer): unknown {
    return this.#rawBytes ? value : bytesTag('bytes', value)
  }

  entries(entries: [unknown, unknown][]): unknown {
    if (!entries.every(([key]) => typeof key === 'string')) return dictTag(entries)
    const object: Record<string, unknown> = Object.fromEntries(entries)
    return looksTagged(object) ? dictTag(entries) : object
  }

  extension(code: number, outer: ByteCursor, start: number, depth: number): unknown {
    const cursor = new ByteCursor(outer.bytes, start, outer.at)
    const tag = code === -1 ? timestamp(cursor, start) : undefined
    if (tag !== undefined) return tag
    if (code < 0 || code > 7) return this.opaque.show(`ext ${code}`, outer.bytes.subarray(start, outer.at))
    this.#rawBytes = code === 6
    const inner = decodeMsgpack(cursor, this, depth)
    this.#rawBytes = false
    checkEnd(cursor)
    return langGraphTag(code, inner) ?? malformed(code, start)
  }
}

function malformed(code: number, start: number): never {
  throw new Unreadable(`an extension of code ${code} does not hold what such a one holds`, start)
}

/** `EXT_*` of langgraph/checkpoint/serde/jsonplus.py; undefined if its parts are not those of such an extension. */
function langGraphTag(code: number, inner: unknown): Tag | undefined {
  if (code === 7) return { $type: 'langgraph.checkpoint.serde.types._DeltaSnapshot', value: inner }
  if (!Array.isArray(inner)) return undefined
  if (code === 6) return numpyTag(inner, floatTag)
  const [module, name, payload, method] = inner
  if (typeof module !== 'string' || typeof name !== 'string' || inner.length < 3) return undefined
  switch (code) {
    case 0:
      return calledWithOne(module, name, payload)
    case 1:
      return calledWith(module, name, payload)
    case 3:
      return typeof method === 'string' ? calledMethod(module, name, payload, method) : undefined
    default:
      return isObject(payload) ? calledWithFields(module, name, payload) : undefined
  }
}

/**
 * The extension of MessagePack itself: seconds since 1970, with or without nanoseconds, in 4, 8 or 12 bytes. Undefined for one so far away that no
 * calendar has it.
 */
function timestamp(cursor: ByteCursor, start: number): Tag | undefined {
  const { bytes } = cursor
  const length = cursor.end - start
  const [seconds, nanos] =
    length === 4
      ? [bytes.readUInt32BE(start), 0]
      : length === 8
        ? [(bytes.readUInt32BE(start) % 4) * 2 ** 32 + bytes.readUInt32BE(start + 4), bytes.readUInt32BE(start) >>> 2]
        : length === 12
          ? [Number(bytes.readBigInt64BE(start + 4)), bytes.readUInt32BE(start)]
          : malformed(-1, start)
  if (nanos > 999_999_999) return malformed(-1, start)
  if (Math.abs(seconds) > 8.64e12) return undefined
  return { $type: 'timestamp', value: formatInstant({ seconds, nanos }) }
}
