import { comparesAsInstant, conjunctsOf, type FieldCondition, type Filter, type FilterValue } from '@drover/core'
import type { SqliteValue } from '../connection/sqlite-connection.js'
import type { ReadColumn } from './relation.js'
import { joinSql, type Sql } from './sql.js'

/** A filter taken apart: what SQLite does with the same result as the engine, and the rest. */
export interface PushedFilter {
  readonly pushed: readonly Filter[]
  readonly rest: readonly Filter[]
}

/** Takes a filter apart. Fields that are no columns are left to the engine. */
export function pushDown(filter: Filter, columns: readonly ReadColumn[]): PushedFilter {
  const pushed: Filter[] = []
  const rest: Filter[] = []
  for (const part of conjunctsOf(filter)) (filterSql(part, columns) ? pushed : rest).push(part)
  return { pushed, rest }
}

/**
 * A filter as a condition that is never NULL, so that it can be negated; null if SQLite could decide otherwise than the engine:
 * texts of times are compared as instants there, and a text is never equal to a number.
 */
export function filterSql(filter: Filter, columns: readonly ReadColumn[], prefix = ''): Sql | null {
  if ('and' in filter && Array.isArray(filter.and)) return junction(filter.and, ' AND ', columns, prefix)
  if ('or' in filter && Array.isArray(filter.or)) return junction(filter.or, ' OR ', columns, prefix)
  if ('not' in filter) {
    const inner = filterSql(filter.not as Filter, columns, prefix)
    return inner && { sql: `NOT (${inner.sql})`, values: inner.values }
  }
  const parts = Object.entries(filter as Record<string, FieldCondition>).map(([field, condition]) => {
    const column = columns.find(({ name }) => name === field)
    return column ? conditionSql(column, condition, prefix) : null
  })
  return joined(parts, ' AND ')
}

function junction(filters: readonly Filter[], by: string, columns: readonly ReadColumn[], prefix: string): Sql | null {
  if (filters.length === 0) return { sql: by === ' AND ' ? '1' : '0', values: [] }
  return joined(
    filters.map((filter) => filterSql(filter, columns, prefix)),
    by,
  )
}

function joined(parts: readonly (Sql | null)[], by: string): Sql | null {
  const known = parts.filter((part) => part !== null)
  if (known.length < parts.length) return null
  return joinSql(
    known.map(({ sql, values }) => ({ sql: `(${sql})`, values })),
    by,
  )
}

function conditionSql(column: ReadColumn, condition: FieldCondition, prefix: string): Sql | null {
  const name = `${prefix}${column.sql}`
  return joined(
    Object.entries(condition).map(([operator, operand]) => operatorSql(column, name, operator, operand)),
    ' AND ',
  )
}

function operatorSql(column: ReadColumn, name: string, operator: string, operand: unknown): Sql | null {
  switch (operator) {
    case 'isNull':
      return { sql: `${name} IS ${operand === true ? '' : 'NOT '}NULL`, values: [] }
    case 'eq':
      return oneOf(column, name, [operand as FilterValue], false)
    case 'ne':
      return oneOf(column, name, [operand as FilterValue], true)
    case 'in':
      return oneOf(column, name, operand as readonly FilterValue[], false)
    case 'nin':
      return oneOf(column, name, operand as readonly FilterValue[], true)
    case 'gt':
      return range(column, name, '>', operand as FilterValue)
    case 'gte':
      return range(column, name, '>=', operand as FilterValue)
    case 'lt':
      return range(column, name, '<', operand as FilterValue)
    case 'lte':
      return range(column, name, '<=', operand as FilterValue)
    default:
      return null
  }
}

/** As many values as a statement may well have. */
const longestList = 500

function oneOf(column: ReadColumn, name: string, operands: readonly FilterValue[], isNegated: boolean): Sql | null {
  if (operands.length > longestList) return null
  const values = operands.map((operand) => comparable(column, operand))
  if (values.some((value) => value === null)) return null
  const isText = values.some((value) => typeof value === 'string')
  if (isText && values.some((value) => typeof value !== 'string')) return null
  const compared = isText ? `${name} COLLATE BINARY` : name
  const list = values.length === 1 ? 'IS ?' : `IN (${values.map(() => '?').join(', ')})`
  const test = `typeof(${name}) IN (${isText ? `'text'` : `'integer', 'real'`}) AND ${compared} ${list}`
  return { sql: isNegated ? `${name} IS NOT NULL AND NOT (${test})` : test, values }
}

/** Numbers only: SQLite puts every text above every number, the engine compares them not at all. */
function range(column: ReadColumn, name: string, operator: string, operand: FilterValue): Sql | null {
  if (typeof operand !== 'number' && typeof operand !== 'bigint') return null
  const value = comparable(column, operand)
  if (value === null) return null
  return { sql: `typeof(${name}) IN ('integer', 'real') AND ${name} ${operator} ?`, values: [value] }
}

/** The operand as SQLite may compare it with that column; null if the column's affinity would change it, or the engine sees more in it. */
function comparable(column: ReadColumn, operand: FilterValue): SqliteValue {
  const { affinity } = column
  if (typeof operand === 'string') {
    const isPlain = (affinity === 'TEXT' || affinity === 'BLOB') && !comparesAsInstant(operand)
    return isPlain && !/\p{Surrogate}/u.test(operand) ? operand : null
  }
  if (affinity === 'TEXT') return null
  if (typeof operand === 'bigint') return BigInt.asIntN(64, operand) === operand ? operand : null
  if (typeof operand !== 'number') return null
  return Number.isSafeInteger(operand) ? BigInt(operand) : operand
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
