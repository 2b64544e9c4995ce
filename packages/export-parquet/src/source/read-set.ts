import { setImmediate as nextTurn } from 'node:timers/promises'
import { compileFilter, type Filter, type JsonValue, type ReadOptions } from '@drover/core'
import type { FileSet, OpenFile, SetFile } from './file-set.js'
import { GroupReader, type GroupSlice } from './group-reader.js'
import { mayMatch } from './group-statistics.js'
import { hiveValue } from './hive-path.js'
import { Unreadable } from './leaf-values.js'
import { type FileField, PageColumn } from './page-columns.js'
import { type PageParts, ParquetPage } from './parquet-page.js'
import { cursorOf, type ParquetCursor, rangeOf, resumeAt } from './place.js'
import { fieldsOf } from './push-down.js'
import { retyped } from './restored-type.js'
import type { SetField } from './set-schema.js'

export type ReadSetOptions = Pick<ReadOptions, 'after' | 'page' | 'signal'> & {
  readonly bounds: JsonValue
  readonly filter?: Filter | undefined
  /** The fields of the records; those that the filter looks at are among those of the set. */
  readonly fields: readonly SetField[]
  readonly key: readonly string[]
}

/** Longest stretch, in milliseconds, on the event loop without letting others run. */
const sliceMs = 20

/** Gives the records of a part of the set, page by page. */
export async function* readSet(set: FileSet, options: ReadSetOptions): AsyncGenerator<ParquetPage> {
  const { signal, after, bounds } = options
  const range = rangeOf(set, bounds)
  const cursor = after === null ? null : cursorOf(after)
  const start = cursor === null ? range.first : resumeAt(set, range, cursor)
  for (let at = start.file; at < set.files.length && at <= range.end.file; at++) {
    const file = set.files[at] as SetFile
    const from = at === start.file ? start.group : 0
    const to = at === range.end.file ? range.end.group : file.groups.length
    if (from >= to) continue
    signal.throwIfAborted()
    const skip = cursor !== null && at === start.file ? cursor.row : 0
    const digest = set.digest(range.first.file, at + 1)
    await using opened = await set.openFile(file)
    const before = rowsIn(set.files.slice(0, at))
    yield* readFile({ set, file, opened, from, to, skip, digest, before }, options)
  }
}

interface FilePart {
  readonly set: FileSet
  readonly file: SetFile
  readonly opened: OpenFile
  /** Row groups. */
  readonly from: number
  readonly to: number
  /** Records of the first of them. */
  readonly skip: number
  readonly digest: string
  /** Records in the files before it. */
  readonly before: number
}

async function* readFile(part: FilePart, options: ReadSetOptions): AsyncGenerator<ParquetPage> {
  const { file, opened, from, to, digest } = part
  const { filter, signal, page: limits } = options
  const known = fileFields(part, part.set.schema.fields)
  const fields = fileFields(part, options.fields)
  const filterFields = filter === undefined ? [] : [...new Set(fieldsOf(filter))]
  const needed = [
    ...fields.values(),
    ...filterFields.flatMap((name) => (fields.has(name) ? [] : (known.get(name) ?? []))),
  ]
  const nodes = needed.flatMap(({ node }) => node ?? [])
  const keeps =
    filter === undefined
      ? null
      : { test: compileFilter(filter), fields: filterFields.flatMap((name) => known.get(name) ?? []) }
  let first = file.groups.slice(0, from).reduce((sum, group) => sum + group.rows, 0)
  let since = performance.now()
  for (let group = from; group < to; group++) {
    const { rows } = file.groups[group] as SetFile['groups'][number]
    const skip = group === from ? part.skip : 0
    const begin = first
    first += rows
    const cursorAt = (row: number): ParquetCursor => ({ file: file.name, group, row, set: digest })
    const groupFooter = opened.footer.groups[group]
    if (filter !== undefined && groupFooter !== undefined && !mayMatch(filter, known, groupFooter)) {
      if (skip < rows) yield emptyPage(file, cursorAt(rows), part.before + first)
      continue
    }
    const reader = new GroupReader(opened, group, nodes)
    await reader.skip(Math.min(skip, rows))
    while (reader.left > 0) {
      signal.throwIfAborted()
      const slice = await reader.next(limits)
      const row = rows - reader.left
      const columnOf = (field: FileField): PageColumn =>
        new PageColumn(field, slice, `${file.path}: row group ${group}`)
      const places = keeps === null ? null : placesOf(keeps.test, keeps.fields.map(columnOf), slice)
      const parts: PageParts = {
        columns: [...fields.values()].map(columnOf),
        places,
        count: places?.length ?? slice.count,
        bytes: places === null ? slice.bytes : Math.ceil((slice.bytes * places.length) / slice.count),
        cursor: { ...cursorAt(row) },
        key: options.key,
        file: file.name,
        path: file.path,
        first: begin + row - slice.count,
        end: part.before + begin + row,
      }
      yield new ParquetPage(parts)
      if (performance.now() - since > sliceMs) {
        await nextTurn()
        since = performance.now()
      }
    }
  }
}

function rowsIn(files: readonly SetFile[]): number {
  return files.reduce((sum, { groups }) => groups.reduce((rows, group) => rows + group.rows, sum), 0)
}

/** The places of records that the filter keeps, and of those of which it cannot be said. */
function placesOf(
  test: (record: Record<string, unknown>) => boolean,
  columns: readonly PageColumn[],
  { count }: GroupSlice,
): number[] {
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

/** Carries the cursor over records that nobody has to see. */
function emptyPage(file: SetFile, cursor: ParquetCursor, end: number): ParquetPage {
  const place = { key: [], file: file.name, path: file.path, first: 0, end }
  return new ParquetPage({ columns: [], places: [], count: 0, bytes: 0, cursor: { ...cursor }, ...place })
}

/** Where each field of the records comes from in this file. */
function fileFields({ file, opened }: FilePart, fields: readonly SetField[]): Map<string, FileField> {
  const nodes = new Map(opened.footer.columns.map((node) => [node.name, node]))
  return new Map(
    fields.map(({ field: { name, type }, isFolder }): [string, FileField] => {
      if (isFolder) {
        const constant = hiveValue(file.partition.get(name) ?? null, type, `${file.path}: column "${name}"`)
        return [name, { name, node: null, constant }]
      }
      const node = nodes.get(name)
      return [name, { name, node: node === undefined ? null : retyped(node, type), constant: null }]
    }),
  )
}
