import type { ByteCursor } from './byte-cursor.js'
import { decodeMsgpack, type Makers } from './decode-msgpack.js'

/** What {@link plainMsgpack} says of a value that JSON has no form for. */
export const notPlain = Symbol('not plain')

const refuse = (): never => {
  throw notPlain
}

const makers: Makers = {
  // JSON does have -0.
  float: (value) => (value === 0 ? value : refuse()),
  bytes: refuse,
  extension: refuse,
  entries: (entries) => (entries.every(([key]) => typeof key === 'string') ? Object.fromEntries(entries) : refuse()),
}

/**
 * The value at the cursor if JSON has a form for it, else {@link notPlain}: then the cursor stands anywhere.
 *
 * @throws Unreadable
 */
export function plainMsgpack(cursor: ByteCursor): unknown {
  try {
    return decodeMsgpack(cursor, makers)
  } catch (error) {
    if (error === notPlain) return notPlain
    throw error
  }
}
