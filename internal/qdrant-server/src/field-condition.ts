import { instantOf } from './date-time.js'
import type { Condition } from './filter.js'
import { isObject, type Json, JsonFloat, type JsonObject } from './json-scanner.js'
import { payloadPath, valuesAt } from './payload-path.js'
import { badBody } from './refusal.js'

/** Whether one value, which is no list, fits. */
type Check = (value: Json) => boolean

const geo = ['geo_bounding_box', 'geo_radius', 'geo_polygon']

/**
 * A condition on a field of the payload. A list fits if one of its items does; `values_count`, `is_empty` and `is_null` look at the
 * list itself. Several checks in one condition are alternatives, as in the real one. @throws Refusal
 */
export function fieldCondition(condition: JsonObject): Condition {
  const path = payloadPath(condition.key)
  const { match, range, values_count, is_empty, is_null } = condition
  if (geo.some((name) => condition[name] != null)) throw badBody('conditions on places are not in this server')
  const whole = wholeCheck(values_count, is_empty, is_null)
  const checks = [match == null ? null : matchCheck(match), range == null ? null : rangeCheck(range)]
  const single = checks.filter((check) => check !== null)
  if (whole === null && single.length === 0) {
    throw badBody('data did not match any variant of untagged enum Condition')
  }
  const fits = (value: Json): boolean => single.some((check) => check(value))
  const any = whole ?? ((value: Json) => (Array.isArray(value) ? value.some(fits) : fits(value)))
  const ofNothing = typeof is_empty === 'boolean' ? is_empty : typeof is_null === 'boolean' && !is_null
  return ({ payload }) => {
    const values = valuesAt(payload, path)
    return values.length === 0 ? ofNothing : values.some(any)
  }
}

function wholeCheck(count: Json | undefined, empty: Json | undefined, isNull: Json | undefined): Check | null {
  if (isObject(count)) {
    const within = boundsOf(count, numberOf)
    return (value) => within(value === null ? 0 : Array.isArray(value) ? value.length : 1)
  }
  if (typeof empty === 'boolean') {
    return (value) => (value === null || (Array.isArray(value) && value.length === 0)) === empty
  }
  if (typeof isNull === 'boolean') {
    return (value) => (value === null || (Array.isArray(value) && value.includes(null))) === isNull
  }
  return null
}

function matchCheck(match: Json): Check {
  if (!isObject(match)) throw noMatch()
  const { value, any, except, text, text_any, phrase } = match
  if (value !== undefined) {
    if (!isMatchable(value)) throw noMatch()
    return (stored) => stored === value
  }
  if (any !== undefined) {
    const list = listOf(any)
    return (stored) => list.has(stored)
  }
  if (except !== undefined) {
    const list = listOf(except)
    return (stored) => stored !== null && !list.has(stored)
  }
  // Without a full-text index, which this server does not have, a text matches where it is a part.
  const part = text ?? phrase
  if (typeof part === 'string') return (stored) => typeof stored === 'string' && stored.includes(part)
  if (typeof text_any === 'string') {
    const words = text_any.split(/\s+/).filter((word) => word !== '')
    return (stored) => typeof stored === 'string' && words.some((word) => stored.includes(word))
  }
  throw noMatch()
}

/** Either texts or integers, as the API has it. */
function listOf(list: Json): ReadonlySet<Json> {
  if (!Array.isArray(list)) throw noMatch()
  const isTexts = list.every((item) => typeof item === 'string')
  if (!isTexts && !list.every((item) => isInteger(item))) throw noMatch()
  return new Set(list)
}

function rangeCheck(range: Json): Check {
  if (!isObject(range)) throw badBody('data did not match any variant of untagged enum RangeInterface')
  const given = Object.values(range).filter((bound) => bound !== null)
  if (given.some((bound) => typeof bound === 'string')) {
    const within = boundsOf(range, (bound) => {
      const instant = typeof bound === 'string' ? instantOf(bound) : null
      if (instant === null) throw badBody(`'${String(bound)}' does not match accepted datetime format (RFC3339)`)
      return instant
    })
    return (value) => {
      const instant = typeof value === 'string' ? instantOf(value) : null
      return instant !== null && within(instant)
    }
  }
  const within = boundsOf(range, numberOf)
  return (value) => isNumber(value) && within(numberOf(value))
}

function boundsOf<T extends number | bigint>(bounds: JsonObject, read: (bound: Json) => T): (value: T) => boolean {
  const bound = (name: string): T | null => (bounds[name] == null ? null : read(bounds[name] ?? null))
  const [lt, lte, gt, gte] = [bound('lt'), bound('lte'), bound('gt'), bound('gte')]
  return (value) =>
    (lt === null || value < lt) &&
    (lte === null || value <= lte) &&
    (gt === null || value > gt) &&
    (gte === null || value >= gte)
}

/** As a double: that is how the real one compares, so integers beyond 2^53 are as near as doubles are. */
function numberOf(value: Json): number {
  if (value instanceof JsonFloat) return value.value
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value)
  throw badBody('data did not match any variant of untagged enum RangeInterface')
}

function isNumber(value: Json): boolean {
  return typeof value === 'number' || typeof value === 'bigint' || value instanceof JsonFloat
}

/** Integers of 64 bits with a sign; a float matches nothing. */
function isInteger(value: Json): boolean {
  return typeof value === 'bigint' ? value < 2n ** 63n : typeof value === 'number' && Number.isInteger(value)
}

function isMatchable(value: Json): boolean {
  return typeof value === 'string' || typeof value === 'boolean' || isInteger(value)
}

function noMatch() {
  return badBody('data did not match any variant of untagged enum Match')
}
