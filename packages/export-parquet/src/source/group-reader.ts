import { DroverError } from '@drover/core'
import { type ColumnNode, type LeafNode, leavesOf } from './column-node.js'
import { damaged } from './damaged.js'
import { canDecompress } from './decompress.js'
import type { OpenFile } from './file-set.js'
import { LeafReader, type LeafRun, type PagePlace } from './leaf-reader.js'
import { readPagePlaces } from './page-index.js'

/** The entries of some records, of all leaves that are read. */
export interface GroupSlice {
  readonly count: number
  readonly bytes: number
  /** By the place of the leaf in the row group. */
  readonly runs: ReadonlyMap<number, readonly LeafRun[]>
}

/** Reads the records of one row group, some at a time: a page of each column chunk is in memory, not the group. */
export class GroupReader {
  readonly #readers: readonly LeafReader[]
  readonly #where: string
  readonly #averageBytes: number
  #left: number

  constructor(file: OpenFile, group: number, columns: readonly ColumnNode[]) {
    const found = file.footer.groups[group]
    if (found === undefined) throw new DroverError('SOURCE_INVALID', `${file.bytes.path} has no row group ${group}.`)
    this.#where = `${file.bytes.path}: row group ${group}`
    this.#left = Number(found.num_rows)
    let bytes = 0
    this.#readers = columns.flatMap(leavesOf).map((leaf) => {
      const {
        meta_data: chunk,
        crypto_metadata: encryption,
        offset_index_length: index,
      } = found.columns[leaf.index] ?? {}
      const hasIndex = index !== undefined && index > 0
      const where = this.#columnName(leaf)
      if (encryption !== undefined || chunk === undefined) {
        throw new DroverError(
          'SOURCE_INVALID',
          `${where} is encrypted, which Drover does not read: leave it out with columns, or write it without encryption.`,
        )
      }
      if (!canDecompress(chunk.codec)) {
        const codec = chunk.codec ?? 'a codec that is not known'
        throw new DroverError(
          'SOURCE_INVALID',
          `${where} is compressed with ${codec}, which Drover does not read: write it with snappy, zstd or gzip.`,
        )
      }
      bytes += Number(chunk.total_uncompressed_size)
      try {
        let known: Promise<readonly PagePlace[]> | undefined
        const places = (): Promise<readonly PagePlace[]> => {
          known ??= readPagePlaces(found, leaf.index, file.bytes)
          return known
        }
        return new LeafReader(leaf, chunk, file.bytes, hasIndex ? places : undefined)
      } catch (error) {
        throw damaged(where, error)
      }
    })
    this.#averageBytes = this.#left === 0 ? 0 : bytes / this.#left
  }

  /** Records that are left. */
  get left(): number {
    return this.#left
  }

  /** Not all records are going to be asked for: little is read ahead. */
  expectLittle(): void {
    for (const reader of this.#readers) reader.expectLittle()
  }

  async skip(records: number): Promise<void> {
    if (records === 0) return
    await this.#each((reader) => reader.skip(records))
    this.#left -= records
  }

  /** The next records: as many as fit, and one at least. */
  async next(limits: { readonly records: number; readonly bytes: number }): Promise<GroupSlice> {
    const expected = Math.max(1, Math.floor(limits.bytes / Math.max(1, this.#averageBytes)) + 1)
    const wanted = Math.min(this.#left, limits.records, expected)
    await this.#each(async (reader) => {
      if ((await reader.ensure(wanted)) < wanted) throw new Error('its pages end before the records do')
    })
    const { count, bytes } = this.#fitting(wanted, limits.bytes)
    const runs = new Map(this.#readers.map((reader) => [reader.leaf.index, reader.take(count)]))
    this.#left -= count
    return { count, bytes, runs }
  }

  #fitting(records: number, limit: number): { readonly count: number; readonly bytes: number } {
    let fixed = 0
    const varying: ArrayLike<number>[] = []
    for (const reader of this.#readers) {
      const sizes = reader.sizes(records)
      if (sizes === null) fixed += 8
      else varying.push(sizes)
    }
    let bytes = 0
    for (let i = 0; i < records; i++) {
      let size = fixed
      for (let k = 0; k < varying.length; k++) size += varying[k]?.[i] ?? 0
      if (i > 0 && bytes + size > limit) return { count: i, bytes }
      bytes += size
    }
    return { count: records, bytes }
  }

  /** One after the other: the chunks of a row group lie behind each other. */
  async #each(work: (reader: LeafReader) => Promise<void>): Promise<void> {
    for (const reader of this.#readers) {
      try {
        await work(reader)
      } catch (error) {
        throw damaged(this.#columnName(reader.leaf), error)
      }
    }
  }

  #columnName(leaf: LeafNode): string {
    return `${this.#where}, column "${leaf.path.join('.')}"`
  }
}
