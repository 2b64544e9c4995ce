import type { LogicalType, Row } from '@drover/core'
import type { TablePlan } from '../columns/column-plan.js'
import { RowGroupBuilder } from '../columns/row-group-builder.js'

/** For tests of this folder: what is given to an encoder. */

export function plan(columns: Readonly<Record<string, LogicalType>>): TablePlan {
  return { columns: Object.entries(columns).map(([name, type]) => ({ name, type, nullable: true })) }
}

export function ipcOf(table: TablePlan, rows: readonly Row[]): Uint8Array {
  const builder = new RowGroupBuilder(table, 'test')
  builder.append(rows)
  return builder.toIpc()
}
