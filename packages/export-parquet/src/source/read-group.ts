import type { Filter, ReadOptions } from '@drover/core'
import { damaged } from './damaged.js'
import type { OpenFile, SetFile } from './file-set.js'
import { GroupReader, type GroupSlice } from './group-reader.js'
import { mayMatch } from './group-statistics.js'
import { Unreadable } from './leaf-values.js'
import { type FileField, PageColumn } from './page-columns.js'
import { matchingRanges, type RowRange } from './page-index.js'
import { type PageParts, ParquetPage } from './parquet-page.js'
import type { ParquetCursor } from './place.js'

/** A row group that is read, and what of it. */
export interface GroupPart {
  readonly file: SetFile
  readonly opened: OpenFile
  readonly group: number
  /** Records that were read before. */
  readonly skip: number
  /** Number of its first record in the file. */
  readonly first: number
  /** Records in the files before. */
  readonly before: number
  /** Digest of the files up to this one. */
  readonly digest: string
  /** Those of the records. */
  readonly fields: readonly FileField[]
  readonly filter: FileFilter | null
  readonly key: readonly string[]
}

/** A filter, and the fields that it looks at. */
export interface FileFilter {
  readonly filter: Filter
  readonly test: (record: Record<string, unknown>) => boolean
  readonly fields: readonly FileField[]
}

/** Gives the records of a row group, those that its statistics and page indexes exclude unread. */
export async function* readGroup(
  part: GroupPart,
  { page: limits, signal }: Pick<ReadOptions, 'page' | 'signal'>,
): AsyncGenerator<ParquetPage> {
  const { file, opened, group, skip, fields, filter } = part
  const { rows } = file.groups[group] as SetFile['groups'][number]
  if (skip >= rows) return
  const ranges = await rangesToRead(part, rows)
  if (ranges.length === 0) {
    yield new ParquetPage({ ...partsAt(part, rows), columns: [], places: [], count: 0, bytes: 0 })
    return
  }
  const needed = new Set([...fields, ...(filter?.fields ?? [])])
  const reader = new GroupReader(
    opened,
    group,
    [...needed].flatMap(({ node }) => node ?? []),
  )
  const [only] = ranges
  if (ranges.length > 1 || only?.[0] !== 0 || only[1] !== rows) reader.expectLittle()
  for (const [start, end] of ranges) {
    for (let row = Math.max(start, skip); row < end; ) {
      signal.throwIfAborted()
      await reader.skip(row - (rows - reader.left))
      const slice = await reader.next({ ...limits, records: Math.min(limits.records, end - row) })
      row += slice.count
      yield pageOf(part, slice, row)
    }
  }
}

/** The records that may satisfy the filter, as far as one can know without them. */
async function rangesToRead({ opened, group, filter }: GroupPart, rows: number): Promise<readonly RowRange[]> {
  const found = opened.footer.groups[group]
  if (filter === null || found === undefined) return [[0, rows]]
  const fields = new Map(filter.fields.map((field) => [field.name, field]))
  if (!mayMatch(filter.filter, fields, found)) return []
  try {
    return await matchingRanges(filter.filter, fields, found, opened.bytes)
  } catch (error) {
    throw damaged(`${opened.bytes.path}: row group ${group}: its page index`, error)
  }
}

function pageOf(part: GroupPart, slice: GroupSlice, row: number): ParquetPage {
  const { file, group, fields, filter } = part
  const columnOf = (field: FileField): PageColumn => new PageColumn(field, slice, `${file.path}: row group ${group}`)
  const columns = fields.map(columnOf)
  const at = partsAt(part, row, slice.count)
  if (filter === null) return new ParquetPage({ ...at, columns, places: null, count: slice.count, bytes: slice.bytes })
  const places = placesOf(filter.test, filter.fields.map(columnOf), slice)
  const bytes = Math.ceil((slice.bytes * places.length) / slice.count)
  return new ParquetPage({ ...at, columns, places, count: places.length, bytes })
}

/** The places of records that the filter keeps, and of those of which it cannot be said. */
function placesOf(test: FileFilter['test'], columns: readonly PageColumn[], { count }: GroupSlice): number[] {
  const places: number[] = []
  const values = columns.map((column) => column.values())
  for (let i = 0; i < count; i++) {
    const record: Record<string, unknown> = {}
    let isReadable = true
    for (const [k, { name }] of columns.entries()) {
      const value = values[k]?.[i]
      if (value instanceof Unreadable) isReadable = false
      record[name] = value
    }
    if (!isReadable || test(record)) places.push(i)
  }
  return places
}

function partsAt(
  { file, group, first, before, digest, key }: GroupPart,
  row: number,
  count = 0,
): Omit<PageParts, 'columns' | 'places' | 'count' | 'bytes'> {
  const cursor: ParquetCursor = { file: file.name, group, row, set: digest }
  return {
    cursor: { ...cursor },
    key,
    file: file.name,
    path: file.path,
    first: first + row - count,
    end: before + first + row,
  }
}
