import type { LogicalType } from '../contracts/schema.js'
import type { Instant } from '../time/instant.js'
import { codeOf, instantOf, parsed, plain } from './value-codes.js'

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
  if (is('vector', 'float')) return byCode
  if (is('json', 'list', 'struct')) return (a, b) => samePlain(parsed(a), parsed(b))
  return is('timestamp') ? (a, b) => sameInstant(instantOf(a), instantOf(b)) ?? byCode(a, b) : byCode
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
