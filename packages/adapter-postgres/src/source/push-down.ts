import { conjunctsOf, type FieldCondition, type Filter } from '@drover/core'
import { conditionSql } from './condition-sql.js'
import type { ReadColumn } from './relation.js'

/** A filter taken apart: what PostgreSQL does with the same result as the engine, and the rest. */
export interface PushedFilter {
  readonly pushed: readonly Filter[]
  readonly rest: readonly Filter[]
}

/** Columns that a filter may look at, and what their texts are stored as. */
export interface Filterable {
  readonly columns: readonly ReadColumn[]
  readonly isUtf8: boolean
}

/** Takes a filter apart. Fields that are no columns are left to the engine. */
export function pushDown(filter: Filter, of: Filterable): PushedFilter {
  const pushed: Filter[] = []
  const rest: Filter[] = []
  for (const part of conjunctsOf(filter)) (filterSql(part, of) === null ? rest : pushed).push(part)
  return { pushed, rest }
}

/**
 * A filter as a condition; null if PostgreSQL could decide otherwise than the engine, to which a numeric is a text, and a text of a
 * time an instant. Where the engine says no the condition may be NULL, which is no as well.
 */
export function filterSql(filter: Filter, of: Filterable): string | null {
  if ('and' in filter && Array.isArray(filter.and)) return junction(filter.and, ' AND ', of)
  if ('or' in filter && Array.isArray(filter.or)) return junction(filter.or, ' OR ', of)
  if ('not' in filter) {
    const inner = filterSql(filter.not as Filter, of)
    return inner === null ? null : `(${inner}) IS NOT TRUE`
  }
  const parts = Object.entries(filter as Record<string, FieldCondition>).map(([field, condition]) => {
    const column = of.columns.find(({ name }) => name === field)
    return column === undefined ? null : fieldSql(column, condition, of.isUtf8)
  })
  return joined(parts, ' AND ', 'true')
}

/** Names of all fields that a filter looks at. */
export function filterFields(filter: Filter): string[] {
  const fields = conjunctsOf(filter).flatMap((part): string[] => {
    if ('or' in part && Array.isArray(part.or)) return part.or.flatMap(filterFields)
    if ('not' in part) return filterFields(part.not as Filter)
    return Object.keys(part)
  })
  return [...new Set(fields)]
}

function junction(filters: readonly Filter[], by: ' AND ' | ' OR ', of: Filterable): string | null {
  const parts = filters.map((filter) => filterSql(filter, of))
  return joined(parts, by, by === ' AND ' ? 'true' : 'false')
}

function fieldSql(column: ReadColumn, condition: FieldCondition, isUtf8: boolean): string | null {
  const parts = Object.entries(condition).map(([operator, operand]) =>
    conditionSql(column, operator, operand as never, isUtf8),
  )
  return joined(parts, ' AND ', 'true')
}

function joined(parts: readonly (string | null)[], by: string, none: string): string | null {
  const known = parts.filter((part) => part !== null)
  if (known.length < parts.length) return null
  return known.map((sql) => `(${sql})`).join(by) || none
}
