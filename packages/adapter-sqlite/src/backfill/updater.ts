import type { MaybePromise } from '@drover/core'
import type { SqliteConnection, SqliteValue } from '../connection/sqlite-connection.js'
import type { Column } from '../schema/table.js'
import type { Shape, Shapes } from '../sink/shapes.js'
import { storeValue } from '../sink/store-value.js'
import type { Computed, UpdatePlan } from './update-plan.js'

/** Updates rows inside the transaction that is open. */
export interface Updater {
  /**
   * @param before Rows of the batch in front of these.
   * @returns How many rows changed; the others are gone, or are not what was asked for any more.
   * @throws `RECORD_REFUSED` with the row's place in the batch.
   */
  update(records: readonly Computed[], before: number): MaybePromise<number>
}

export interface UpdaterOptions {
  readonly connection: SqliteConnection
  readonly plan: UpdatePlan
  /** Of the columns that may be set. */
  readonly shapes: Shapes
  readonly where: string
}

/** With SQL that computes the values there are none to bring. */
export const computedBySql: Shape = { fields: [], columns: [], fieldCount: 0 }

/** Puts the values of key and seen columns behind those that are set. */
export function fillKey(values: SqliteValue[], from: number, { row }: Computed, columns: readonly Column[]): void {
  for (let i = 0; i < columns.length; i++) {
    const column = columns[i] as Column
    values[from + i] = storeValue(row[column.name] ?? null, column)
  }
}

/** Whether nothing is to be done with a row. */
export function isEmpty({ set }: Computed, { expressions }: UpdatePlan): boolean {
  if (expressions !== undefined) return false
  for (const name in set) if (set[name] !== undefined) return false
  return true
}
