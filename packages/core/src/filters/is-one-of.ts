import type { FilterValue } from '../contracts/filter.js'
import { type Comparator, comparator, comparesAsInstant } from './compare.js'

/** Whether a value equals one of the operands. Thousands of operands cost what one costs, unless they are instants. */
export function isOneOf(operands: readonly FilterValue[]): (value: unknown) => boolean {
  const exact = new Set<unknown>()
  const instants: Comparator[] = []
  for (const operand of operands) {
    if (comparesAsInstant(operand)) instants.push(comparator(operand))
    else exact.add(asKey(operand))
  }
  if (instants.length === 0) return (value) => exact.has(asKey(value))
  return (value) => exact.has(asKey(value)) || instants.some((compare) => compare(value) === 0)
}

/** One key for a number and the bigint that equals it. */
function asKey(value: unknown): unknown {
  if (typeof value !== 'bigint') return value
  const number = Number(value)
  return Number.isFinite(number) && BigInt(number) === value ? number : value
}
