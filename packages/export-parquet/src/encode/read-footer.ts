import type { FileHandle } from 'node:fs/promises'
import { DroverError } from '@drover/core'
import { groupFooter, type PlacedGroup } from './group-footer.js'
import { inSlices } from './in-slices.js'
import { chunkField, columnField, fileField, groupField, keyValueField } from './metadata.js'
import { type ByteRange, indexPlaces } from './relocate.js'
import { readThrift, type ThriftFields, writeThrift } from './thrift.js'
import {
  i64,
  numberAt,
  optionalNumber,
  optionalStruct,
  optionalText,
  structList,
  structsAt,
  withFields,
} from './thrift-fields.js'

export { optionalColumns, requiredColumns, schemaDifference } from './schema-difference.js'

/** What the footer of an existing file says, as far as it takes to append to it. */
export interface FooterOfFile {
  /** As they stand; `at` is 0, for their offsets are those of the file. */
  readonly groups: readonly PlacedGroup[]
  readonly rows: number
  /** For `fileFooter`: columns, key-value metadata and writer as they are. */
  readonly schema: Uint8Array
  readonly keyValues: Readonly<Record<string, string>>
  /** Row groups that are added begin here: behind it are only page indexes and the footer, which are written anew. */
  readonly dataEnd: number
}

/** The largest that is read: a footer of 1,000 row groups of 100 columns takes some 20 MB. */
const maxFooterBytes = 256 * 1024 * 1024

/** Read at once. */
const readBytes = 4 * 1024 * 1024

/**
 * Reads the footer and the page indexes of a Parquet file of `size` bytes. `name` is for messages.
 *
 * @throws `SOURCE_INVALID` for what is not Parquet, is cut short, encrypted, or has its columns in other files.
 */
export async function readFooterOf(
  handle: Pick<FileHandle, 'read'>,
  size: number,
  name: string,
): Promise<FooterOfFile> {
  const file = new FileReader(handle, size, name)
  const { metadata, at } = await file.metadata()
  const groups = structsAt(metadata, fileField.groups, name)
  const indexes = await file.readEach(groups.flatMap((group) => indexesOf(group, at, name)))
  const bytesAt = (range: ByteRange): Uint8Array => indexes.get(range.at) ?? new Uint8Array()
  return {
    groups: await inSlices(groups, (group) => ({
      footer: groupFooter(group, { at: 0, length: bytesOf(group, name) }, bytesAt, name),
      at: 0,
    })),
    rows: numberAt(metadata, fileField.rows, name),
    schema: writeThrift(withFields(metadata, { [fileField.rows]: i64(0), [fileField.groups]: structList([]) })),
    keyValues: keyValuesOf(metadata, name),
    dataEnd: dataEnd(indexes, at),
  }
}

class FileReader {
  constructor(
    readonly handle: Pick<FileHandle, 'read'>,
    readonly size: number,
    readonly name: string,
  ) {}

  async metadata(): Promise<{ metadata: ThriftFields; at: number }> {
    const { size, name } = this
    if (size < 12) throw invalid(name, `is no Parquet file: it has ${size} bytes`)
    const head = magicOf(await this.read({ at: 0, length: 4 }))
    const tail = await this.read({ at: size - 8, length: 8 })
    const end = magicOf(tail.subarray(4))
    if (head === 'PARE' || end === 'PARE')
      throw invalid(name, 'is an encrypted Parquet file. Drover has no keys for it')
    if (head !== 'PAR1') throw invalid(name, 'is no Parquet file: it does not begin with PAR1')
    if (end !== 'PAR1')
      throw invalid(name, 'is cut short, or not finished: it begins as a Parquet file and does not end as one')
    const length = new DataView(tail.buffer, tail.byteOffset).getUint32(0, true)
    const at = size - 8 - length
    if (at < 4)
      throw invalid(name, `is damaged: its footer would be longer (${length} bytes) than the file (${size} bytes)`)
    if (length > maxFooterBytes) {
      throw invalid(name, `has a footer of ${length} bytes; Drover reads those of up to ${maxFooterBytes}`)
    }
    const bytes = await this.read({ at, length })
    const metadata = readThrift(bytes, `The footer of ${name}`).fields
    if (metadata.has(fileField.encryption)) throw invalid(name, 'holds encrypted columns. Drover has no keys for them')
    return { metadata, at }
  }

