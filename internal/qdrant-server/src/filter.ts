import type { Point } from './collection.js'
import { fieldCondition } from './field-condition.js'
import { isObject, type Json, type JsonObject } from './json-scanner.js'
import { itemsOf, payloadPath, valuesAt } from './payload-path.js'
import { type PointId, pointId } from './point-id.js'
import { badBody } from './refusal.js'

/** What conditions look at: a point, or an object inside its payload, which has neither id nor vectors. */
export interface Candidate {
  readonly payload: JsonObject
  readonly point: Pick<Point, 'id' | 'vectors'> | null
}
export type Condition = (candidate: Candidate) => boolean

const clauses = ['should', 'min_should', 'must', 'must_not']

/** The filter as a function; it is checked as a whole, so that a wrong one is refused by an empty collection too. @throws Refusal */
export function filterOf(filter: Json | undefined): ((point: Point) => boolean) | null {
  if (filter === undefined || filter === null) return null
  const matches = filterCondition(filter)
  return (point) => matches({ payload: point.payload, point })
}

function filterCondition(filter: Json): Condition {
  if (!isObject(filter)) throw badBody('invalid type, expected struct Filter')
  for (const name of Object.keys(filter)) {
    if (!clauses.includes(name)) {
      throw badBody(`unknown field \`${name}\`, expected one of \`should\`, \`min_should\`, \`must\`, \`must_not\``)
    }
  }
  const must = conditionsOf(filter.must) ?? []
  const mustNot = conditionsOf(filter.must_not) ?? []
  const should = conditionsOf(filter.should)
  const minShould = minShouldOf(filter.min_should)
  return (candidate) =>
    must.every((condition) => condition(candidate)) &&
    !mustNot.some((condition) => condition(candidate)) &&
    (should === null || should.length === 0 || should.some((condition) => condition(candidate))) &&
    (minShould === null || minShould(candidate))
}

function conditionsOf(list: Json | undefined): Condition[] | null {
  if (list === undefined || list === null) return null
  return (Array.isArray(list) ? list : [list]).map(conditionOf)
}

function minShouldOf(clause: Json | undefined): Condition | null {
  if (clause === undefined || clause === null) return null
  const conditions = isObject(clause) ? conditionsOf(clause.conditions) : null
  const count = isObject(clause) ? clause.min_count : undefined
  if (conditions === null || typeof count !== 'number') throw badBody('missing field `min_count`')
  return (candidate) => conditions.filter((condition) => condition(candidate)).length >= count
}

function conditionOf(condition: Json): Condition {
  if (!isObject(condition)) throw noVariant()
  if ('key' in condition) return fieldCondition(condition)
  if ('has_id' in condition) return hasId(condition.has_id)
  if ('is_empty' in condition) return isEmpty(condition.is_empty)
  if ('is_null' in condition) return isNull(condition.is_null)
  if ('has_vector' in condition) return hasVector(condition.has_vector)
  if ('nested' in condition) return nested(condition.nested)
  return filterCondition(condition)
}

function hasId(list: Json | undefined): Condition {
  if (!Array.isArray(list)) throw noVariant()
  const ids = new Set<PointId>(list.map(pointId))
  return ({ point }) => point !== null && ids.has(point.id)
}

function isEmpty(field: Json | undefined): Condition {
  const path = payloadPath(isObject(field) ? field.key : undefined)
  return ({ payload }) =>
    valuesAt(payload, path).every((value) => value === null || (Array.isArray(value) && value.length === 0))
}

function isNull(field: Json | undefined): Condition {
  const path = payloadPath(isObject(field) ? field.key : undefined)
  return ({ payload }) => valuesAt(payload, path).includes(null)
}

function hasVector(name: Json | undefined): Condition {
  if (typeof name !== 'string') throw noVariant()
  return ({ point }) => point?.vectors.has(name) === true
}

/** All of the inner filter on one item, without `has_id` and `has_vector`, which are false in there. */
function nested(clause: Json | undefined): Condition {
  if (!isObject(clause) || clause.filter === undefined) throw noVariant()
  const path = itemsOf(payloadPath(clause.key))
  const inner = filterCondition(clause.filter)
  return ({ payload }) =>
    valuesAt(payload, path).some((value) => isObject(value) && inner({ payload: value, point: null }))
}

function noVariant() {
  return badBody('data did not match any variant of untagged enum Condition')
}
