import { type FilterValue, formatInstant, type Instant, instantOfDate, parseInstant } from '@drover/core'
import { quoteText } from '../connection/quote-name.js'
import { oids } from '../wire/wire-type.js'
import { type Comparison, compared, oneOf } from './comparison.js'

type TimeType = typeof oids.date | typeof oids.timestamp | typeof oids.timestamptz

/** The years that are written with four digits: what the engine reads as an instant. */
const firstSecond = -62_135_596_800
const endSecond = 253_402_300_800

/**
 * Dates and timestamps as the engine compares them: as instants. What is written otherwise than with a year of four digits
 * (`infinity`, years BC and beyond 9999) it compares with a text as a text, and with a Date not at all.
 */
export function timeComparison(sql: string, type: TimeType): Comparison {
  const value = (operand: FilterValue): string | null => {
    const instant = instantOf(operand, type)
    return instant === null ? null : literalOf(instant, type)
  }
  return {
    equals: (operands) => oneOf(sql, operands, value),
    order(operator, operand) {
      const condition = compared(sql, operator, value(operand))
      if (condition === null) return null
      const isUsual = `${sql} >= '0001-01-01${utc(type)}' AND ${sql} < '10000-01-01${utc(type)}'`
      const usual = `${condition} AND ${isUsual}`
      if (typeof operand !== 'string') return usual
      return `(${usual}) OR (NOT (${isUsual}) AND ${textOf(sql, type)} COLLATE "C" ${operator} ${quoteText(operand)})`
    },
  }
}

/** What the engine compares such values with; null if it does not do so by instants, or finer than PostgreSQL can. */
function instantOf(operand: FilterValue, type: TimeType): Instant | null {
  if (operand instanceof Date) return isWritable(instantOfDate(operand), type) ? instantOfDate(operand) : null
  if (typeof operand !== 'string' || !/^\d{4}-/.test(operand)) return null
  const written = parseInstant(operand)
  // A date is compared with a text of a date and a time as a text.
  if (written === null || (type === oids.date && !/^\d{4}-\d\d-\d\d$/.test(operand))) return null
  return isWritable(written, type) ? written : null
}

function isWritable({ seconds, nanos }: Instant, type: TimeType): boolean {
  if (seconds < firstSecond || seconds >= endSecond) return false
  return type === oids.date ? nanos === 0 && seconds % 86_400 === 0 : nanos % 1000 === 0
}

function literalOf(instant: Instant, type: TimeType): string {
  const written = formatInstant(instant, 6)
  return type === oids.date ? `'${written.slice(0, 10)}'` : `'${written.slice(0, -1)}${utc(type)}'`
}

function utc(type: TimeType): string {
  return type === oids.timestamptz ? 'Z' : ''
}

/** As records have it: `0044-03-15T00:00:00Z BC`. */
function textOf(sql: string, type: TimeType): string {
  if (type === oids.date) return `${sql}::text`
  const local = type === oids.timestamptz ? `(${sql} AT TIME ZONE 'UTC')` : sql
  return `regexp_replace(${local}::text, '^([^ ]+) ([^ ]+)', ${quoteText(`\\1T\\2${utc(type)}`)})`
}
