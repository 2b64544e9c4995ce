import { DroverError, type ValueRefused } from '@drover/core'
import type { ColumnPlan } from './column-plan.js'
import { typeName } from './type-names.js'

/** What a column refused, as the refusal of a record. */
export function recordRefused(refused: ValueRefused, column: ColumnPlan, where: string, row: number): DroverError {
  return new DroverError(
    'RECORD_REFUSED',
    `${where}: field "${refused.path}" is ${refused.what}, which the column's type ${typeName(column.type)} cannot take. ${refused.remedy}`,
    { cause: refused, row },
  )
}
