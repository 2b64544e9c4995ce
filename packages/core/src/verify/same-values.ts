import type { LogicalType } from '../contracts/schema.js'
import { type Instant, parseInstant } from '../time/instant.js'
import { codeOf, instantOf, itemCodeOf, parsed, plain } from './value-codes.js'

/** Whether two values mean the same: whether their codes are the same, which are made only where a look does not tell. */
export type Same = (a: unknown, b: unknown) => boolean

/** For the values of a field that the sides describe so. */
export function sameOf(types: readonly LogicalType[]): Same {
  const unlike = unlikeOf(types)
  return (a, b) => {
    if (a === b) return true
    return isNothing(a) || isNothing(b) ? isNothing(a) && isNothing(b) : unlike(a, b)
  }
}

/** For values of which neither is nothing. Quicker than codes where both sides write long texts, or make objects, that are seldom one and the same. */
function unlikeOf(types: readonly LogicalType[]): Same {
  const code = codeOf(types)
  if (code === plain) return samePlain
  const byCode: Same = (a, b) => code(a) === code(b)
  const is = (...kinds: readonly LogicalType['kind'][]): boolean => types.some(({ kind }) => kinds.includes(kind))
  if (is('vector', 'float') || itemCodeOf(types) !== plain) return byCode
  if (is('json', 'list', 'struct')) return (a, b) => samePlain(parsed(a), parsed(b))
  if (!is('timestamp')) return byCode
  const canonical = new CanonicalInstants()
  return (a, b) => canonical.same(a, b) ?? sameInstant(instantOf(a), instantOf(b)) ?? byCode(a, b)
}

const zero = 0x30
const fractionAt = '2025-01-01T00:00:00'.length

/**
 * Texts such as `2025-01-01T00:00:00.5Z`, as most stores write them: those of one second differ in nothing but how many digits follow.
 * Their days come one behind the other, so the day is looked at when it is another one.
 */
class CanonicalInstants {
  #day = ''

  /** True if they are one instant; undefined if that has to be found out in another way. */
  same(a: unknown, b: unknown): true | undefined {
    if (typeof a !== 'string' || typeof b !== 'string' || !this.#isCanonical(a)) return undefined
    for (let i = 0; i < fractionAt; i++) if (a.charCodeAt(i) !== b.charCodeAt(i)) return undefined
    return sameFraction(a, b) ? true : undefined
  }

  #isCanonical(text: string): boolean {
    if (text.length <= fractionAt || text.charCodeAt(10) !== 0x54 || !isTimeOfDay(text)) return false
    if (text.startsWith(this.#day) && this.#day !== '') return true
    const day = text.slice(0, 10)
    if (!/^\d{4}-/.test(day) || parseInstant(day) === null) return false
    this.#day = day
    return true
  }
}

/** From 00:00:00 to 23:59:59. */
function isTimeOfDay(text: string): boolean {
  return (
    digitsAt(text, 11) < 24 &&
    text.charCodeAt(13) === 0x3a &&
    digitsAt(text, 14) < 60 &&
    text.charCodeAt(16) === 0x3a &&
    digitsAt(text, 17) < 60
  )
}

/** Two digits as a number; NaN if they are none, which is less than no number. */
function digitsAt(text: string, at: number): number {
  const [tens, ones] = [text.charCodeAt(at) - zero, text.charCodeAt(at + 1) - zero]
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN
}

/** Both end in `Z`, with no digits in front of it or up to nine, and those that one has more are zeros. */
function sameFraction(a: string, b: string): boolean {
  const [endA, endB] = [fractionEnd(a), fractionEnd(b)]
  if (endA === -1 || endB === -1) return false
  const end = Math.max(endA, endB)
  for (let i = fractionAt + 1; i < end; i++) {
    if ((i < endA ? a.charCodeAt(i) : zero) !== (i < endB ? b.charCodeAt(i) : zero)) return false
  }
  return true
}

/** Where the `Z` stands; -1 if something else stands there, or before it. */
function fractionEnd(text: string): number {
  const end = text.length - 1
  if (text.charCodeAt(end) !== 0x5a) return -1
  if (end === fractionAt) return end
  if (text.charCodeAt(fractionAt) !== 0x2e || end < fractionAt + 2 || end > fractionAt + 10) return -1
  for (let i = fractionAt + 1; i < end; i++) {
    const digit = text.charCodeAt(i) - zero
    if (digit < 0 || digit > 9) return -1
  }
  return end
}

/** Undefined where one of them is no instant. */
function sameInstant(a: Instant | null, b: Instant | null): boolean | undefined {
  return a === null || b === null ? undefined : a.seconds === b.seconds && a.nanos === b.nanos
}

/** Whether `plain` gives the same code for both. */
function samePlain(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a === 'string' && typeof b === 'string') return false
  if (Array.isArray(a) && Array.isArray(b)) return sameItems(a, b)
  return isPlainObject(a) && isPlainObject(b) ? sameMembers(a, b) : plain(a) === plain(b)
}

function sameItems(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (!samePlain(a[i], b[i])) return false
  return true
}

type Members = Readonly<Record<string, unknown>>

/** In any order; a member that is undefined is none. */
function sameMembers(a: Members, b: Members): boolean {
  let more = 0
  for (const name of Object.keys(a)) {
    if (a[name] === undefined) continue
    if (!Object.hasOwn(b, name) || b[name] === undefined || !samePlain(a[name], b[name])) return false
    more--
  }
  for (const name of Object.keys(b)) if (b[name] !== undefined) more++
  return more === 0
}

function isPlainObject(value: unknown): value is Members {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function isNothing(value: unknown): value is null | undefined {
  return value === null || value === undefined
}
