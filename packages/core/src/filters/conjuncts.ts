import type { FieldCondition, Filter } from '../contracts/filter.js'
import { checkFilter } from './check-filter.js'

/**
 * The filters that must all hold, taken apart as far as they go: each is one operator on one field, an `or`, or a `not`.
 * A source looks at each for itself, pushes down those that it evaluates as the engine would, and joins the others with
 * `allOf` for the engine. What a null and `not` mean stands with `compileFilter`.
 *
 * ```ts
 * conjunctsOf({ and: [{ role: { eq: 'user' } }, { id: { gt: 3, lte: 9 } }] })
 * // [{ role: { eq: 'user' } }, { id: { gt: 3 } }, { id: { lte: 9 } }]
 * ```
 *
 * @throws `NAME_UNKNOWN`, `OPTION_INVALID` as `checkFilter` does.
 */
export function conjunctsOf(filter: Filter): Filter[] {
  checkFilter(filter)
  return apart(filter)
}

/** The filter that holds where all of them do; undefined if there are none. */
export function allOf(filters: readonly Filter[]): Filter | undefined {
  return filters.length > 1 ? { and: filters } : filters[0]
}

export function isAnd(filter: Filter): filter is { readonly and: readonly Filter[] } {
  return Object.hasOwn(filter, 'and')
}

export function isOr(filter: Filter): filter is { readonly or: readonly Filter[] } {
  return Object.hasOwn(filter, 'or')
}

export function isNot(filter: Filter): filter is { readonly not: Filter } {
  return Object.hasOwn(filter, 'not')
}

function apart(filter: Filter): Filter[] {
  if (isAnd(filter)) return filter.and.flatMap(apart)
  if (isOr(filter) || isNot(filter)) return [filter]
  return Object.entries(filter).flatMap(([field, condition]: [string, FieldCondition]) =>
    Object.entries(condition).map(([operator, operand]) => ({ [field]: { [operator]: operand } })),
  )
}
