import type { Page } from '../contracts/page.js'
import { DroverError } from '../errors/drover-error.js'
import type { FileFormat } from './file-format.js'
import { gzipMember } from './gzip-piece.js'
import { indentJson } from './indent-json.js'
import { JsonLinesPage } from './json-lines-page.js'
import { encodeIndented, encodeJson, type JsonEncoding } from './json-values.js'
import type { PartFile } from './staging/part-file.js'
import { TextBuffer } from './text-buffer.js'

/** Written at once: large enough for the disk and for gzip, small enough for the processor's cache. */
const pieceBytes = 256 * 1024

export interface RecordWriting {
  readonly format: FileFormat
  readonly gzip: boolean
  readonly encoding: JsonEncoding
}

/** Two buffers to encode into: while one is written, the other is filled. One batch at a time uses them. */
export class PieceBuffers {
  #current = new TextBuffer(pieceBytes + pieceBytes / 2)
  #other: TextBuffer | undefined

  get current(): TextBuffer {
    return this.#current
  }

  get length(): number {
    return this.#current.length + (this.#other?.length ?? 0)
  }

  swap(): void {
    const filled = this.#current
    this.#current = this.#other ?? new TextBuffer(pieceBytes + pieceBytes / 2)
    this.#current.clear()
    this.#other = filled
  }

  clear(): void {
    this.#current.clear()
    this.#other?.clear()
  }
}

/** Encodes the pages of one batch and writes them behind a part; without a part it only tries. */
export class RecordWriter {
  rows = 0
  #before: string

  constructor(
    private readonly writing: RecordWriting,
    private readonly buffers: PieceBuffers,
    private readonly part: PartFile | null,
    /** What stands before the first record; undefined if other records do. */
    opener: string | undefined,
  ) {
    this.#before = opener ?? writing.format.between
    buffers.clear()
  }

  /** @throws `RECORD_REFUSED` with the row's place in the batch */
  async page(page: Page<object>): Promise<void> {
    const { format } = this.writing
    if (page instanceof JsonLinesPage && (page.tagged === false || this.writing.encoding.values !== 'plain')) {
      if (format.name === 'ndjson') this.#lines(page)
      else for (const text of page.texts()) this.#text(this.#spread(text))
    } else if (!this.#written(page)) {
      for (const row of page.rows()) this.#text(this.#encode(row))
    }
    if (this.buffers.current.length >= pieceBytes) await this.#flush()
  }

  /** Writes what is left, and `closer` behind it. The part has to be settled afterwards. */
  async end(closer = ''): Promise<void> {
    if (closer !== '') this.buffers.current.add(closer)
    await this.#flush()
  }

  /** Whether the page has written its records itself. */
  #written(page: Page<object>): boolean {
    const { format, encoding } = this.writing
    const isPlain = encoding.anyFields === undefined || encoding.anyFields.size === 0
    const lines = format.name === 'ndjson' && isPlain ? page.jsonLines?.() : undefined
    if (lines === undefined) return false
    this.buffers.current.addBytes(lines)
    this.rows += page.count - (page.rejected?.length ?? 0)
    return true
  }

  #lines(page: JsonLinesPage): void {
    this.buffers.current.addBytes(page.lines)
    this.rows += page.count
  }

  #text(text: string): void {
    const { between, after } = this.writing.format
    this.buffers.current.add(this.#before + text + after)
    this.#before = between
    this.rows++
  }

  #spread(text: string): string {
    const { spread } = this.writing.format
    return spread === undefined ? text : indentJson(text, spread.indent, spread.depth)
  }

  #encode(row: object): string {
    const { encoding, format } = this.writing
    try {
      if (format.spread === undefined) return encodeJson(row, encoding)
      return encodeIndented(row, encoding, format.spread.indent, format.spread.depth)
    } catch (error) {
      if (!DroverError.isInstance(error, 'RECORD_REFUSED')) throw error
      throw new DroverError('RECORD_REFUSED', error.message, { cause: error, row: this.rows })
    }
  }

  async #flush(): Promise<void> {
    const bytes = this.buffers.current.view()
    if (this.part === null || bytes.byteLength === 0) {
      this.buffers.current.clear()
      return
    }
    // Resolves when the piece before is written: its buffer is free then.
    await this.part.write(this.writing.gzip ? gzipMember(bytes) : bytes)
    this.buffers.swap()
  }
}
