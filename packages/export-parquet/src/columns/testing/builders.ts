import { DroverError, type LogicalType, type Row } from '@drover/core'
import type { TablePlan } from '../column-plan.js'
import { RowGroupBuilder } from '../row-group-builder.js'
import { readBack } from './read-back.js'

/** A plan of one column, `v`; `from` if its type was named in `types`. */
export function planOf(type: LogicalType, from?: LogicalType, nullable = true): TablePlan {
  return { columns: [{ name: 'v', type, nullable, ...(from !== undefined && { from }) }] }
}

/** What comes back of values that are appended to one column. */
export function stored(plan: TablePlan, ...values: readonly unknown[]): unknown[] {
  const builder = new RowGroupBuilder(plan, 'out.parquet')
  builder.append(values.map((v) => ({ v })))
  return readBack(builder.toIpc(), plan).map(({ v }) => v)
}

/** The refusal of a call. */
export function refusal(call: () => unknown): DroverError {
  try {
    call()
  } catch (error) {
    if (DroverError.isInstance(error)) return error
    throw error
  }
  throw new Error('Nothing was refused.')
}

export function refused(plan: TablePlan, v: unknown): DroverError {
  return refusal(() => new RowGroupBuilder(plan, 'out.parquet').append([{ v }] as Row[]))
}
