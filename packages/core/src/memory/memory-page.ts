import type { Page, RecordKey, SourceReject } from '../contracts/page.js'
import type { Cursor, JsonValue } from '../contracts/values.js'
import { keyValues } from './key-values.js'

/** The records `[from, to)` of an array. Nothing is copied before someone asks for the rows. */
export class MemoryPage<R extends object> implements Page<R> {
  readonly count: number
  readonly rejected?: readonly SourceReject[]
  #rows: readonly R[] | undefined
  #keys: readonly RecordKey[] | undefined

  constructor(
    private readonly held: {
      readonly records: readonly R[]
      readonly from: number
      readonly to: number
      readonly key: readonly string[]
    },
    readonly cursor: Cursor,
    readonly bytes: number,
    rejected: readonly SourceReject[] = [],
  ) {
    this.count = held.to - held.from + rejected.length
    if (rejected.length > 0) this.rejected = rejected
  }

  rows(): readonly R[] {
    this.#rows ??= this.held.records.slice(this.held.from, this.held.to)
    return this.#rows
  }

  keys(): readonly RecordKey[] {
    this.#keys ??= this.rows().map((row) => ({ source: keyValues(row, this.held.key) as JsonValue[], child: 0 }))
    return this.#keys
  }

  slice(from: number, to: number): MemoryPage<R> {
    const size = this.held.to - this.held.from
    const start = Math.min(Math.max(from, 0), size)
    const end = Math.min(Math.max(to, start), size)
    const bytes = size === 0 ? 0 : Math.ceil((this.bytes * (end - start)) / size)
    return new MemoryPage({ ...this.held, from: this.held.from + start, to: this.held.from + end }, this.cursor, bytes)
  }
}
