import { parquetHeader } from 'hyparquet/src/column.js'
import type { ColumnMetaData, PageHeader } from 'hyparquet/src/types.js'
import type { LeafNode } from './column-node.js'
import { decompress } from './decompress.js'
import { ChunkBytes, type FileBytes } from './file-bytes.js'
import { type Dictionary, type LeafPage, readDataPage, readDictionary } from './leaf-page.js'

/** Entries of a page: from `from` on, whose first value is the one at `place`. */
export interface LeafRun {
  readonly page: LeafPage
  readonly from: number
  readonly to: number
  readonly place: number
}

interface Held {
  readonly page: LeafPage
  /** Entries that were given. */
  from: number
  /** Values among them. */
  place: number
}

/** Where a page begins, and which is its first record. */
export interface PagePlace {
  readonly at: number
  readonly first: number
}

/** A page larger than that is damage, or an attack: libraries write pages of a megabyte. */
const mostBytes = 2 ** 30
/** The same for its entries; columns of nothing but nulls have many. */
const mostEntries = 2 ** 27
const headerBytes = 4 * 1024

/** Reads one column chunk, page by page, and gives its records in any portions. */
export class LeafReader {
  readonly #bytes: ChunkBytes
  readonly #entries: number
  #at: number
  /** Entries whose pages were read or left out. */
  #seen = 0
  #dictionary: Dictionary | undefined
  readonly #held: Held[] = []
  /** Records that begin in the pages held, and were not given. */
  #records = 0
  /** Records that were given or left out. */
  #given = 0

