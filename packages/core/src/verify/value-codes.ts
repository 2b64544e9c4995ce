import type { LogicalType } from '../contracts/schema.js'
import { holdsUnsafeNumber, parseExactly } from '../files/parse-exactly.js'
import { shortestFloat32 } from '../files/shortest-float32.js'
import { formatInstant, type Instant, instantOfDate, parseInstant } from '../time/instant.js'

/** One text for all values that mean the same, given that they are not null. */
export type Code = (value: unknown) => string

type Kind = LogicalType['kind']

/**
 * How the values of a field are told apart, from what the sides say of it. Without a word from either, only values of the
 * same sort can be the same: a number and a bigint, a `Date` and its text, a vector and an array of its numbers.
 */
export function codeOf(types: readonly LogicalType[]): Code {
  const is = (...kinds: readonly Kind[]): boolean => types.some(({ kind }) => kinds.includes(kind))
  if (types.some((type) => type.kind === 'float' && type.bits === 32)) return float32
  if (is('vector')) return (value) => list(parsed(value), float32)
  const item = itemCodeOf(types)
  if (item !== plain && types.every(({ kind }) => kind === 'list' || kind === 'json')) {
    return (value) => list(parsed(value), (one) => (one === null || one === undefined ? plain(one) : item(one)))
  }
  if (is('json', 'list', 'struct')) return (value) => plain(parsed(value))
  if (is('timestamp')) return timestamp
  if (is('decimal')) return decimal
  if (is('boolean')) return boolean
  if (is('uuid')) return (value) => plain(typeof value === 'string' ? value.toLowerCase() : value)
  // Where each value brings its own type, 1 and 1.0 are two: both sides would have kept them apart.
  if (types.length > 1 && types.every(({ kind }) => kind === 'any')) return (value) => `${typeof value} ${plain(value)}`
  return plain
}

/** How the items of lists are told apart. */
export function itemCodeOf(types: readonly LogicalType[]): Code {
  const items = types.flatMap((type) => (type.kind === 'list' ? [type.of] : []))
  return items.length === 0 ? plain : codeOf(items)
}

/** The code of a value that has no type of its own. */
export function plain(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value)
    case 'number':
      return number(value)
    case 'object':
      return value === null ? 'null' : object(value)
    default:
      return String(value)
  }
}

/** The same digits as the bigint of that value; `String` has an exponent from 10^21 on. No sign for zero. */
function number(value: number): string {
  return Math.abs(value) >= 1e21 && Number.isFinite(value) ? BigInt(value).toString() : String(value)
}

function object(value: object): string {
  if (value instanceof Date) return plain(Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString())
  if (value instanceof Float32Array) return list(value, float32)
  if (value instanceof Uint8Array)
    return `bytes ${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')}`
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return list(value, plain)
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  return `{${members
    .map(([name, member]) => `${JSON.stringify(name)}:${plain(member)}`)
    .sort()
    .join(',')}}`
}

function list(value: unknown, code: Code): string {
  return Array.isArray(value) || value instanceof Float32Array
    ? `[${Array.from(value as ArrayLike<unknown>, code).join(',')}]`
    : plain(value)
}

/** The shortest digits that make the same float32: as JSON files hold it, and the same from a double of it. */
function float32(value: unknown): string {
  return typeof value === 'number' && Number.isFinite(value) ? shortestFloat32(Math.fround(value)) : plain(value)
}

/** What a text of JSON holds, if that is an object or an array; a text of anything else is a text. */
export function parsed(value: unknown): unknown {
  if (typeof value !== 'string' || !beginsJson(value)) return value
  try {
    const held: unknown = JSON.parse(value)
    return holdsUnsafeNumber(held) ? parseExactly(value) : held
  } catch {
    return value
  }
}

function beginsJson(text: string): boolean {
  const first = text.charCodeAt(0)
  return first === openBrace || first === openBracket || (first <= 0x20 && /^\s*[[{]/.test(text))
}

const [openBrace, openBracket] = [0x7b, 0x5b]

function timestamp(value: unknown): string {
  const instant = instantOf(value)
  return instant === null ? plain(value) : formatInstant(instant)
}

/** Null for what is no point in time that `Date` could hold. */
export function instantOf(value: unknown): Instant | null {
  const instant = value instanceof Date ? instantOfDate(value) : typeof value === 'string' ? parseInstant(value) : null
  return instant === null || Number.isNaN(instant.seconds) || Math.abs(instant.seconds) > 8.64e12 ? null : instant
}

/** `1.50`, `+1.5` and 1.5 are one number, and so are `0.0000001` and 1e-7, `NaN` as a text and as a number. */
function decimal(value: unknown): string {
  const parts = typeof value === 'object' ? null : /^([+-]?)(?=\.?\d)0*(\d*)(?:\.(\d*?)0*)?$/.exec(String(value))
  if (parts === null) return outOfOrdinary(value)
  const [, sign, whole, fraction = ''] = parts
  const digits = `${whole || '0'}${fraction === '' ? '' : `.${fraction}`}`
  return sign === '-' && digits !== '0' ? `-${digits}` : digits
}

/** What a store prints without an exponent and JavaScript with one; what is no number that has digits. */
function outOfOrdinary(value: unknown): string {
  const text = typeof value === 'object' ? '' : String(value)
  if (/^(?:NaN|-?Infinity)$/.test(text)) return text
  const parts = /^([+-]?)(?=\.?\d)(\d*)\.?(\d*)e([+-]?\d{1,5})$/i.exec(text)
  if (parts === null) return plain(value)
  const [, sign = '', whole = '', fraction = '', exponent] = parts
  const point = whole.length + Number(exponent)
  const digits = (whole + fraction).padEnd(point, '0')
  return decimal(
    point > 0 ? `${sign}${digits.slice(0, point)}.${digits.slice(point)}` : `${sign}0.${'0'.repeat(-point)}${digits}`,
  )
}

/** SQLite has no booleans: there they are 1 and 0. */
function boolean(value: unknown): string {
  if (value === 1 || value === 1n) return 'true'
  return value === 0 || value === 0n ? 'false' : plain(value)
}
