import type { FilterValue } from '@drover/core'

export type Order = '<' | '<=' | '>' | '>='

/** How values of a column are compared with operands, each method null if it could be otherwise than the engine does it. */
export interface Comparison {
  /** The condition that a value equals one of them; never true for null. */
  equals(operands: readonly FilterValue[]): string | null
  order(operator: Order, operand: FilterValue): string | null
  like?(pattern: string): string | null
}

export function oneOf(
  sql: string,
  operands: readonly FilterValue[],
  value: (operand: FilterValue) => string | null,
): string | null {
  const values = operands.map(value)
  if (values.some((one) => one === null)) return null
  return values.length === 1 ? `${sql} = ${values[0]}` : `${sql} IN (${values.join(', ')})`
}

export function compared(sql: string, operator: Order, value: string | null): string | null {
  return value === null ? null : `${sql} ${operator} ${value}`
}
