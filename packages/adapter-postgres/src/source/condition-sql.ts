import { comparesAsInstant, type FilterValue } from '@drover/core'
import { quoteText } from '../connection/quote-name.js'
import { oids } from '../wire/wire-type.js'
import { type Comparison, compared, type Order, oneOf } from './comparison.js'
import type { ReadColumn } from './relation.js'
import { timeComparison } from './time-comparison.js'

const orders: { readonly [operator: string]: Order } = { gt: '>', gte: '>=', lt: '<', lte: '<=' }

/** As many values as a statement may well have. */
const longestList = 1000

/** One operator on one column as a condition; null if the engine has to do it. */
export function conditionSql(column: ReadColumn, operator: string, operand: never, isUtf8: boolean): string | null {
  if (operator === 'isNull') return nullSql(column, operand)
  const comparison = comparisonOf(column, isUtf8)
  if (comparison === null) return null
  switch (operator) {
    case 'eq':
      return comparison.equals([operand])
    case 'ne':
      return differs(column, comparison, [operand])
    case 'in':
      return isOneOf(comparison, operand)
    case 'nin':
      return differs(column, comparison, operand)
    case 'like':
      return comparison.like?.(operand) ?? null
    default: {
      const order = orders[operator]
      return order === undefined ? null : comparison.order(order, operand)
    }
  }
}

/** A composite value is "null" to `IS NULL` if all of its fields are. */
function nullSql({ sql, isPrinted }: ReadColumn, isNull: boolean): string {
  return isPrinted ? `${sql} IS ${isNull ? 'NOT ' : ''}DISTINCT FROM NULL` : `${sql} IS ${isNull ? '' : 'NOT '}NULL`
}

function isOneOf(comparison: Comparison, operands: readonly FilterValue[]): string | null {
  if (operands.length === 0) return 'false'
  return operands.length > longestList ? null : comparison.equals(operands)
}

function differs(column: ReadColumn, comparison: Comparison, operands: readonly FilterValue[]): string | null {
  const equal = isOneOf(comparison, operands)
  return equal === null ? null : `${nullSql(column, false)} AND NOT (${equal})`
}

function comparisonOf(column: ReadColumn, isUtf8: boolean): Comparison | null {
  const { sql, wire } = column
  switch (wire.base) {
    case oids.bool:
      return booleans(sql)
    case oids.int2:
    case oids.int4:
    case oids.int8:
      return integers(sql)
    case oids.oid:
      return integers(`${sql}::int8`)
    case oids.float4:
    case oids.float8:
      return floats(sql)
    case oids.uuid:
      return uuids(sql)
    case oids.text:
    case oids.varchar:
    case oids.name:
    case 'enum':
      return texts(column, isUtf8)
    case oids.date:
    case oids.timestamp:
    case oids.timestamptz:
      return timeComparison(sql, wire.base)
    default:
      // A numeric, an interval, an inet and the like are texts to the engine, and a char(n) one with blanks at its end.
      return null
  }
}

function booleans(sql: string): Comparison {
  return {
    equals: (operands) => oneOf(sql, operands, (operand) => (typeof operand === 'boolean' ? String(operand) : null)),
    order: () => null,
  }
}

function integers(sql: string): Comparison {
  const value = (operand: FilterValue): string | null => {
    if (typeof operand === 'bigint') return integer(operand)
    if (typeof operand !== 'number' || !Number.isFinite(operand)) return null
    return Number.isInteger(operand) ? integer(BigInt(operand)) : `'${operand}'::numeric`
  }
  return {
    equals: (operands) => oneOf(sql, operands, value),
    order: (operator, operand) => compared(sql, operator, value(operand)),
  }
}

/** An index is used for what is an integer to PostgreSQL too. */
function integer(value: bigint): string {
  return `'${value}'::${BigInt.asIntN(64, value) === value ? 'int8' : 'numeric'}`
}

function floats(sql: string): Comparison {
  const value = (operand: FilterValue): string | null => {
    const number = Number(operand)
    if (typeof operand === 'bigint' && (!Number.isFinite(number) || BigInt(number) !== operand)) return null
    if (typeof operand !== 'bigint' && typeof operand !== 'number') return null
    return `'${Object.is(number, -0) ? 0 : number}'::float8`
  }
  return {
    equals: (operands) => oneOf(sql, operands, value),
    order(operator, operand) {
      const condition = compared(sql, operator, value(operand))
      // To PostgreSQL NaN is above all numbers.
      return condition === null || operator.startsWith('<') ? condition : `${condition} AND ${sql} <> 'NaN'`
    },
  }
}

/** The 36 characters that records have; their order is that of the bytes. */
function uuids(sql: string): Comparison {
  const value = (operand: FilterValue): string | null =>
    typeof operand === 'string' && /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/.test(operand) ? `'${operand}'` : null
  return {
    equals: (operands) => oneOf(sql, operands, value),
    order: (operator, operand) => compared(sql, operator, value(operand)),
  }
}

/** By code point: bytes of UTF-8 are in that order, which the collation "C" gives. */
function texts({ sql, wire, collation }: ReadColumn, isUtf8: boolean): Comparison {
  // A citext, an enum, a domain over one: as the text that a record has.
  const text = wire.oid === oids.text || wire.oid === oids.varchar ? sql : `${sql}::text`
  const bytes = `${text} COLLATE "C"`
  // Where equal is the same, an index of whatever collation finds it.
  const exact = collation?.isDeterministic === true ? text : bytes
  const value = (operand: FilterValue): string | null =>
    typeof operand === 'string' && !comparesAsInstant(operand) && isStorable(operand) ? quoteText(operand) : null
  return {
    equals: (operands) => oneOf(exact, operands, value),
    order: (operator, operand) => (isUtf8 ? compared(bytes, operator, value(operand)) : null),
    like: (pattern) => (isUtf8 && isStorable(pattern) ? `${bytes} LIKE ${quoteText(pattern)}` : null),
  }
}

function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed()
}
