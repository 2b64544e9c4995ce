import type { Json } from './json-scanner.js'
import { badBody } from './refusal.js'

/** An unsigned integer of 64 bits (`bigint` beyond 2^53), or a UUID in its usual form, lower case. */
export type PointId = number | bigint | string

const simple = /^[0-9a-f]{32}$/
const hyphenated = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Every form of a UUID that the real server takes: simple, hyphenated, in braces, as a URN; in either case. */
export function pointId(value: Json | undefined): PointId {
  if (typeof value === 'bigint' ? value >= 0n : typeof value === 'number' && Number.isInteger(value) && value >= 0) {
    return value as number | bigint
  }
  const id = typeof value === 'string' ? uuid(value) : undefined
  if (id !== undefined) return id
  const shown = typeof value === 'object' || value === undefined ? 'it' : String(value)
  throw badBody(`value ${shown} is not a valid point ID, valid values are either an unsigned integer or a UUID`)
}

export function uuid(text: string): string | undefined {
  let id = text.toLowerCase()
  if (id.startsWith('urn:uuid:')) id = id.slice(9)
  else if (id.startsWith('{') && id.endsWith('}')) id = id.slice(1, -1)
  if (hyphenated.test(id)) return id
  if (!simple.test(id)) return undefined
  return `${id.slice(0, 8)}-${id.slice(8, 12)}-${id.slice(12, 16)}-${id.slice(16, 20)}-${id.slice(20)}`
}

/** The order of scrolling: numbers, then UUIDs, each ascending. */
export function compareIds(a: PointId, b: PointId): number {
  const isText = typeof a === 'string'
  if (isText !== (typeof b === 'string')) return isText ? 1 : -1
  return a < b ? -1 : a > b ? 1 : 0
}
