import { DroverError } from '@drover/core'
import { readInt32 } from './codecs/integer-codecs.js'
import { type CopyRows, copyHeader } from './copy-format.js'

export interface FramerOptions {
  /** Columns that each row must have. */
  readonly columns: number
  /** What a page takes at the most; one row is taken whatever it is. */
  readonly records: number
  readonly bytes: number
  /** As messages name what is read. */
  readonly where: string
}

const smallestBuffer = 64 * 1024
const largestBuffer = 1024 * 1024

/**
 * Cuts a stream of COPY binary into pages of whole rows, without decoding a value. Chunks may end anywhere; they are copied,
 * so their memory is free at once. It holds the pages that nobody took yet, and one row or chunk beyond.
 */
export class CopyFramer {
  readonly #pages: CopyRows[] = []
  #bytes: Buffer
  /** End of what was put into the buffer. */
  #used = 0
  /** Where the page under way begins. */
  #page = 0
  /** Where the row under way begins. */
  #row = 0
  /** What is known to belong to the row under way: fields left to pass, -1 before their number, and the place behind the last. */
  #fieldsLeft = -1
  #scanned = 0
  #starts: Uint32Array
  #count = 0
  #state: 'header' | 'rows' | 'end' = 'header'

  constructor(private readonly options: FramerOptions) {
    this.#bytes = Buffer.allocUnsafeSlow(bufferSize(options.bytes))
    this.#starts = new Uint32Array(Math.min(options.records, 1024))
  }

  /** Pages that are full and not taken yet. */
  get waiting(): number {
    return this.#pages.length
  }

  /** @throws `SOURCE_INVALID` if it is no COPY binary of so many columns. */
  push(chunk: Uint8Array): void {
    this.append(chunk, 0, chunk.length)
    this.scan()
  }

  /** A part of a chunk, which is looked at by the next `scan`. */
  append(chunk: Uint8Array, from: number, to: number): void {
    this.#reserve(to - from)
    this.#bytes.set(chunk.subarray(from, to), this.#used)
    this.#used += to - from
  }

  /** Looks for rows in what was appended. @throws `SOURCE_INVALID` if it is no COPY binary of so many columns. */
  scan(): void {
    if (this.#state === 'header' && !this.#readHeader()) return
    while (this.#readRow()) this.#endRow()
    if (this.#state === 'end' && this.#used > this.#scanned) throw this.#invalid('has bytes behind its end')
  }

  /** A page that is full; undefined if more has to be pushed first. */
  take(): CopyRows | undefined {
    return this.#pages.shift()
  }

  /** The last page, which may be empty, behind the last chunk. @throws `SOURCE_INVALID` if the stream broke off. */
  end(): CopyRows {
    if (this.#state !== 'end') throw this.#invalid('broke off')
    return this.rest()
  }

  /** The rows that are complete, without waiting for the page to be full. */
  rest(): CopyRows {
    this.#cut(this.#row)
    return this.#pages.shift() as CopyRows
  }

  #readHeader(): boolean {
    if (this.#used < copyHeader.length) return false
    if (this.#bytes.compare(copyHeader, 0, 15, 0, 15) !== 0) throw this.#invalid('does not begin as COPY binary does')
    const extension = readInt32(this.#bytes, 15)
    if (this.#used < copyHeader.length + extension) return false
    this.#page = this.#row = this.#scanned = copyHeader.length + extension
    this.#state = 'rows'
    return true
  }

  /** Goes on in the row under way; false if its end is not there yet. */
  #readRow(): boolean {
    const bytes = this.#bytes
    const used = this.#used
    let at = this.#scanned
    let left = this.#fieldsLeft
    if (left < 0) {
      if (at + 2 > used || this.#state === 'end') return false
      left = ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
      at += 2
      if (left === 0xffff) {
        this.#state = 'end'
        this.#scanned = at
        return false
      }
      if (left !== this.options.columns) {
        throw this.#invalid(`has a row of ${left} columns instead of ${this.options.columns}`)
      }
    }
    while (left > 0) {
      if (at + 4 > used) break
      const length = readInt32(bytes, at)
      const next = length < 0 ? at + 4 : at + 4 + length
      if (next > used) break
      at = next
      left--
    }
    this.#scanned = at
    this.#fieldsLeft = left
    return left === 0
  }

  #endRow(): void {
    const end = this.#scanned
    const { records, bytes } = this.options
    if (this.#count > 0 && end - this.#page > bytes) this.#cut(this.#row)
    if (this.#count === this.#starts.length) {
      const more = new Uint32Array(Math.min(records, this.#count * 2))
      more.set(this.#starts)
      this.#starts = more
    }
    this.#starts[this.#count++] = this.#row
    this.#row = end
    this.#fieldsLeft = -1
    if (this.#count >= records || end - this.#page >= bytes) this.#cut(end)
  }

  /** Pages share a buffer as long as there is room in it. */
  #cut(end: number): void {
    this.#pages.push({ bytes: this.#bytes, starts: this.#starts.slice(0, this.#count), end })
    this.#count = 0
    this.#page = end
  }

  /** Makes room. What belongs to the page under way moves to another buffer, for pages keep theirs. */
  #reserve(length: number): void {
    if (this.#used + length <= this.#bytes.length) return
    const from = this.#page
    const kept = this.#used - from
    const larger = Buffer.allocUnsafeSlow(Math.max(bufferSize(this.options.bytes), (kept + length) * 2))
    this.#bytes.copy(larger, 0, from, this.#used)
    this.#bytes = larger
    this.#used = kept
    this.#row -= from
    this.#scanned -= from
    this.#page = 0
    for (let i = 0; i < this.#count; i++) this.#starts[i] = (this.#starts[i] as number) - from
  }

  #invalid(what: string): DroverError {
    return new DroverError(
      'SOURCE_INVALID',
      `${this.options.where}: the data that Postgres sends ${what}. If the table was altered meanwhile, start again.`,
    )
  }
}

function bufferSize(pageBytes: number): number {
  return Math.min(Math.max(pageBytes * 2, smallestBuffer), largestBuffer)
}
