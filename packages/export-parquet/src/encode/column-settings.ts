import { chunkField, columnField, elementField, fileField, groupField } from './metadata.js'
import { readThrift, type ThriftFields } from './thrift.js'
import { numberAt, optionalNumber, optionalStruct, optionalText, structsAt } from './thrift-fields.js'
import type { ColumnSettings, WriterSettings } from './write-parquet.mjs'

const what = 'The row group that parquet-wasm encoded on trial'

/** `Encoding.DELTA_BINARY_PACKED` of parquet-wasm. */
const delta = 4

/** The ways to write a row group that are tried, in the order of preference: how the columns turn out tells which is best for each. */
export function trials(codec: number, columns: readonly TopColumn[]): WriterSettings[] {
  const all = (settings: (column: TopColumn) => Omit<ColumnSettings, 'name'>, dictionary: boolean): WriterSettings => ({
    codec,
    dictionary,
    columns: columns.map((column) => ({ name: column.name, ...settings(column) })),
  })
  return [
    all(() => ({ dictionary: true }), true),
    all(() => ({ dictionary: false }), false),
    all(({ isInteger }) => ({ dictionary: false, ...(isInteger && { encoding: delta }) }), false),
  ]
}

/** A column of the top level that is not a group. */
export interface TopColumn {
  readonly name: string
  /** Stored as a whole number of 32 or 64 bits: also dates, times, small decimals. */
  readonly isInteger: boolean
}

export function topColumns(schema: Uint8Array): TopColumn[] {
  const [, ...elements] = structsAt(readThrift(schema, what).fields, fileField.schema, what)
  const columns: TopColumn[] = []
  let inside = 0
  for (const element of elements) {
    const children = optionalNumber(element, elementField.children, what) ?? 0
    if (inside > 0) inside += children - 1
    else if (children > 0) inside = children
    else {
      const type = optionalNumber(element, elementField.type, what)
      columns.push({ name: optionalText(element, elementField.name, what) ?? '', isInteger: type === 1 || type === 2 })
    }
  }
  return columns
}

/** What to write with, after the footers of the trials in their order. */
export function chooseSettings(tried: readonly WriterSettings[], footers: readonly Uint8Array[]): WriterSettings {
  const sizes = footers.map((footer) => chunkSizes(readThrift(footer, what).fields))
  const [first] = tried
  if (first === undefined) throw new Error('nothing was tried')
  const pick = (of: (at: number) => number): number => {
    let best = 0
    for (let at = 1; at < tried.length; at++) if (of(at) < of(best) * 0.95) best = at
    return best
  }
  const nested = pick((at) => sizes[at]?.nested ?? 0)
  return {
    codec: first.codec,
    dictionary: tried[nested]?.dictionary ?? true,
    columns: first.columns.map(
      (column, place) => tried[pick((at) => sizes[at]?.top.get(column.name) ?? 0)]?.columns[place] ?? column,
    ),
  }
}

/** Bytes that the columns take, by name; those inside lists and structs together. */
function chunkSizes(file: ThriftFields): { top: Map<string, number>; nested: number } {
  const top = new Map<string, number>()
  let nested = 0
  for (const group of structsAt(file, fileField.groups, what)) {
    for (const column of structsAt(group, groupField.columns, what)) {
      const metadata = optionalStruct(column, columnField.metadata, what) ?? new Map()
      const bytes = numberAt(metadata, chunkField.compressedBytes, what)
      const path = metadata.get(chunkField.path)
      const [name, ...rest] = path?.kind === 'list' ? path.items : []
      if (name?.kind === 'binary' && rest.length === 0) top.set(new TextDecoder().decode(name.value), bytes)
      else nested += bytes
    }
  }
  return { top, nested }
}
