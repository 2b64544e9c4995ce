import { DroverError, type JsonValue } from '@drover/core'
import type { PointId } from '../wire/wire-point.js'

/** The greatest number that an id can be. */
const lastNumber = 2n ** 64n - 1n
const lastUuid = 2n ** 128n - 1n
/** The first id behind all numbers. */
export const firstUuid = '00000000-0000-0000-0000-000000000000'

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const digits = /^[1-9]\d{15,19}$/

/** The order in which Qdrant scrolls: numbers, then UUIDs by their bits. UUIDs are in lower case, so that of their texts is the same. */
export function comparePointIds(a: PointId, b: PointId): number {
  if (typeof a === 'string') return typeof b !== 'string' ? 1 : a < b ? -1 : a > b ? 1 : 0
  return typeof b === 'string' ? -1 : a < b ? -1 : a > b ? 1 : 0
}

/** The least id behind this one, whether or not there is such a point; null behind the greatest. */
export function nextPointId(id: PointId): PointId | null {
  if (typeof id === 'string') {
    const bits = bitsOf(id)
    return bits === lastUuid ? null : uuidOf(bits + 1n)
  }
  return BigInt(id) === lastNumber ? firstUuid : narrowed(BigInt(id) + 1n)
}

/** As cursors, bounds and keys hold it: a bigint becomes its digits, which no UUID is. */
export function pointIdJson(id: PointId): string | number {
  return typeof id === 'bigint' ? id.toString() : id
}

/** The other way round; undefined for what no id is written as. */
export function pointIdOf(json: unknown): PointId | undefined {
  if (typeof json === 'number') return Number.isSafeInteger(json) && json >= 0 ? json : undefined
  if (typeof json !== 'string') return undefined
  if (uuid.test(json)) return json
  if (!digits.test(json) || BigInt(json) > lastNumber) return undefined
  return narrowed(BigInt(json))
}

/** An id where stored state is to hold one. @throws `STATE_INVALID` */
export function storedPointId(json: JsonValue, what: string): PointId {
  const id = pointIdOf(json)
  if (id !== undefined) return id
  throw new DroverError('STATE_INVALID', `${what} is none that qdrantSource made. Start the run anew.`)
}

/** The bits of a UUID as a number. */
export function bitsOf(id: string): bigint {
  return BigInt(`0x${id.replaceAll('-', '')}`)
}

export function uuidOf(bits: bigint): string {
  const hex = bits.toString(16).padStart(32, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** An integer as records hold it. */
export function narrowed(value: bigint): number | bigint {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value
}
