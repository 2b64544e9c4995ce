import { isUtf8 } from 'node:buffer'
import { DroverError, type JsonValue } from '@drover/core'

/** The place behind a key: its text, or, where that would not hold it in every store, a list of its bytes in base64. */
export function cursorOf(key: Uint8Array): JsonValue {
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.byteLength)
  // A state store in PostgreSQL has no place for U+0000.
  return isUtf8(bytes) && !bytes.includes(0) ? bytes.toString('utf8') : [bytes.toString('base64')]
}

/**
 * The key that a cursor stands behind.
 *
 * @throws `STATE_INVALID`
 */
export function keyAt(cursor: JsonValue): Buffer {
  if (typeof cursor === 'string') return Buffer.from(cursor, 'utf8')
  const [encoded, ...more] = Array.isArray(cursor) ? cursor : []
  if (typeof encoded === 'string' && more.length === 0) {
    const key = Buffer.from(encoded, 'base64')
    if (key.toString('base64') === encoded) return key
  }
  throw new DroverError(
    'STATE_INVALID',
    `The stored position is none of a read of Redis: ${JSON.stringify(cursor).slice(0, 100)}. It belongs to something else, or was changed; begin a new run.`,
  )
}
