import { shownValue, ValueRefused } from '@drover/core'
import type { PointId } from './wire-point.js'

/** With hyphens or without, in braces, or as a URN: the forms that Qdrant reads. */
const uuid =
  /^(?:urn:uuid:|\{)?([\da-f]{8})(?:-([\da-f]{4})-([\da-f]{4})-([\da-f]{4})-|([\da-f]{4})([\da-f]{4})([\da-f]{4}))([\da-f]{12})\}?$/i
const plainUuid = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/

const mostId = 2n ** 64n - 1n

/**
 * A value as an id of a point, in the one form that Drover has for it: integers beyond 2^53-1 as `bigint`, UUIDs in lower case with hyphens.
 *
 * @throws ValueRefused for what is neither
 */
export function pointId(value: unknown): PointId {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value + 0
  if (typeof value === 'bigint' && value >= 0n && value <= mostId) {
    return value <= Number.MAX_SAFE_INTEGER ? Number(value) : value
  }
  if (typeof value === 'string') {
    if (plainUuid.test(value)) return value
    const parts = uuid.exec(value)
    if (parts !== null) return parts.slice(1).filter(Boolean).join('-').toLowerCase()
    if (/^\d{1,20}$/.test(value)) {
      throw new ValueRefused(shownValue(value), 'An id of a point that is an integer is given as a number or bigint.')
    }
  }
  throw new ValueRefused(shownValue(value), 'An id of a point is an integer from 0 to 2^64-1, or a UUID.')
}

/** As it stands in a request. */
export function pointIdText(id: PointId): string {
  return typeof id === 'string' ? `"${id}"` : String(id)
}
