import { refuseType } from '@drover/core'
import type { Codec } from '../codec.js'

/** `boolean`. Written are also 0 and 1, which stores without booleans have, and the words that Postgres reads. */
export const booleanCodec: Codec = {
  decode: (bytes, at) => bytes[at] === 1,
  encode(value, out) {
    out.reserve(1)
    out.bytes[out.at++] = truth(value) ? 1 : 0
  },
  text: (value) => (truth(value) ? 't' : 'f'),
}

function truth(value: unknown): boolean {
  if (typeof value === 'boolean') return value
  if (value === 0 || value === 0n) return false
  if (value === 1 || value === 1n) return true
  const word = typeof value === 'string' ? words.get(value.trim().toLowerCase()) : undefined
  return word ?? refuseType(value, 'true, false, 0 or 1')
}

/** parse_bool() of PostgreSQL (src/backend/utils/adt/bool.c), without the beginnings of words. */
const words: ReadonlyMap<string, boolean> = new Map([
  ...['t', 'true', 'y', 'yes', 'on', '1'].map((word) => [word, true] as const),
  ...['f', 'false', 'n', 'no', 'off', '0'].map((word) => [word, false] as const),
])
