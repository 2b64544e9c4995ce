import type { FieldCondition, Filter } from '@drover/core'
import type { RowGroup } from 'hyparquet'
import { readColumnIndex, readOffsetIndex, type SchemaElement } from 'hyparquet'
import { convertMetadata } from 'hyparquet/src/metadata.js'
import type { FileBytes } from './file-bytes.js'
import { type ColumnStatistics, mayHold } from './group-statistics.js'
import type { PagePlace } from './leaf-reader.js'
import type { FileField } from './page-columns.js'
import { fieldsOf } from './push-down.js'
import { rawParsers } from './raw-parsers.js'

/** Records of a row group, `[from, to)`. */
export type RowRange = readonly [number, number]

/** A page of a column: where its records are, and what is said of its values. */
interface IndexedPage {
  readonly range: RowRange
  readonly statistics: ColumnStatistics
}

/** The ranges of a row group in which a record may satisfy the filter, ascending, by the page indexes of the columns that it looks at. */
export async function matchingRanges(
  filter: Filter,
  fields: ReadonlyMap<string, FileField>,
  group: RowGroup,
  file: FileBytes,
): Promise<readonly RowRange[]> {
  const rows = Number(group.num_rows)
  const pages = new Map<string, readonly IndexedPage[]>()
  for (const name of new Set(fieldsOf(filter))) {
    const field = fields.get(name)
    const read = field === undefined ? null : await indexedPages(field, group, file)
    if (read !== null) pages.set(name, read)
  }
  const whole: readonly RowRange[] = rows === 0 ? [] : [[0, rows]]
  return pages.size === 0 ? whole : rangesOf(filter, fields, pages, whole)
}

function rangesOf(
  filter: Filter,
  fields: ReadonlyMap<string, FileField>,
  pages: ReadonlyMap<string, readonly IndexedPage[]>,
  whole: readonly RowRange[],
): readonly RowRange[] {
  const inner = (part: Filter): readonly RowRange[] => rangesOf(part, fields, pages, whole)
  if ('and' in filter && Array.isArray(filter.and)) return filter.and.map(inner).reduce(common, whole)
  if ('or' in filter && Array.isArray(filter.or)) return joined(filter.or.flatMap(inner))
  if ('not' in filter) return whole
  return Object.entries(filter)
    .map(([name, condition]) => {
      const field = fields.get(name)
      const of = pages.get(name)
      if (field === undefined || of === undefined) return whole
      const matching = of.filter(({ range: [from, to], statistics }) => {
        return mayHold(field, condition as FieldCondition, to - from, statistics)
      })
      return joined(matching.map(({ range }) => range))
    })
    .reduce(common, whole)
}

/** In ascending order, those that touch as one. */
function joined(ranges: readonly RowRange[]): readonly RowRange[] {
  const result: [number, number][] = []
  for (const [from, to] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const last = result.at(-1)
    if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to)
    else result.push([from, to])
  }
  return result
}

function common(a: readonly RowRange[], b: readonly RowRange[]): readonly RowRange[] {
  const result: RowRange[] = []
  for (let i = 0, k = 0; i < a.length && k < b.length; ) {
    const [fromA, toA] = a[i] as RowRange
    const [fromB, toB] = b[k] as RowRange
    const [from, to] = [Math.max(fromA, fromB), Math.min(toA, toB)]
    if (from < to) result.push([from, to])
    if (toA < toB) i++
    else k++
  }
  return result
}

/** The ends as bytes: those of a page of nulls are empty, which is no number. */
const bytesElement: SchemaElement = { name: '', type: 'BYTE_ARRAY' }

/** Null if the writer left no index of the column. */
async function indexedPages(
  { node }: FileField,
  group: RowGroup,
  file: FileBytes,
): Promise<readonly IndexedPage[] | null> {
  if (node?.kind !== 'leaf') return null
  const {
    column_index_offset: column,
    column_index_length: columnLength,
    offset_index_offset: offset,
  } = group.columns[node.index] ?? {}
  if (column === undefined || columnLength === undefined || offset === undefined) return null
  const values = readColumnIndex(await readerAt(file, column, columnLength), bytesElement, rawParsers)
  const starts = (await readPagePlaces(group, node.index, file)).map(({ first }) => first)
  if (starts.length !== values.null_pages.length) throw new Error('it has two numbers of pages')
  const rows = Number(group.num_rows)
  return starts.map((from, i) => {
    const to = starts[i + 1] ?? rows
    // Of a page of nothing but nulls the ends say nothing.
    if (values.null_pages[i] === true) return { range: [from, to], statistics: { null_count: BigInt(to - from) } }
    const nulls = values.null_counts?.[i]
    const endOf = (end: Uint8Array | undefined): ColumnStatistics['min_value'] =>
      convertMetadata(end, node.element, rawParsers)
    const ends = { min_value: endOf(values.min_values[i]), max_value: endOf(values.max_values[i]) } as ColumnStatistics
    return { range: [from, to], statistics: nulls === undefined ? ends : { ...ends, null_count: nulls } }
  })
}

/** Where the pages of a column are, by the index of the file. */
export async function readPagePlaces(group: RowGroup, leaf: number, file: FileBytes): Promise<readonly PagePlace[]> {
  const { offset_index_offset: offset, offset_index_length: length } = group.columns[leaf] ?? {}
  if (offset === undefined || length === undefined) return []
  const { page_locations: found } = readOffsetIndex(await readerAt(file, offset, length))
  const places = found.map((page) => ({ at: Number(page.offset), first: Number(page.first_row_index) }))
  let last = 0
  for (const [i, { first }] of places.entries()) {
    if (first < last || first > Number(group.num_rows) || (i === 0 && first > 0))
      throw new Error('its pages are not in order')
    last = first
  }
  return places
}

async function readerAt(file: FileBytes, start: bigint, length: number): Promise<{ view: DataView; offset: number }> {
  const bytes = await file.read(Number(start), Number(start) + length)
  return { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), offset: 0 }
}
