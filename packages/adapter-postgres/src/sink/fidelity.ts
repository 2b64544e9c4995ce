import type { FidelityIssue, Field, LogicalType, RecordSchema } from '@drover/core'
import { type Column, findColumn, type Table } from '../schema/table.js'
import { oids } from '../wire/wire-type.js'

/**
 * What columns that are there would change of such records without refusing them. A value that a column cannot take at all is refused
 * with its record, so types that have nothing in common are not listed.
 *
 * @param coerced Fields of which the user accepts it.
 */
export function fidelityIssues(schema: RecordSchema, table: Table, coerced: readonly string[]): FidelityIssue[] {
  const issues: FidelityIssue[] = []
  for (const field of schema.fields) {
    const column = findColumn(table.columns, field.name)
    if (column === undefined || column.isGenerated || coerced.includes(field.name)) continue
    const loses = lossOf(field, column)
    if (loses === null) continue
    issues.push({
      field: field.name,
      loses: `${loses} ("${table.name}"."${column.name}" is ${column.native})`,
      remedy: `coerce: ['${field.name}']`,
    })
  }
  return issues
}

function lossOf({ type, native }: Field, column: Column): string | null {
  // What came out of a column like this one is what such a column holds.
  if (native === column.native) return null
  if (column.wire.base === oids.bpchar && type.kind === 'text')
    return 'texts are filled up with spaces, or lose those at their end'
  return lossBetween(type, column.type)
}

function lossBetween(from: LogicalType, to: LogicalType): string | null {
  if (from.kind === 'list' && to.kind === 'list') return lossBetween(from.of, to.of)
  if (to.kind === 'float') return lossInFloat(from, to.bits)
  if (from.kind === 'timestamp' && to.kind === 'timestamp') return lossInTimestamp(from, to)
  return null
}

function lossInFloat(from: LogicalType, bits: 32 | 64): string | null {
  const digits = bits === 32 ? 7 : 15
  switch (from.kind) {
    case 'decimal':
      return `digits beyond ${digits} are lost`
    case 'float':
      return bits < from.bits ? `digits beyond ${digits} are lost` : null
    case 'int':
      return bits === 32 && from.bits > 16 ? 'integers beyond ±2^24 are rounded' : null
    case 'any':
      return bits === 32 ? `digits beyond ${digits} are lost` : null
    default:
      return null
  }
}

function lossInTimestamp(
  from: LogicalType & { readonly kind: 'timestamp' },
  to: LogicalType & { readonly kind: 'timestamp' },
): string | null {
  if (from.zone && !to.zone) return 'the offset from UTC is lost'
  if (!from.zone && to.zone) return 'a time without a zone is taken for one in UTC'
  return from.digits > to.digits ? `digits of a second beyond ${to.digits} are rounded away` : null
}
