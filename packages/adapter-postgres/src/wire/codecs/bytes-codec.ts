import { refuseType } from '@drover/core'
import type { Codec } from '../codec.js'

/** `Uint8Array`, a copy of its own. Written are also ArrayBuffers, and hexadecimal text as Postgres prints it: `\x00ff`. */
export const bytesCodec: Codec = {
  decode: (bytes, at, length) => new Uint8Array(bytes.subarray(at, at + length)),
  encode(value, out) {
    out.copy(bytesOf(value))
  },
  text(value) {
    const bytes = bytesOf(value)
    return `\\x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`
  },
}

function bytesOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value
  if (value instanceof ArrayBuffer) return new Uint8Array(value)
  if (typeof value === 'string' && /^\\x(?:[\da-f]{2})*$/i.test(value)) return Buffer.from(value.slice(2), 'hex')
  return refuseType(value, 'a Uint8Array')
}
