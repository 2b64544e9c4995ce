import type { FilterValue } from '../contracts/filter.js'
import { compareInstants, type Instant, instantOfDate, parseInstant } from '../time/instant.js'
import { compareText } from './compare-text.js'

/** Compares a value with one operand, as `sort` does; NaN if the two cannot be compared, so that no comparison holds. */
export type Comparator = (value: unknown) => number

const incomparable = Number.NaN

/**
 * Readies an operand: what it is, is found out once.
 *
 * - Numbers and bigints are compared exactly with each other.
 * - Text is compared by code point.
 * - A text that is an ISO 8601 date with a time is compared as an instant with a value that is one too, or a `Date`;
 *   without a zone it is UTC.
 * - A text that is a date alone is midnight UTC against such a value; against another date it is compared as text.
 * - A `Date` is compared with Dates and with texts of all these forms.
 * - `false` is before `true`.
 */
export function comparator(operand: FilterValue): Comparator {
  switch (typeof operand) {
    case 'number':
    case 'bigint':
      return (value) => (typeof value === 'number' || typeof value === 'bigint' ? order(value, operand) : incomparable)
    case 'boolean':
      return (value) => (typeof value === 'boolean' ? Number(value) - Number(operand) : incomparable)
    case 'string':
      return textComparator(operand)
    default:
      return dateComparator(operand)
  }
}

/**
 * Whether a filter may compare this operand as an instant, so that texts which differ are equal. A source that pushes
 * a filter down as a comparison of texts has to leave such operands to the engine.
 */
export function comparesAsInstant(operand: FilterValue): boolean {
  return typeof operand === 'string' ? parseInstant(operand) !== null : operand instanceof Date
}

function textComparator(operand: string): Comparator {
  const asText = compareText(operand)
  const instant = parseInstant(operand)
  if (instant === null) return (value) => (typeof value === 'string' ? asText(value) : incomparable)
  return (value) => {
    if (typeof value === 'string') {
      const other = parseInstant(value)
      return other?.form === 'date-time' ? compareInstants(other, instant) : asText(value)
    }
    return value instanceof Date ? compareInstants(instantOfDate(value), instant) : incomparable
  }
}

function dateComparator(operand: Date): Comparator {
  const instant = instantOfDate(operand)
  return (value) => {
    const other: Instant | null =
      value instanceof Date ? instantOfDate(value) : typeof value === 'string' ? parseInstant(value) : null
    return other === null ? incomparable : compareInstants(other, instant)
  }
}

/** `<` and `>` compare a number with a bigint by their mathematical values; NaN is neither. */
function order(value: number | bigint, operand: number | bigint): number {
  if (value < operand) return -1
  if (value > operand) return 1
  return Number.isNaN(value) ? incomparable : 0
}
