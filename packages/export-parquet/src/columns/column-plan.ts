import type { LogicalType } from '@drover/core'

/** What one column of a file holds. JSON can hold it: it stands in the manifest of an unfinished run. */
export interface ColumnPlan {
  readonly name: string
  readonly type: LogicalType
  readonly nullable: boolean
  /** What the source says the field is, where the option `types` names what the column is to hold. */
  readonly from?: LogicalType
}

/** The columns of a file, in their order. */
export interface TablePlan {
  readonly columns: readonly ColumnPlan[]
}
