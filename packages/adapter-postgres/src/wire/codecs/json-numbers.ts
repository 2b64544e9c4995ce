import { readUtf8 } from '../native-text.js'

/** Up to 15 digits always survive a double (DBL_DIG); a point is counted with them. */
const safeDigits = 15

/** The first number of a JSON text in UTF-8 that a double would change; undefined if there is none. Integers become bigints. */
export function inexactNumber(bytes: Buffer, at: number, length: number): string | undefined {
  if (!mayBeInexact(bytes, at, at + length)) return undefined
  for (const [token] of readUtf8(bytes, at, at + length).matchAll(stringOrNumber)) {
    if (!token.startsWith('"') && !isExact(token)) return token
  }
  return undefined
}

/** A look at the bytes that spares almost all values the other one. */
function mayBeInexact(bytes: Uint8Array, from: number, end: number): boolean {
  let run = 0
  for (let i = from; i < end; i++) {
    const byte = bytes[i] as number
    if ((byte >= 0x30 && byte <= 0x39) || byte === 0x2e) {
      if (++run > safeDigits) return true
    } else if (byte === 0x22) {
      run = 0
      for (i++; i < end && bytes[i] !== 0x22; i++) if (bytes[i] === 0x5c) i++
    } else {
      if (run > 0 && (byte | 0x20) === 0x65) return true
      run = 0
    }
  }
  return false
}

const stringOrNumber = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/g

function isExact(literal: string): boolean {
  if (/^-?\d+$/.test(literal)) return true
  const value = Number(literal)
  return Number.isFinite(value) && canonical(literal) === canonical(String(value))
}

/** The same text for the same number: digits without zeros at their ends, and the power of ten. */
function canonical(literal: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e([-+]?\d+))?$/i.exec(literal) ?? []
  const digits = (whole + fraction).replace(/^0+/, '')
  const significant = digits.replace(/0+$/, '')
  if (significant === '') return '0'
  return `${sign}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`
}
