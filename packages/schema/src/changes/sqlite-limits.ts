import type { ColumnDefinition } from '../contracts/schema-changes.js'
import { isComputed } from './column-sql.js'

/** What SQLite's ADD COLUMN refuses: https://www.sqlite.org/lang_altertable.html#altertabaddcol */
export function addColumnByRebuild({
  default: initial,
  nullable = true,
  unique = false,
  references,
}: ColumnDefinition): boolean {
  const isNull = initial === undefined || initial === null
  return unique || isComputed(initial) || (!nullable && isNull) || (references !== undefined && !isNull)
}
