import {
  type Cursor,
  DroverError,
  JsonLinesPage,
  type Page,
  type RecordKey,
  type Row,
  type SourceReject,
} from '@drover/core'
import { type KeyValue, recordKeyOf } from './key-value.js'
import type { RawRow } from './row-decoder.js'

/**
 * What pages were asked for last, so that the next ones are read in the form that serves it best: `lines` are JSON that SQLite
 * wrote, for a file; `rows` are values.
 */
export interface Demand {
  wanted: 'lines' | 'rows'
}

interface Rows {
  readonly count: number
  readonly bytes: number
  readonly cursor: Cursor
  readonly rejected: readonly SourceReject[]
  /** The rows of the records that could be read. */
  readonly raw: () => readonly RawRow[]
  readonly decode: (row: RawRow) => Row
  readonly keyOf: (row: RawRow) => readonly KeyValue[]
  readonly demand: Demand
}

/** Values by place of the column, made records of when someone asks. */
export class SqlitePage implements Page<Row> {
  readonly count: number
  readonly bytes: number
  readonly cursor: Cursor
  readonly rejected?: readonly SourceReject[]
  readonly #parts: Omit<Rows, 'raw'>
  #rows: readonly Row[] | undefined
  #keys: readonly RecordKey[] | undefined
  #raw: (() => readonly RawRow[]) | undefined

  constructor({ raw, ...parts }: Rows) {
    this.#raw = raw
    this.#parts = parts
    this.count = parts.count
    this.bytes = parts.bytes
    this.cursor = parts.cursor
    if (parts.rejected.length > 0) this.rejected = parts.rejected
  }

  rows(): readonly Row[] {
    this.#parts.demand.wanted = 'rows'
    this.#rows ??= this.#given().map(this.#parts.decode)
    return this.#rows
  }

  keys(): readonly RecordKey[] {
    const { keyOf } = this.#parts
    this.#keys ??= this.#given().map((row) => ({ source: recordKeyOf(keyOf(row)), child: 0 }))
    return this.#keys
  }

  slice(from: number, to: number): SqlitePage {
    const { bytes, count } = this.#parts
    const readable = count - this.#parts.rejected.length
    const start = Math.min(Math.max(from, 0), readable)
    const end = Math.min(Math.max(to, start), readable)
    return new SqlitePage({
      ...this.#parts,
      count: end - start,
      bytes: count === 0 ? 0 : Math.ceil((bytes * (end - start)) / count),
      rejected: [],
      raw: () => this.#given().slice(start, end),
    })
  }

  release(isReread: boolean): void {
    if (isReread) this.#raw = undefined
    this.#rows = undefined
    this.#keys = undefined
  }

  #given(): readonly RawRow[] {
    if (this.#raw !== undefined) return this.#raw()
    throw new DroverError('PAGE_STALE', 'The rows of the page were forgotten once the sink had taken them.')
  }
}

interface Lines {
  readonly lines: Uint8Array
  readonly count: number
  readonly cursor: Cursor
  readonly tagged: boolean
  readonly records: () => readonly Row[]
  readonly keyOf: (record: Row) => readonly KeyValue[]
  readonly demand: Demand
}

/** Lines of JSON that SQLite wrote: a file takes them as they are. */
export class SqliteLinesPage extends JsonLinesPage {
  readonly #parts: Lines
  #records: readonly Row[] | undefined

  constructor(parts: Lines) {
    const keys = (): RecordKey[] =>
      this.rows().map((record) => ({ source: recordKeyOf(parts.keyOf(record)), child: 0 }))
    super({ ...parts, keys })
    this.#parts = parts
  }

  override rows(): readonly Row[] {
    this.#parts.demand.wanted = 'rows'
    this.#records ??= this.#parts.records()
    return this.#records
  }

  override release(): void {
    super.release()
    this.#records = undefined
  }
}
