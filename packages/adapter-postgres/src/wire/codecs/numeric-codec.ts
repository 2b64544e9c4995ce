import { refuseType, shownValue, ValueRefused } from '@drover/core'
import type { Codec } from '../codec.js'
import type { WireBuffer } from '../wire-buffer.js'

/**
 * The digits as Postgres prints them, trailing zeros included: '1.50', 'NaN', '-Infinity'. Written are also numbers and
 * bigints.
 *
 * On the wire: count, weight, sign, display scale, then groups of four decimal digits (src/backend/utils/adt/numeric.c).
 *
 * @param modifier Says the scale; a value with more digits is refused, because Postgres would round it.
 */
export function numericCodec(modifier = -1): Codec {
  const scale = modifier < 0 ? undefined : scaleOf(modifier)
  return {
    decode,
    encode: (value, out) => encode(numericText(value), out, scale),
    text(value) {
      const text = numericText(value)
      parse(text, scale)
      return text
    },
  }
}

const negative = 0x4000
const signs: ReadonlyMap<number, string> = new Map([
  [0xc000, 'NaN'],
  [0xd000, 'Infinity'],
  [0xf000, '-Infinity'],
])
const specials: ReadonlyMap<string, number> = new Map([
  ['nan', 0xc000],
  ['infinity', 0xd000],
  ['+infinity', 0xd000],
  ['inf', 0xd000],
  ['+inf', 0xd000],
  ['-infinity', 0xf000],
  ['-inf', 0xf000],
])
const mostWholeDigits = 131072
const mostScale = 16383

function decode(bytes: Buffer, at: number): string {
  const groups = bytes.readUInt16BE(at)
  const weight = bytes.readInt16BE(at + 2)
  const sign = bytes.readUInt16BE(at + 4)
  const special = signs.get(sign)
  if (special !== undefined) return special
  const scale = bytes.readUInt16BE(at + 6)
  const first = at + 8
  let text = sign === negative ? '-' : ''
  if (weight < 0) text += '0'
  for (let i = 0; i <= weight; i++) {
    const group = i < groups ? bytes.readUInt16BE(first + i * 2) : 0
    text += i === 0 ? group : padded(group)
  }
  if (scale === 0) return text
  let fraction = ''
  for (let i = weight + 1; fraction.length < scale; i++) {
    fraction += i >= 0 && i < groups ? padded(bytes.readUInt16BE(first + i * 2)) : '0000'
  }
  return `${text}.${fraction.length > scale ? fraction.slice(0, scale) : fraction}`
}

function padded(group: number): string {
  return group >= 1000 ? String(group) : String(10000 + group).slice(1)
}

function numericText(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value
    case 'bigint':
    case 'number':
      return String(value)
    default:
      return refuseType(value, 'numbers, or their digits as text')
  }
}

function encode(text: string, out: WireBuffer, scale: number | undefined): void {
  const special = specials.get(text.trim().toLowerCase())
  if (special !== undefined) {
    out.reserve(8)
    out.int32(0)
    out.int16(special)
    // numeric_send() takes the scale of an infinity from bits that mean something else there; so bytes stay equal.
    out.int16((special & 0x1f80) >> 7)
    return
  }
  const { isNegative, whole, fraction } = parse(text, scale)
  // Groups of four, aligned at the point; those of zeros at either end are left out.
  const digits =
    whole.padStart(Math.ceil(whole.length / 4) * 4, '0') + fraction.padEnd(Math.ceil(fraction.length / 4) * 4, '0')
  const before = Math.ceil(whole.length / 4)
  const count = digits.length / 4
  out.reserve(8 + count * 2)
  const start = out.at
  out.at += 8
  let first = -1
  let end = start + 8
  for (let i = 0; i < count; i++) {
    const group = groupAt(digits, i * 4)
    if (group === 0 && first < 0) continue
    if (first < 0) first = i
    out.int16(group)
    if (group !== 0) end = out.at
  }
  out.at = start
  out.int16((end - start - 8) / 2)
  out.int16(first < 0 ? 0 : before - 1 - first)
  out.int16(isNegative && first >= 0 ? negative : 0)
  out.int16(fraction.length)
  out.at = end
}

function groupAt(digits: string, at: number): number {
  return (
    digits.charCodeAt(at) * 1000 +
    digits.charCodeAt(at + 1) * 100 +
    digits.charCodeAt(at + 2) * 10 +
    digits.charCodeAt(at + 3) -
    0x30 * 1111
  )
}

const decimal = /^\s*([-+]?)(\d*)(?:\.(\d*))?(?:e([-+]?\d{1,6}))?\s*$/i

interface Digits {
  readonly isNegative: boolean
  /** Without leading zeros. */
  readonly whole: string
  readonly fraction: string
}

function parse(text: string, scale: number | undefined): Digits {
  const found = decimal.exec(text)
  let whole = found?.[2] ?? ''
  let fraction = found?.[3] ?? ''
  if (found === null || whole + fraction === '') {
    if (specials.has(text.trim().toLowerCase())) return { isNegative: false, whole: '', fraction: '' }
    return refuseType(text, 'the digits of a number')
  }
  const exponent = Number(found[4] ?? 0)
  if (Math.abs(exponent) > mostWholeDigits + mostScale) throw tooLarge(text)
  if (exponent > 0) {
    const moved = fraction.slice(0, exponent).padEnd(exponent, '0')
    fraction = fraction.slice(exponent)
    whole += moved
  } else if (exponent < 0) {
    const all = whole.padStart(-exponent, '0')
    fraction = all.slice(all.length + exponent) + fraction
    whole = all.slice(0, all.length + exponent)
  }
  if (whole.startsWith('0')) whole = whole.replace(/^0+/, '')
  if (whole.length > mostWholeDigits || fraction.length > mostScale) throw tooLarge(text)
  if (scale !== undefined && isRounded(whole, fraction, scale)) {
    throw new ValueRefused(
      shownValue(text),
      `The column keeps ${scale} digits behind the point and would round it: give it a larger scale, or round in a step.`,
    )
  }
  return { isNegative: found[1] === '-', whole, fraction }
}

function isRounded(whole: string, fraction: string, scale: number): boolean {
  const lost = scale >= 0 ? fraction.slice(scale) : whole.slice(scale) + fraction
  return /[1-9]/.test(lost)
}

/** Scales are 11 bits with a sign since version 15. */
function scaleOf(modifier: number): number {
  return (((modifier - 4) & 0x7ff) ^ 0x400) - 0x400
}

function tooLarge(text: string): ValueRefused {
  return new ValueRefused(
    shownValue(text),
    `A numeric has at most ${mostWholeDigits} digits before the point and ${mostScale} behind it.`,
  )
}
