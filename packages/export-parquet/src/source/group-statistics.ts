import { comparesAsInstant, compileFilter, type FieldCondition, type Filter, type FilterValue } from '@drover/core'
import type { RowGroup } from 'hyparquet'
import type { LeafNode } from './column-node.js'
import { digitsOf, integer, isUnsigned } from './leaf-values.js'
import type { FileField } from './page-columns.js'
import { dateText, splitDays, timestampText } from './time-text.js'

/**
 * Whether a record of the row group may satisfy the filter, by its statistics: false only if none does. `fields` as the records of the
 * file have them. Comparisons are the engine's own, with the least and the greatest value in the place of all of them.
 */
export function mayMatch(filter: Filter, fields: ReadonlyMap<string, FileField>, group: RowGroup): boolean {
  if ('and' in filter && Array.isArray(filter.and))
    return filter.and.every((part: Filter) => mayMatch(part, fields, group))
  if ('or' in filter && Array.isArray(filter.or)) return filter.or.some((part: Filter) => mayMatch(part, fields, group))
  if ('not' in filter) return true
  return Object.entries(filter).every(([name, condition]) => {
    const field = fields.get(name)
    if (field === undefined) return true
    const leaf = field.node?.kind === 'leaf' ? field.node.index : -1
    const statistics = group.columns[leaf]?.meta_data?.statistics
    return mayHold(field, condition as FieldCondition, Number(group.num_rows), statistics)
  })
}

/** The same for one field of some records, be they a row group or a page. */
export function mayHold(
  { name, node, constant }: FileField,
  condition: FieldCondition,
  rows: number,
  statistics: ColumnStatistics | undefined,
): boolean {
  if (node === null) return compileFilter({ [name]: condition })({ [name]: constant })
  if (node.kind !== 'leaf') return true
  const nulls = node.nullable ? statistics?.null_count : 0n
  const { isNull } = condition
  if (isNull === true && nulls === 0n) return false
  // Every comparison leaves null out, and so does isNull: false.
  if (isNull !== true && nulls !== undefined && Number(nulls) === rows) return false
  const bounds = boundsOf(node, statistics)
  if (bounds === null) return true
  return Object.entries(condition).every(
    ([operator, operand]) => operator === 'isNull' || fits(bounds, operator, operand),
  )
}

/** Not beyond them is any value of the group. */
interface Bounds {
  readonly isInside: (operand: FilterValue) => boolean
  /** The least and the greatest as records hold them, where the engine's order is that of the statistics. */
  readonly ends: readonly [unknown, unknown] | null
  readonly isTime: boolean
}

function fits(bounds: Bounds, operator: string, operand: unknown): boolean {
  switch (operator) {
    case 'eq':
      return bounds.isInside(operand as FilterValue)
    case 'in':
      // Thousands of operands for thousands of pages would take longer than reading does.
      return (operand as readonly unknown[]).length > 256 || (operand as readonly FilterValue[]).some(bounds.isInside)
    case 'lt':
    case 'lte':
    case 'gt':
    case 'gte': {
      if (bounds.ends === null || (bounds.isTime && !comparesAsInstant(operand as FilterValue))) return true
      const [least, greatest] = bounds.ends
      return compileFilter({ x: { [operator]: operand } } as Filter)({ x: operator.startsWith('l') ? least : greatest })
    }
    default:
      return true
  }
}

/** What writers say of the values of a column. */
export type ColumnStatistics = NonNullable<NonNullable<RowGroup['columns'][number]['meta_data']>['statistics']>

function boundsOf(leaf: LeafNode, statistics: ColumnStatistics | undefined): Bounds | null {
  if (statistics === undefined) return null
  const { type, element } = leaf
  if (type.kind === 'text') return textBounds(statistics)
  const least = endOf(leaf, statistics.min_value ?? oldEnd(leaf, statistics.min))
  const greatest = endOf(leaf, statistics.max_value ?? oldEnd(leaf, statistics.max))
  if (least === undefined || greatest === undefined) return null
  const isTime = type.kind === 'timestamp'
  if (element.type === 'INT96') return null
  const isInside = (operand: FilterValue): boolean => {
    // A text that is no instant is compared with times as text.
    if (isTime && !comparesAsInstant(operand)) return true
    return (
      compileFilter({ x: { lte: operand } })({ x: least }) && compileFilter({ x: { gte: operand } })({ x: greatest })
    )
  }
  return { isInside, ends: [least, greatest], isTime }
}

/**
 * The old fields were written before their order was settled: for signed numbers all writers did the same.
 * https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift (Statistics)
 */
function oldEnd({ element, type }: LeafNode, end: unknown): unknown {
  return isUnsigned(element) || !['boolean', 'int', 'float', 'date', 'timestamp'].includes(type.kind) ? undefined : end
}

/** An end as records hold it; undefined if it cannot be relied on. */
function endOf({ type, element }: LeafNode, end: unknown): unknown {
  switch (type.kind) {
    case 'boolean':
      return typeof end === 'boolean' ? end : undefined
    case 'float':
      // A NaN says nothing of the others.
      return typeof end === 'number' && !Number.isNaN(end) ? end : undefined
    case 'int':
      if (typeof end === 'bigint')
        return integer(Number(BigInt.asIntN(32, end)), Number(BigInt.asIntN(32, end >> 32n)), isUnsigned(element))
      return typeof end === 'number' ? end : undefined
    case 'date': {
      const text = typeof end === 'number' ? dateText(end) : ''
      // Texts of other years are in another order.
      return text.length === 10 ? text : undefined
    }
    case 'timestamp': {
      if (typeof end !== 'bigint') return undefined
      const digits = digitsOf(element)
      const { day, units } = splitDays(Number(BigInt.asIntN(32, end)), Number(BigInt.asIntN(32, end >> 32n)), digits)
      const text = timestampText(day, units, digits, type.zone)
      return text.charCodeAt(4) === 0x2d ? text : undefined
    }
    default:
      return undefined
  }
}

/** Bytes of UTF-8 are in the order of code points. An end may be cut: then the least is lower and the greatest higher, or its beginning. */
function textBounds({
  min_value: least,
  max_value: greatest,
  is_max_value_exact: isExact,
}: ColumnStatistics): Bounds | null {
  if (!(least instanceof Uint8Array) || !(greatest instanceof Uint8Array)) return null
  const isInside = (operand: FilterValue): boolean => {
    if (typeof operand !== 'string' || comparesAsInstant(operand)) return true
    const bytes = Buffer.from(operand)
    if (Buffer.compare(bytes, least) < 0) return false
    if (Buffer.compare(bytes, greatest) <= 0) return true
    return isExact !== true && bytes.subarray(0, greatest.length).equals(greatest)
  }
  return { isInside, ends: null, isTime: false }
}
