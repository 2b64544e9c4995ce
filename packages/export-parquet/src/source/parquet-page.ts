import {
  type Cursor,
  DroverError,
  type JsonValue,
  keyValues,
  type Page,
  type RecordKey,
  type Row,
  type SourceReject,
} from '@drover/core'
import { setField } from './assemble.js'
import { Unreadable } from './leaf-values.js'
import type { PageColumn } from './page-columns.js'

/** What a page is made of. */
export interface PageParts {
  readonly columns: readonly PageColumn[]
  /** Places of its records in the columns, ascending; all of them without it. */
  readonly places: ArrayLike<number> | null
  readonly count: number
  readonly bytes: number
  readonly cursor: Cursor
  /** Fields that identify a record; empty if its place does. */
  readonly key: readonly string[]
  /** Name of the file as keys have it, as messages have it, and the number of the record that stands at place 0. */
  readonly file: string
  readonly path: string
  readonly first: number
  /** Records of the set up to here, read or left out. */
  readonly end: number
}

interface Decoded {
  readonly rows: readonly Row[]
  readonly keys: readonly RecordKey[]
  readonly rejected: readonly SourceReject[]
}

/** Records of one row group. Columns become values, and values records, when somebody asks for them. */
export class ParquetPage implements Page<Row> {
  readonly count: number
  readonly bytes: number
  readonly cursor: Cursor
  /** Records of the set up to here, read or left out. */
  readonly end: number
  #decoded: Decoded | undefined

  constructor(
    private readonly parts: PageParts,
    private readonly range?: { readonly of: ParquetPage; readonly from: number; readonly to: number },
  ) {
    this.cursor = parts.cursor
    this.end = parts.end
    this.count = range === undefined ? parts.count : range.to - range.from
    this.bytes = this.count === parts.count ? parts.bytes : Math.ceil((parts.bytes * this.count) / parts.count)
  }

  get rejected(): readonly SourceReject[] {
    return this.#decode().rejected
  }

  rows(): readonly Row[] {
    return this.#decode().rows
  }

  keys(): readonly RecordKey[] {
    return this.#decode().keys
  }

  slice(from: number, to: number): ParquetPage {
    const { length } = this.rows()
    const start = Math.min(Math.max(from, 0), length)
    return new ParquetPage(this.parts, { of: this, from: start, to: Math.min(Math.max(to, start), length) })
  }

  release(): void {
    this.#decoded = undefined
    this.range?.of.release()
    for (const column of this.parts.columns) column.forget()
  }

  #decode(): Decoded {
    this.#decoded ??= this.range === undefined ? decode(this.parts) : cut(this.range.of.#decode(), this.range)
    return this.#decoded
  }
}

function cut(of: Decoded, { from, to }: { readonly from: number; readonly to: number }): Decoded {
  return { rows: of.rows.slice(from, to), keys: of.keys.slice(from, to), rejected: [] }
}

function decode(parts: PageParts): Decoded {
  const { columns, places, count } = parts
  const names = columns.map(({ name }) => name)
  const values = columns.map((column) => column.values())
  const isPlain = !names.includes('__proto__')
  const rows: Row[] = []
  const keys: RecordKey[] = []
  const rejected: SourceReject[] = []
  for (let i = 0; i < count; i++) {
    const place = places === null ? i : (places[i] as number)
    const row: Row = {}
    let bad = -1
    for (let k = 0; k < names.length; k++) {
      const value = values[k]?.[place]
      if (value instanceof Unreadable) bad = k
      else if (isPlain) row[names[k] as string] = value
      else setField(row, names[k] as string, value)
    }
    const error =
      bad < 0 ? undefined : unreadable(parts, place, names[bad] as string, values[bad]?.[place] as Unreadable)
    const source = keyOf(row, parts, place)
    if (error !== undefined || source === null) {
      const here = [parts.file, parts.first + place]
      rejected.push({ key: source ?? here, error: error ?? keyless(parts, place) })
      continue
    }
    rows.push(row)
    keys.push({ source, child: 0 })
  }
  // The values are in the records now; twice they are not kept.
  for (const column of columns) column.forget()
  return { rows, keys, rejected }
}

function keyOf(row: Row, { key, file, first }: PageParts, place: number): readonly JsonValue[] | null {
  return key.length === 0 ? [file, first + place] : keyValues(row, key)
}

function unreadable({ path, first }: PageParts, place: number, field: string, { reason }: Unreadable): DroverError {
  return new DroverError('RECORD_UNREADABLE', `${path}: record ${first + place}: field "${field}" ${reason}.`)
}

function keyless({ path, first, key }: PageParts, place: number): DroverError {
  return new DroverError('KEY_INVALID', `${path}: record ${first + place} has no value in its key (${key.join(', ')}).`)
}
