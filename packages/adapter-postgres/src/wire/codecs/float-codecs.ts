import { refuseType, shownValue, ValueRefused } from '@drover/core'
import type { Codec } from '../codec.js'

export const float8Codec: Codec = {
  decode: (bytes, at) => bytes.readDoubleBE(at),
  encode(value, out) {
    out.reserve(8)
    out.at = out.bytes.writeDoubleBE(floatOf(value), out.at)
  },
  text: (value) => floatText(floatOf(value)),
}

/** The `number` is the float32 exactly: 0.10000000149011612 for 0.1. Written, a number becomes the nearest float32. */
export const float4Codec: Codec = {
  decode: (bytes, at) => bytes.readFloatBE(at),
  encode(value, out) {
    out.reserve(4)
    out.at = out.bytes.writeFloatBE(float32Of(value), out.at)
  },
  text: (value) => floatText(float32Of(value)),
}

const decimal = /^\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?\s*$/i

function floatOf(value: unknown): number {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') {
    const float = Number(value)
    if (Number.isFinite(float) && BigInt(float) === value) return float
    throw new ValueRefused(shownValue(value), 'A float would round it: make the column a numeric or a bigint.')
  }
  if (typeof value !== 'string') return refuseType(value, 'numbers')
  if (decimal.test(value)) return Number(value)
  return special(value.trim().toLowerCase()) ?? refuseType(value, 'numbers')
}

function float32Of(value: unknown): number {
  const float = floatOf(value)
  const nearest = Math.fround(float)
  const isLost = (Number.isFinite(float) && !Number.isFinite(nearest)) || (nearest === 0 && float !== 0)
  if (isLost)
    throw new ValueRefused(shownValue(value), 'It is out of range for a real: make the column double precision.')
  return nearest
}

function special(word: string): number | undefined {
  switch (word) {
    case 'nan':
      return Number.NaN
    case 'infinity':
    case 'inf':
    case '+infinity':
    case '+inf':
      return Number.POSITIVE_INFINITY
    case '-infinity':
    case '-inf':
      return Number.NEGATIVE_INFINITY
    default:
      return undefined
  }
}

function floatText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value)
}
