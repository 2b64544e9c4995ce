import { chunkField, columnField, elementField, fileField, groupField } from './metadata.js'
import { readThrift } from './thrift.js'
import { numberAt, optionalNumber, optionalStruct, optionalText, structsAt } from './thrift-fields.js'
import type { ColumnSettings, WriterSettings } from './write-parquet.mjs'

const what = 'The row group that parquet-wasm encoded on trial'

/** `Encoding` of parquet-wasm. */
const deltaBinaryPacked = 4

/**
 * How much room in the reader's memory weighs as much as a byte of the file. Texts in a dictionary are read two to four times as fast as the
 * same texts without, also where those compress better (measured with DuckDB and hyparquet on columns of 5,000 and 100 different texts).
 */
const readerBytes = 16

/** A column of the top level that is not a group. */
export interface TopColumn {
  readonly name: string
  /** Bytes of a value that is stored as a whole number: also dates, times, small decimals. */
  readonly integerBytes: 4 | 8 | undefined
}

/** Of a schema that the encoder gave. */
export function topColumns(schema: Uint8Array): TopColumn[] {
  const [, ...elements] = structsAt(readThrift(schema, what).fields, fileField.schema, what)
  const columns: TopColumn[] = []
  // Elements below a group that are still to come.
  let inside = 0
  for (const element of elements) {
    const children = optionalNumber(element, elementField.children, what) ?? 0
    if (inside > 0) inside -= 1
    else if (children === 0) {
      const type = optionalNumber(element, elementField.type, what)
      const integerBytes = type === 1 ? 4 : type === 2 ? 8 : undefined
      columns.push({ name: optionalText(element, elementField.name, what) ?? '', integerBytes })
    }
    inside += children
  }
  return columns
}

/**
 * Two ways to write a row group, of which each column takes the better: with dictionaries, and without. Without one, whole numbers are
 * written as differences: what ascends takes next to no room (0.3 kB instead of 400 kB for 100,000 ids, snappy), and DuckDB, hyparquet,
 * pyarrow and polars read it as fast as the numbers themselves or faster.
 */
export function trials(
  codec: number,
  columns: readonly TopColumn[],
): [plain: WriterSettings, dictionary: WriterSettings] {
  const plain = columns.map(
    ({ name, integerBytes }): ColumnSettings =>
      integerBytes === undefined
        ? { name, dictionary: false }
        : { name, dictionary: false, encoding: deltaBinaryPacked },
  )
  return [
    { codec, dictionary: false, columns: plain },
    { codec, dictionary: true, columns: [] },
  ]
}

/** What to write with, by the footers of the two trials. */
export function chooseSettings(
  codec: number,
  columns: readonly TopColumn[],
  [plain, dictionary]: readonly [Uint8Array, Uint8Array],
): WriterSettings {
  const without = chunkSizes(plain)
  const withOne = chunkSizes(dictionary)
  // Where it is the same, without: a dictionary of unique texts is built, found too large and dropped for each row group.
  const pays = (name: string | null): boolean => cost(withOne.get(name)) < cost(without.get(name)) * 0.95
  return {
    codec,
    dictionary: pays(null),
    columns: columns.map(({ name, integerBytes }): ColumnSettings => {
      if (pays(name)) return { name, dictionary: true }
      const { values, uncompressed } = without.get(name) ?? nothing
      // Differences of numbers without order are as long as the numbers.
      const isShorter = integerBytes !== undefined && uncompressed < 0.9 * integerBytes * values
      return isShorter ? { name, dictionary: false, encoding: deltaBinaryPacked } : { name, dictionary: false }
    }),
  }
}

interface ChunkSize {
  readonly values: number
  readonly compressed: number
  readonly uncompressed: number
}

const nothing: ChunkSize = { values: 0, compressed: 0, uncompressed: 0 }

function cost({ compressed, uncompressed }: ChunkSize = nothing): number {
  return compressed + uncompressed / readerBytes
}

/** Of the columns of the top level by name; of all those inside lists and structs together under `null`. */
function chunkSizes(footer: Uint8Array): Map<string | null, ChunkSize> {
  const sizes = new Map<string | null, ChunkSize>()
  for (const group of structsAt(readThrift(footer, what).fields, fileField.groups, what)) {
    for (const column of structsAt(group, groupField.columns, what)) {
      const metadata = optionalStruct(column, columnField.metadata, what) ?? new Map()
      const path = metadata.get(chunkField.path)
      const [first, ...rest] = path?.kind === 'list' ? path.items : []
      const name = first?.kind === 'binary' && rest.length === 0 ? new TextDecoder().decode(first.value) : null
      const before = sizes.get(name) ?? nothing
      sizes.set(name, {
        values: before.values + numberAt(metadata, chunkField.values, what),
        compressed: before.compressed + numberAt(metadata, chunkField.compressedBytes, what),
        uncompressed: before.uncompressed + numberAt(metadata, chunkField.uncompressedBytes, what),
      })
    }
  }
  return sizes
}
