import type { ColumnDefinition } from '../contracts/schema-changes.js'
import { isComputed } from './column-sql.js'

/** What SQLite's ADD COLUMN refuses: https://www.sqlite.org/lang_altertable.html#altertabaddcol */
export function addColumnByRebuild({
  default: initial,
  nullable = true,
  unique = false,
  references,
  generated,
  identity,
}: ColumnDefinition): boolean {
  const isNull = initial === undefined || initial === null
  if (generated?.stored === true || identity === 'autoincrement') return true
  return (
    unique ||
    isComputed(initial) ||
    (!nullable && isNull && generated === undefined) ||
    (references !== undefined && !isNull)
  )
}
