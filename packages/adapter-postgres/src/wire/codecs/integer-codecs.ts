import { refuseType, shownValue, ValueRefused } from '@drover/core'
import type { Codec } from '../codec.js'
import type { WireBuffer } from '../wire-buffer.js'

export const int2Codec: Codec = {
  decode: (bytes, at) => (((bytes[at] as number) << 24) >> 16) | (bytes[at + 1] as number),
  encode(value, out) {
    const whole = small(value, -0x8000, 0x7fff, 'smallint')
    out.reserve(2)
    out.int16(whole)
  },
  encodeUtf8: {
    of: 'integer',
    write(bytes, at, end, out) {
      const whole = digitsAt(bytes, at, end)
      if (!(whole >= -0x8000 && whole <= 0x7fff)) return false
      out.reserve(2)
      out.int16(whole)
      return true
    },
  },
  text: (value) => String(small(value, -0x8000, 0x7fff, 'smallint')),
}

export const int4Codec: Codec = {
  decode: (bytes, at) => readInt32(bytes, at),
  encode(value, out) {
    const whole = small(value, -0x80000000, 0x7fffffff, 'integer')
    out.reserve(4)
    out.int32(whole)
  },
  encodeUtf8: {
    of: 'integer',
    write(bytes, at, end, out) {
      const whole = digitsAt(bytes, at, end)
      if (!(whole >= -0x80000000 && whole <= 0x7fffffff)) return false
      out.reserve(4)
      out.int32(whole)
      return true
    },
  },
  text: (value) => String(small(value, -0x80000000, 0x7fffffff, 'integer')),
}

export const oidCodec: Codec = {
  decode: (bytes, at) => readInt32(bytes, at) >>> 0,
  encode(value, out) {
    const whole = small(value, 0, 0xffffffff, 'oid')
    out.reserve(4)
    out.int32(whole)
  },
  text: (value) => String(small(value, 0, 0xffffffff, 'oid')),
}

/** `number` while it is safe, else `bigint`. */
export const int8Codec: Codec = {
  decode: (bytes, at) => safeInteger(bytes, at),
  encode(value, out) {
    out.reserve(8)
    const whole = large(value)
    if (typeof whole === 'number') writeInt64(out, whole)
    else out.at = out.bytes.writeBigInt64BE(whole, out.at)
  },
  encodeUtf8: {
    of: 'integer',
    write(bytes, at, end, out) {
      const whole = digitsAt(bytes, at, end)
      if (Number.isNaN(whole)) return false
      out.reserve(8)
      writeInt64(out, whole)
      return true
    },
  },
  text: (value) => String(large(value)),
}

export function readInt32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  )
}

/** An integer of 64 bits: `number` if it is safe, else `bigint`. */
export function safeInteger(bytes: Buffer, at: number): number | bigint {
  const high = readInt32(bytes, at)
  const low = readInt32(bytes, at + 4) >>> 0
  if (high < 0x200000 && high > -0x200000) return high * 0x100000000 + low
  const value = bytes.readBigInt64BE(at)
  return value >= minSafe && value <= maxSafe ? Number(value) : value
}

/** Of a safe integer; room is there. */
export function writeInt64(out: WireBuffer, value: number): void {
  out.int32(Math.floor(value / 0x100000000))
  out.int32(value)
}

/** NaN if it is none, or has so many digits that a double might not hold it. */
function digitsAt(bytes: Buffer, at: number, end: number): number {
  const isNegative = bytes[at] === 0x2d
  const first = isNegative ? at + 1 : at
  if (end === first || end - first > 15) return Number.NaN
  let value = 0
  for (let i = first; i < end; i++) {
    const digit = (bytes[i] as number) - 0x30
    if (digit < 0 || digit > 9) return Number.NaN
    value = value * 10 + digit
  }
  return isNegative ? -value : value
}

const minSafe = BigInt(Number.MIN_SAFE_INTEGER)
const maxSafe = BigInt(Number.MAX_SAFE_INTEGER)

function small(value: unknown, min: number, max: number, type: string): number {
  if (typeof value === 'number' && Number.isInteger(value)) {
    if (value >= min && value <= max) return value
    throw outOfRange(value, min, max, type)
  }
  const whole = integerOf(value)
  if (whole < min || whole > max) throw outOfRange(value, min, max, type)
  return Number(whole)
}

function large(value: unknown): number | bigint {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  const whole = integerOf(value)
  if (BigInt.asIntN(64, whole) !== whole) throw outOfRange(value, -(2n ** 63n), 2n ** 63n - 1n, 'bigint')
  return whole
}

/** What no safe `number` is: a bigint, digits, or a number that is integral by chance. */
function integerOf(value: unknown): bigint {
  if (typeof value === 'bigint') return value
  if (typeof value === 'string' && /^\s*[-+]?\d{1,40}\s*$/.test(value)) return BigInt(value.trim().replace('+', ''))
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value)
  if (typeof value === 'number')
    throw new ValueRefused(shownValue(value), 'It takes whole numbers: round it in a step.')
  return refuseType(value, 'whole numbers')
}

function outOfRange(value: unknown, min: number | bigint, max: number | bigint, type: string): ValueRefused {
  return new ValueRefused(shownValue(value), `A ${type} is from ${min} to ${max}: make the column larger.`)
}
