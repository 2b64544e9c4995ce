import type { SqliteValue } from '../connection/sqlite-connection.js'

/** Whether a column of a chunk has bytes: JSON has none, and they travel as `["00FF"]`. */
const noBytes = 0
const onlyBytes = 1
const bytesAmongOthers = 2

/** From how many UTF-16 units on a value is bound by itself, and a chunk ended. */
const largeValue = 256 * 1024
const fullChunk = 4 * 1024 * 1024

/** Whether a value is to be written by a statement of its own: JSON needs up to six units for one. */
export function isLarge(value: SqliteValue): boolean {
  return (typeof value === 'string' || value instanceof Uint8Array) && value.length > largeValue
}

/** Rows of as many values each, on their way through `json_each` without losing anything. */
export class JsonRows {
  readonly #rows: string[] = []
  readonly #bytes: number[]
  #length = 0

  /** @param first Place in the batch of its first row. */
  constructor(
    columns: number,
    readonly first: number,
  ) {
    this.#bytes = new Array<number>(columns).fill(noBytes)
  }

  get isFull(): boolean {
    return this.#length >= fullChunk
  }

  get count(): number {
    return this.#rows.length
  }

  add(values: readonly SqliteValue[]): void {
    let row = '['
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as SqliteValue
      if (i > 0) row += ','
      if (value instanceof Uint8Array) {
        if (this.#bytes[i] === noBytes) this.#bytes[i] = this.#rows.length === 0 ? onlyBytes : bytesAmongOthers
        row += `["${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}"]`
      } else {
        if (this.#bytes[i] === onlyBytes) this.#bytes[i] = bytesAmongOthers
        row += jsonOf(value)
      }
    }
    row += ']'
    this.#rows.push(row)
    this.#length += row.length
  }

  /** What gives the columns of a row of `json_each`, in order. */
  expressions(): readonly string[] {
    return this.#bytes.map((bytes, i) => {
      const text = `value ->> ${i}`
      const blob = `unhex(value ->> '$[${i}][0]')`
      if (bytes === noBytes) return text
      return bytes === onlyBytes ? blob : `CASE json_type(value, '$[${i}]') WHEN 'array' THEN ${blob} ELSE ${text} END`
    })
  }

  json(from: number, to: number): string {
    return `[${this.#rows.slice(from, to).join(',')}]`
  }
}

function jsonOf(value: Exclude<SqliteValue, Uint8Array>): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value)
    case 'bigint':
      return value.toString()
    case 'number':
      return realOf(value)
    default:
      return 'null'
  }
}

/**
 * A number that SQLite reads as this REAL, not as INTEGER. It takes the shortest digits for a neighbour in one case of ten
 * thousand; seventeen are always exact. Infinity has no JSON, but 9e999 is larger than every double.
 */
function realOf(value: number): string {
  if (Number.isFinite(value)) return value.toExponential(16)
  return value > 0 ? '9e999' : '-9e999'
}
