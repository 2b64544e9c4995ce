import { refuseType } from '@drover/core'
import type { Codec } from '../codec.js'
import { readLatin1 } from '../native-text.js'

/** Text of 36 characters, in lower case. Written are all forms that Postgres reads: capitals, braces, other hyphens. */
export const uuidCodec: Codec = {
  decode(bytes, at) {
    for (let i = 0; i < 16; i++) {
      const byte = bytes[at + i] as number
      const place = places[i] as number
      scratch[place] = hexDigits.charCodeAt(byte >> 4)
      scratch[place + 1] = hexDigits.charCodeAt(byte & 15)
    }
    return readLatin1(scratch, 0, 36)
  },
  encode(value, out) {
    const digits = plainUuid(value)
    out.reserve(16)
    for (let i = 0; i < 16; i++) {
      const place = places[i] as number
      out.bytes[out.at + i] =
        ((nibbles[digits.charCodeAt(place)] as number) << 4) | (nibbles[digits.charCodeAt(place + 1)] as number)
    }
    out.at += 16
  },
  text: plainUuid,
}

const hexDigits = '0123456789abcdef'
const scratch = Buffer.from('00000000-0000-0000-0000-000000000000')
/** Where a byte's two digits stand. */
const places = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34]
const nibbles = new Uint8Array(128).fill(16)
for (let i = 0; i < 16; i++) {
  nibbles[hexDigits.charCodeAt(i)] = i
  nibbles[hexDigits.toUpperCase().charCodeAt(i)] = i
}

function plainUuid(value: unknown): string {
  if (typeof value !== 'string') return refuseType(value, 'a uuid as text')
  return isPlain(value) ? value : unusualUuid(value)
}

function isPlain(text: string): boolean {
  if (text.length !== 36) return false
  for (let i = 0; i < 36; i++) {
    const unit = text.charCodeAt(i)
    const isHyphen = i === 8 || i === 13 || i === 18 || i === 23
    if (isHyphen ? unit !== 0x2d : unit > 127 || nibbles[unit] === 16) return false
  }
  return true
}

/** Postgres reads hyphens behind any four digits, and braces around. */
function unusualUuid(text: string): string {
  const inner = text.startsWith('{') && text.endsWith('}') ? text.slice(1, -1) : text
  if (!/^(?:[\da-f]{4}-?){7}[\da-f]{4}$/i.test(inner)) return refuseType(text, 'a uuid of 32 hexadecimal digits')
  const digits = inner.replaceAll('-', '')
  return [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16), digits.slice(16, 20), digits.slice(20)].join(
    '-',
  )
}
