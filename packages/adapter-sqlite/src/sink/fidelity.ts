import type { FidelityIssue, Field, RecordSchema } from '@drover/core'
import { type Affinity, affinityOf } from '../schema/affinity.js'
import { type Column, findColumn, type Table } from '../schema/table.js'

/**
 * What columns that are there would change of such records: SQLite converts what it stores to a column's affinity, and says
 * nothing. https://www.sqlite.org/datatype3.html#type_affinity
 *
 * @param coerced Fields of which the user accepts it.
 */
export function fidelityIssues(schema: RecordSchema, table: Table, coerced: readonly string[]): FidelityIssue[] {
  const issues: FidelityIssue[] = []
  for (const field of schema.fields) {
    const column = findColumn(table.columns, field.name)
    if (column === undefined || coerced.includes(field.name)) continue
    const loses = lossOf(field, column)
    if (loses !== null) {
      issues.push({
        field: field.name,
        loses: `${loses} ("${table.name}"."${column.name}" is ${column.declared || 'without a type'})`,
        remedy: `coerce: ['${field.name}']`,
      })
    }
  }
  return issues
}

function lossOf(field: Field, column: Column): string | null {
  const { type } = field
  const { affinity } = column
  if (affinity === 'BLOB') return null
  // What came out of a column like this one, SQLite has converted already.
  const isLikeIts = field.native !== undefined && affinityOf(field.native) === affinity && type.kind !== 'decimal'
  if (isLikeIts) return null
  switch (type.kind) {
    case 'text':
    case 'decimal':
      return isNumeric(affinity) ? 'a text that looks like a number becomes one, and loses zeros and digits' : null
    case 'json':
      return isNumeric(affinity) && !/JSON/i.test(column.declared)
        ? 'a JSON text that is a number alone becomes one'
        : null
    case 'int':
      return type.bits === 64 && affinity === 'REAL' ? 'integers beyond ±2^53 are rounded' : null
    case 'any':
      return `a value may become ${affinity === 'TEXT' ? 'a text' : 'a number'}`
    default:
      return null
  }
}

function isNumeric(affinity: Affinity): boolean {
  return affinity === 'INTEGER' || affinity === 'REAL' || affinity === 'NUMERIC'
}
