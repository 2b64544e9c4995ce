import {
  allOf,
  conjunctsOf,
  type FieldCondition,
  type Filter,
  type LogicalType,
  type SourceSession,
} from '@drover/core'
import type { SetSchema } from './set-schema.js'

type PushedDown = ReturnType<NonNullable<SourceSession['pushDown']>>

/** Types whose values are in the order that statistics are in, and in that of the engine. */
const ordered: ReadonlySet<LogicalType['kind']> = new Set(['boolean', 'int', 'float', 'date', 'timestamp'])
const compared: ReadonlySet<LogicalType['kind']> = new Set([...ordered, 'text', 'uuid', 'decimal', 'time'])

/**
 * What the source evaluates itself: equality, `in` and `isNull` of single values, ranges of numbers and times, and what is made of them by
 * `and` and `or`. It does so with the engine's own function; statistics only spare row groups.
 */
export function pushDown(filter: Filter, { fields }: SetSchema): PushedDown {
  const types = new Map(fields.map(({ field }) => [field.name, field.type.kind]))
  const takes = (one: Filter): boolean => {
    if ('and' in one && Array.isArray(one.and)) return one.and.every(takes)
    if ('or' in one && Array.isArray(one.or)) return one.or.every(takes)
    if ('not' in one) return false
    return Object.entries(one).every(([name, condition]) =>
      takesCondition(types.get(name), condition as FieldCondition),
    )
  }
  const parts = conjunctsOf(filter)
  const pushed = allOf(parts.filter(takes))
  const rest = allOf(parts.filter((part) => !takes(part)))
  return { ...(pushed === undefined ? {} : { pushed }), ...(rest === undefined ? {} : { rest }) }
}

function takesCondition(kind: LogicalType['kind'] | undefined, condition: FieldCondition): boolean {
  if (kind === undefined) return false
  return Object.keys(condition).every((operator) => {
    if (operator === 'isNull') return true
    if (operator === 'eq' || operator === 'in') return compared.has(kind)
    return ordered.has(kind) && ['gt', 'gte', 'lt', 'lte'].includes(operator)
  })
}

/** The fields that a filter looks at. */
export function fieldsOf(filter: Filter): string[] {
  if ('and' in filter && Array.isArray(filter.and)) return filter.and.flatMap(fieldsOf)
  if ('or' in filter && Array.isArray(filter.or)) return filter.or.flatMap(fieldsOf)
  if ('not' in filter) return fieldsOf(filter.not as Filter)
  return Object.keys(filter)
}
