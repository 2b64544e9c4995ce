import {
  comparesAsInstant,
  conjunctsOf,
  type FieldCondition,
  type Filter,
  type FilterValue,
  type JsonValue,
} from '@drover/core'
import type { PointId } from '../wire/wire-point.js'
import type { CollectionShape } from './collection-shape.js'
import { isPayloadField, nativePath, payloadPath } from './payload-path.js'
import { firstUuid, nextPointId, pointIdOf } from './point-order.js'
import { narrowedRange, type PointRange, wholeRange } from './point-range.js'

/** What Qdrant is asked for in place of a filter: never less than the filter keeps. */
export interface NativeFilter {
  readonly conditions: readonly JsonValue[]
  /** Ids, which Qdrant has no conditions for but equality: where a scroll begins and ends. Null if none fits. */
  readonly range: Pick<PointRange, 'from' | 'to'> | null
}

/** A filter taken apart. */
export interface PushedFilter {
  /** What Qdrant is asked for in place of it. */
  readonly pushed: readonly Filter[]
  /** What has to be looked at besides: all of which Qdrant may keep more than the filter does. */
  readonly rest: readonly Filter[]
}

type Indexes = Pick<CollectionShape, 'indexes' | 'onlyIndexed'>

/** Ids of one condition at the most. */
const longestList = 1_000

/**
 * Takes a filter on `id` and `payload.…` apart. Conditions on payloads are asked for and looked at once more: Qdrant takes a list for each of
 * its elements, which a filter does not.
 */
export function pushDown(filter: Filter, of: Indexes): PushedFilter {
  const pushed: Filter[] = []
  const rest: Filter[] = []
  for (const part of conjunctsOf(filter)) {
    const isRange = idRange(part) !== undefined
    const condition = isRange ? null : native(part, of)
    if (isRange || condition !== null) pushed.push(part)
    if (!isRange && (condition === null || !condition.exact)) rest.push(part)
  }
  return { pushed, rest }
}

/** What Qdrant is asked for in place of filters that `pushDown` took. */
export function nativeFilter(filters: readonly Filter[], of: Indexes): NativeFilter {
  const conditions: JsonValue[] = []
  let range: PointRange | null = wholeRange
  for (const part of filters.flatMap(conjunctsOf)) {
    const ids = idRange(part)
    if (ids !== undefined) range = range && ids && narrowedRange(range, ids)
    else {
      const condition = native(part, of)
      if (condition !== null) conditions.push(condition.asked)
    }
  }
  return { conditions, range }
}

interface Native {
  readonly asked: JsonValue
  /** Qdrant keeps what the filter keeps, and no more. */
  readonly exact: boolean
}

const nothing: Native = { asked: { has_id: [] }, exact: true }

/** Null where Qdrant could leave out what the filter keeps. */
function native(filter: Filter, of: Indexes): Native | null {
  if ('and' in filter && Array.isArray(filter.and)) return every(filter.and.map((part) => native(part, of)))
  if ('or' in filter && Array.isArray(filter.or)) return some(filter.or.map((part) => native(part, of)))
  if ('not' in filter) {
    const inner = native(filter.not as Filter, of)
    return inner?.exact === true ? { asked: { must_not: [inner.asked] }, exact: true } : null
  }
  const fields = Object.entries(filter as Readonly<Record<string, FieldCondition>>)
  return every(fields.flatMap(([field, condition]) => fieldParts(field, condition, of)))
}

/** What can be asked for of all: a part that cannot is looked at afterwards. */
function every(parts: readonly (Native | null)[]): Native | null {
  const known = parts.filter((part) => part !== null)
  if (known.length === 0 && parts.length > 0) return null
  const exact = known.length === parts.length && known.every((part) => part.exact)
  return { asked: { must: known.map(({ asked }) => asked) }, exact }
}

function some(parts: readonly (Native | null)[]): Native | null {
  const known = parts.filter((part) => part !== null)
  if (known.length < parts.length) return null
  if (known.length === 0) return nothing
  return { asked: { should: known.map(({ asked }) => asked) }, exact: known.every((part) => part.exact) }
}

function fieldParts(field: string, condition: FieldCondition, of: Indexes): (Native | null)[] {
  const operators = Object.entries(condition) as [keyof FieldCondition, never][]
  if (field === 'id') return operators.map(([operator, operand]) => idCondition(operator, operand))
  if (!isPayloadField(field)) return [null]
  const key = nativePath(payloadPath(field))
  const index = key === null ? undefined : of.indexes.get(key)
  if (key === null || (index === undefined && of.onlyIndexed)) return [null]
  return operators.map(([operator, operand]) => payloadCondition(key, index, operator, operand))
}

/** An id is never null, and of its forms one alone is equal to an operand. */
function idCondition(operator: keyof FieldCondition, operand: never): Native | null {
  switch (operator) {
    case 'eq':
      return oneOf([operand], false)
    case 'ne':
      return oneOf([operand], true)
    case 'in':
      return oneOf(operand, false)
    case 'nin':
      return oneOf(operand, true)
    case 'isNull':
      return operand === true ? nothing : { asked: { must_not: [nothing.asked] }, exact: true }
    default:
      return null
  }
}

function oneOf(operands: readonly FilterValue[], isNegated: boolean): Native | null {
  if (operands.length > longestList) return null
  const ids = new Set(operands.map(idOf).filter((id) => id !== undefined))
  // A bigint is no JsonValue; what encodes a request takes it as the number that it is.
  const asked = { has_id: [...ids] } as unknown as JsonValue
  return { asked: isNegated ? { must_not: [asked] } : asked, exact: true }
}