  /** What stands at each of the ranges, by where it begins. Ranges behind each other are read at once. */
  async readEach(ranges: readonly ByteRange[]): Promise<Map<number, Uint8Array>> {
    const found = new Map<number, Uint8Array>()
    const sorted = ranges.toSorted((a, b) => a.at - b.at)
    for (let from = 0, to = 0; from < sorted.length; from = to) {
      const at = sorted[from]?.at ?? 0
      let end = at
      for (let next = sorted[to]; next !== undefined && (next.at === end || to === from); next = sorted[to]) {
        if (end > at && end - at + next.length > readBytes) break
        end = next.at + next.length
        to += 1
      }
      if ((sorted[to]?.at ?? end) < end) throw invalid(this.name, 'is damaged: two of its page indexes overlap')
      const bytes = await this.read({ at, length: end - at })
      for (const range of sorted.slice(from, to)) {
        found.set(range.at, bytes.subarray(range.at - at, range.at - at + range.length))
      }
    }
    return found
  }

  async read({ at, length }: ByteRange): Promise<Uint8Array> {
    const bytes = new Uint8Array(length)
    for (let done = 0; done < length; ) {
      const { bytesRead } = await this.handle.read(bytes, done, length - done, at + done)
      if (bytesRead === 0)
        throw invalid(this.name, `is cut short: it ends at byte ${at + done}, before byte ${at + length}`)
      done += bytesRead
    }
    return bytes
  }
}

/** Where the page indexes of a group stand; that its columns stand before the footer is checked as well. */
function indexesOf(group: ThriftFields, footerAt: number, name: string): ByteRange[] {
  const ranges: ByteRange[] = []
  for (const column of structsAt(group, groupField.columns, name)) {
    const other = optionalText(column, columnField.filePath, name)
    if (other !== undefined) throw invalid(name, `has columns in another file (${JSON.stringify(other)})`)
    if (column.has(columnField.encryption)) throw invalid(name, 'holds encrypted columns. Drover has no keys for them')
    const metadata = optionalStruct(column, columnField.metadata, name)
    if (metadata === undefined) throw invalid(name, 'is damaged: its footer says nothing of a column')
    const dataPage = numberAt(metadata, chunkField.dataPage, name)
    // Some writers give 0 for a dictionary page that is not there.
    const dictionaryPage = optionalNumber(metadata, chunkField.dictionaryPage, name) || dataPage
    inside(Math.min(dataPage, dictionaryPage), numberAt(metadata, chunkField.compressedBytes, name))
    const { columnIndex, offsetIndex } = indexPlaces(column, name)
    for (const range of [columnIndex, offsetIndex]) {
      if (range === undefined) continue
      inside(range.at, range.length)
      ranges.push(range)
    }
  }
  return ranges

  function inside(at: number, length: number): void {
    if (at >= 4 && length >= 0 && at + length <= footerAt) return
    throw invalid(
      name,
      `is damaged: its footer names bytes ${at} to ${at + length}, and it begins at byte ${footerAt} itself`,
    )
  }
}

function bytesOf(group: ThriftFields, name: string): number {
  const columns = structsAt(group, groupField.columns, name)
  const lengths = columns.map((column) => {
    const metadata = optionalStruct(column, columnField.metadata, name)
    return metadata === undefined ? 0 : numberAt(metadata, chunkField.compressedBytes, name)
  })
  return lengths.reduce((sum, length) => sum + length, 0)
}

/**
 * Page indexes that stand directly before the footer are written anew with it. Whatever else is there, such as Bloom filters, stays where
 * it is.
 */
function dataEnd(indexes: ReadonlyMap<number, Uint8Array>, footerAt: number): number {
  const starts = new Map([...indexes].map(([at, { length }]) => [at + length, at]))
  let end = footerAt
  for (let start = starts.get(end); start !== undefined; start = starts.get(end)) end = start
  return end
}

function keyValuesOf(metadata: ThriftFields, name: string): Record<string, string> {
  const entries = structsAt(metadata, fileField.keyValues, name).map(
    (entry) =>
      [
        optionalText(entry, keyValueField.key, name) ?? '',
        optionalText(entry, keyValueField.value, name) ?? '',
      ] as const,
  )
  return Object.fromEntries(entries)
}

function magicOf(bytes: Uint8Array): string {
  return new TextDecoder('latin1').decode(bytes)
}

function invalid(name: string, sentence: string): DroverError {
  return new DroverError('SOURCE_INVALID', `${name} ${sentence}.`)
}