  constructor(
    readonly leaf: LeafNode,
    private readonly chunk: ColumnMetaData,
    file: FileBytes,
    /** Gives where its pages are, if the file says it. */
    private readonly places?: () => Promise<readonly PagePlace[]>,
  ) {
    const { data_page_offset: data, dictionary_page_offset: dictionary, num_values: entries } = chunk
    this.#at = Number(dictionary !== undefined && dictionary > 0n && dictionary < data ? dictionary : data)
    this.#entries = Number(entries)
    const end = Math.min(file.size, this.#at + Number(chunk.total_compressed_size) + lostBytes)
    if (!(this.#at >= 4) || !(this.#entries >= 0) || end <= this.#at)
      throw new Error('the footer gives it an impossible place')
    this.#bytes = new ChunkBytes(file, end)
  }

  /** Not all records are going to be asked for: little is read ahead. */
  expectLittle(): void {
    this.#bytes.jump()
  }

  /** Leaves `records` out: pages are not read where an index, or their headers, tell their records. */
  async skip(records: number): Promise<void> {
    const target = this.#given + records
    if (this.places !== undefined && this.leaf.repeated === 0) await this.#jump(target, await this.places())
    while (this.#given < target) {
      const left = target - this.#given
      if (this.#records === 0) {
        const skipped = await this.#load(left)
        this.#given += skipped
        if (skipped > 0) continue
      }
      const count = Math.min(left, await this.ensure(left))
      if (count === 0) throw ended()
      this.take(count)
    }
  }

  /** To the page that holds the record, if it is behind those that were read. */
  async #jump(record: number, places: readonly PagePlace[]): Promise<void> {
    const place = places.findLast(({ first }) => first <= record)
    if (place === undefined || place.first <= this.#seen || place.first > this.#entries) return
    // Its dictionary is the first page of a chunk.
    if (this.#seen === 0 && this.#at < (places[0]?.at ?? 0)) await this.#load(0)
    this.#held.length = 0
    this.#records = 0
    this.#at = place.at
    this.#bytes.jump()
    this.#seen = place.first
    this.#given = place.first
  }

  /** Reads pages until `records` are there, or all: gives how many of those wanted are. */
  async ensure(records: number): Promise<number> {
    // A record of a list may go on in the next page: it is there when the one behind it is.
    const isNested = this.leaf.repeated > 0
    while (this.#seen < this.#entries && this.#records < (isNested ? records + 1 : records)) await this.#load(0)
    return Math.min(records, this.#records)
  }

  /** Bytes of the next records at least, one after the other; null if all of them take the same. */
  sizes(records: number): ArrayLike<number> | null {
    if (this.#held.every(({ page }) => page.sizes === null)) return null
    const sizes = new Float64Array(records)
    let record = -1
    for (const { page, from, place } of this.#held) {
      let value = place
      for (let i = from; i < page.entries; i++) {
        if (page.repetitions === null || page.repetitions[i] === 0) record++
        if (record >= records) return sizes
        if (page.definitions !== null && page.definitions[i] !== this.leaf.defined) continue
        sizes[record] = (sizes[record] as number) + (page.sizes?.of(value) ?? 8)
        value++
      }
    }
    return sizes
  }

  /** Gives the entries of the next records, which are there. */
  take(records: number): LeafRun[] {
    this.#given += records
    const runs: LeafRun[] = []
    let left = records
    while (left > 0 || this.#goesOn()) {
      const held = this.#held[0]
      if (held === undefined) break
      const { page, from, place } = held
      const to = this.#endOf(page, from, left)
      const begun = page.repetitions === null ? to - from : beginnings(page.repetitions, from, to)
      left -= begun
      this.#records -= begun
      runs.push({ page, from, to, place })
      held.place += valuesIn(page, from, to, this.leaf.defined)
      held.from = to
      if (to === page.entries) this.#held.shift()
    }
    return runs
  }

  /** Whether the next entry belongs to the record that was given last. */
  #goesOn(): boolean {
    const [next] = this.#held
    return next !== undefined && next.page.repetitions !== null && next.page.repetitions[next.from] !== 0
  }

  #endOf({ entries, repetitions }: LeafPage, from: number, records: number): number {
    if (repetitions === null) return Math.min(entries, from + records)
    let left = records
    for (let i = from; i < entries; i++) {
      if (repetitions[i] === 0 && left-- === 0) return i
    }
    return entries
  }

  /** Reads the next page; one of `skippable` records at the most is left out: gives how many it had. */
  async #load(skippable: number): Promise<number> {
    const { header, start } = await this.#header(skippable > 0)
    const { compressed_page_size: stored, uncompressed_page_size: length } = header
    if (!(stored >= 0) || !(length >= 0) || length > mostBytes || stored > mostBytes)
      throw new Error(`a page is said to have ${length} bytes`)
    this.#at = start + stored
    const { data_page_header: old, data_page_header_v2: recent, dictionary_page_header: dictionary } = header
    if (header.type === 'DICTIONARY_PAGE' && dictionary !== undefined) {
      const page = decompress(this.chunk.codec, await this.#stored(start, stored), length)
      this.#dictionary = readDictionary(page, dictionary.num_values, this.leaf)
      return 0
    }
    const data = old ?? recent
    if (data === undefined) return 0 // A page of a kind that readers are to leave out.
    if (!(data.num_values >= 0) || data.num_values > Math.min(this.#entries - this.#seen, mostEntries))
      throw new Error('its pages have more values than the footer says')
    if (data.num_values === 0) return 0
    const rows = this.leaf.repeated === 0 ? data.num_values : recent?.num_rows
    this.#seen += data.num_values
    if (rows !== undefined && rows > 0 && rows <= skippable) return rows
    const page = this.#page(header, await this.#stored(start, stored))
    if (this.#seen === data.num_values && page.repetitions !== null && page.repetitions[0] !== 0)
      throw new Error('it begins inside of a record')
    this.#held.push({ page, from: 0, place: 0 })
    this.#records += page.repetitions === null ? page.entries : beginnings(page.repetitions, 0, page.entries)
    return 0
  }

  #page(header: PageHeader, stored: Buffer): LeafPage {
    const { codec } = this.chunk
    const { uncompressed_page_size: length, data_page_header_v2: recent } = header
    if (recent === undefined) {
      return readDataPage(header, decompress(codec, stored, length), null, this.leaf, this.#dictionary)
    }
    const levels = recent.definition_levels_byte_length + recent.repetition_levels_byte_length
    if (!(levels >= 0) || levels > stored.length || levels > length)
      throw new Error('its levels are longer than the page')
    const rest = stored.subarray(levels)
    const isCompressed = recent.is_compressed !== false
    const values = decompress(isCompressed ? codec : 'UNCOMPRESSED', rest, length - levels)
    return readDataPage(header, stored.subarray(0, levels), values, this.leaf, this.#dictionary)
  }

  async #header(isAlone: boolean): Promise<{ readonly header: PageHeader; readonly start: number }> {
    for (let wanted = headerBytes; ; wanted *= 8) {
      const bytes = await this.#bytes.at(this.#at, wanted, isAlone)
      if (bytes.length === 0) throw ended()
      const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), offset: 0 }
      try {
        return { header: parquetHeader(reader), start: this.#at + reader.offset }
      } catch (error) {
        // Its statistics may hold long values.
        if (bytes.length < wanted) throw error
      }
    }
  }

  async #stored(start: number, length: number): Promise<Buffer> {
    const bytes = await this.#bytes.at(start, length)
    if (bytes.length < length) throw ended()
    return bytes
  }
}

/** Some writers left the header of the dictionary out of the size of its chunk (PARQUET-816). */
const lostBytes = 100

function beginnings(repetitions: Uint8Array, from: number, to: number): number {
  let count = 0
  for (let i = from; i < to; i++) if (repetitions[i] === 0) count++
  return count
}

function valuesIn({ definitions }: LeafPage, from: number, to: number, defined: number): number {
  if (definitions === null) return to - from
  let count = 0
  for (let i = from; i < to; i++) if (definitions[i] === defined) count++
  return count
}

function ended(): Error {
  return new Error('its pages end before its values do')
}
