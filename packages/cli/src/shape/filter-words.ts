import type { FieldCondition } from '@drover/core'

type Operator = keyof FieldCondition

/** The operators of a condition, as core has them. */
export const conditionOperators: readonly Operator[] = [
  'eq',
  'ne',
  'in',
  'nin',
  'gt',
  'gte',
  'lt',
  'lte',
  'like',
  'glob',
  'isNull',
]
/** Those with one value, of any kind. */
export const comparisons: readonly Operator[] = ['eq', 'ne', 'gt', 'gte', 'lt', 'lte']
/** Those with a list of values. */
export const valueLists: readonly Operator[] = ['in', 'nin']
