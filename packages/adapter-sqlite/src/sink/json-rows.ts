import type { SqliteValue } from '../connection/sqlite-connection.js'
import type { Column } from '../schema/table.js'

/** From how many UTF-16 units on a value is bound by itself, and a chunk ended. */
const largeValue = 256 * 1024
const fullChunk = 4 * 1024 * 1024

/** Whether a value is to be written by a statement of its own: JSON needs up to six units for one. */
export function isLarge(value: SqliteValue): boolean {
  return (typeof value === 'string' || value instanceof Uint8Array) && value.length > largeValue
}

/**
 * How the values of a column travel: as JSON has them; all as texts of reals or bytes, which SQL turns back; or each with
 * what it is, as `["b","00FF"]`.
 */
type Form = 'plain' | 'reals' | 'bytes' | 'tagged'

/** Rows on their way through `json_each` without losing anything. */
export class JsonRows {
  readonly #rows: (readonly SqliteValue[])[] = []
  #forms: readonly Form[] | undefined
  #hasBigints = false
  #length = 0

  /** @param first Place in the batch of its first row. */
  constructor(
    private readonly columns: readonly Column[],
    readonly first: number,
  ) {}

  get count(): number {
    return this.#rows.length
  }

  get isFull(): boolean {
    return this.#length >= fullChunk
  }

  add(values: readonly SqliteValue[]): void {
    this.#rows.push(values)
    for (const value of values) {
      if (typeof value === 'bigint') this.#hasBigints = true
      this.#length += typeof value === 'string' || value instanceof Uint8Array ? value.length : 8
    }
  }

  /** What gives the columns of a row of `json_each`, in order. */
  expressions(): readonly string[] {
    return this.#form().map((form, i) => expressionOf(form, i))
  }

  json(from = 0, to = this.count): string {
    const forms = this.#form()
    const rows = from === 0 && to === this.count ? this.#rows : this.#rows.slice(from, to)
    if (!this.#hasBigints && forms.every((form) => form === 'plain')) return JSON.stringify(rows)
    return JSON.stringify(rows.map((row) => row.map((value, i) => cellOf(value, forms[i] as Form, this.#isAny(i)))))
  }

  #form(): readonly Form[] {
    this.#forms ??= this.columns.map((_, i) => this.#formOf(i))
    return this.#forms
  }

  #formOf(column: number): Form {
    const isAny = this.#isAny(column)
    let isPlain = true
    let isReal = true
    let isBytes = true
    for (const row of this.#rows) {
      const value = row[column] as SqliteValue
      if (value === null) continue
      isPlain &&= isPlainCell(value, isAny)
      isReal &&= typeof value === 'number'
      isBytes &&= value instanceof Uint8Array
    }
    return isPlain ? 'plain' : isReal ? 'reals' : isBytes ? 'bytes' : 'tagged'
  }

  #isAny(column: number): boolean {
    return this.columns[column]?.affinity === 'BLOB'
  }
}

/** An integral number becomes the same in every column but one without affinity, where 1 and 1.0 are two values. */
function isPlainCell(value: SqliteValue, isAny: boolean): boolean {
  if (typeof value === 'number') return !isAny && Number.isSafeInteger(value)
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value))
  return !(value instanceof Uint8Array)
}

function cellOf(value: SqliteValue, form: Form, isAny: boolean): unknown {
  if (value === null) return null
  if (form === 'reals') return realOf(value as number)
  if (form === 'bytes') return hexOf(value as Uint8Array)
  if (form === 'plain' || isPlainCell(value, isAny)) return typeof value === 'bigint' ? Number(value) : value
  if (typeof value === 'number') return ['r', realOf(value)]
  return typeof value === 'bigint' ? ['i', value.toString()] : ['b', hexOf(value as Uint8Array)]
}

function expressionOf(form: Form, i: number): string {
  switch (form) {
    case 'plain':
      return `value ->> ${i}`
    case 'reals':
      return `CAST(value ->> ${i} AS REAL)`
    case 'bytes':
      return `unhex(value ->> ${i})`
    case 'tagged': {
      const text = `value ->> '$[${i}][1]'`
      const tagged = `CASE value ->> '$[${i}][0]' WHEN 'r' THEN CAST(${text} AS REAL) WHEN 'i' THEN CAST(${text} AS INTEGER) ELSE unhex(${text}) END`
      return `CASE json_type(value, '$[${i}]') WHEN 'array' THEN ${tagged} ELSE value ->> ${i} END`
    }
  }
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}

/**
 * Digits that SQLite reads as this REAL. Of the shortest ones it makes a neighbour once in ten thousand times; seventeen are
 * always exact. Infinity has none, but 9e999 is larger than every double.
 */
function realOf(value: number): string {
  // Whose text has no sign.
  if (Object.is(value, -0)) return '-0.0'
  if (Number.isFinite(value)) return value.toExponential(16)
  return value > 0 ? '9e999' : '-9e999'
}