/** The id that an operand is equal to; undefined if it is equal to none. */
function idOf(operand: FilterValue): PointId | undefined {
  if (typeof operand === 'bigint') return operand < 0n ? undefined : pointIdOf(smallOrText(operand))
  if (typeof operand === 'number' && operand > Number.MAX_SAFE_INTEGER && Number.isFinite(operand)) {
    return pointIdOf(smallOrText(BigInt(operand)))
  }
  if (typeof operand === 'string') return operand.includes('-') ? pointIdOf(operand) : undefined
  return typeof operand === 'number' ? pointIdOf(operand) : undefined
}

function smallOrText(value: bigint): number | string {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value.toString()
}

/**
 * The ids that comparisons by order keep, if a condition is made of them alone: numbers with numbers, UUIDs with UUIDs. Null if none;
 * undefined for every other filter.
 */
function idRange(filter: Filter): Pick<PointRange, 'from' | 'to'> | null | undefined {
  const [entry, ...others] = Object.entries(filter as Readonly<Record<string, FieldCondition>>)
  if (entry === undefined || others.length > 0 || entry[0] !== 'id') return undefined
  let range: PointRange | null = wholeRange
  for (const [operator, operand] of Object.entries(entry[1]) as [keyof FieldCondition, FilterValue][]) {
    const one = comparedRange(operator, operand)
    if (one === undefined) return undefined
    range = range && one && narrowedRange(range, one)
  }
  return range
}

function comparedRange(
  operator: keyof FieldCondition,
  operand: FilterValue,
): Pick<PointRange, 'from' | 'to'> | null | undefined {
  if (operator !== 'gt' && operator !== 'gte' && operator !== 'lt' && operator !== 'lte') return undefined
  const id = idOf(operand)
  if (id === undefined) return undefined
  const isUuid = typeof id === 'string'
  const behind = nextPointId(id)
  const end = isUuid ? null : firstUuid
  switch (operator) {
    case 'gte':
      return { from: id, to: end }
    case 'gt':
      return behind === null || behind === end ? null : { from: behind, to: end }
    case 'lt':
      return { from: isUuid ? firstUuid : null, to: id }
    case 'lte':
      return { from: isUuid ? firstUuid : null, to: behind }
  }
}

/** Supersets: that a value stands in a list is found out by who looks at it. */
function payloadCondition(
  key: string,
  index: string | undefined,
  operator: keyof FieldCondition,
  operand: never,
): Native | null {
  switch (operator) {
    case 'eq':
      return equalTo(key, index, operand)
    case 'in':
      return anyOf(key, index, operand)
    case 'gt':
    case 'gte':
      return numbers(key, operand, null)
    case 'lt':
    case 'lte':
      return numbers(key, null, operand)
    default:
      return null
  }
}

function equalTo(key: string, index: string | undefined, operand: FilterValue): Native | null {
  if (typeof operand === 'number' || typeof operand === 'bigint') return numbers(key, operand, operand)
  if (typeof operand === 'boolean') {
    return index === undefined || index === 'bool' ? superset({ key, match: { value: operand } }) : null
  }
  return isPlainText(operand) && isOfTexts(index) ? superset({ key, match: { value: operand } }) : null
}

function anyOf(key: string, index: string | undefined, operands: readonly FilterValue[]): Native | null {
  if (operands.length === 0) return nothing
  if (operands.length > longestList || !isOfTexts(index) || !operands.every(isPlainText)) return null
  return superset({ key, match: { any: [...new Set(operands as readonly string[])] } })
}

/** An index of another kind holds some texts and not others, and Qdrant asks it alone. */
function isOfTexts(index: string | undefined): boolean {
  return index === undefined || index === 'keyword'
}

/** Not an instant, which is compared as one, nor half a surrogate pair, which no request can hold. */
function isPlainText(operand: FilterValue): operand is string {
  return typeof operand === 'string' && !comparesAsInstant(operand) && !/\p{Surrogate}/u.test(operand)
}

/**
 * What has no number outside of the range. Asked for in this way because an index of integers does not know 1.5, and finds nothing for it; and
 * with bounds that are whole, because it cuts them off: `lt: 3.5` is `lt: 3` there.
 */
function numbers(key: string, least: FilterValue | null, most: FilterValue | null): Native | null {
  const from = least === null ? null : bound(least, -1)
  const to = most === null ? null : bound(most, 1)
  if (from === undefined || to === undefined) return null
  return superset({
    must_not: [
      ...(from === null ? [] : [{ key, range: { lt: from } }]),
      ...(to === null ? [] : [{ key, range: { gt: to } }]),
      { is_empty: { key } },
    ],
  })
}

/** A whole number that is no nearer than the operand; beyond 2^53 with room for what a double does not tell apart. */
function bound(operand: FilterValue, direction: -1 | 1): number | undefined {
  if (typeof operand !== 'number' && typeof operand !== 'bigint') return undefined
  const value = Number(operand)
  if (!Number.isFinite(value)) return undefined
  const whole = direction < 0 ? Math.floor(value) : Math.ceil(value)
  if (Math.abs(whole) < Number.MAX_SAFE_INTEGER) return whole
  const roomy = whole + direction * Math.abs(whole) * 2 ** -50
  return Number.isFinite(roomy) ? roomy : undefined
}

function superset(asked: JsonValue): Native {
  return { asked, exact: false }
}
