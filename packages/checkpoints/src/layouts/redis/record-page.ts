import type { Cursor, Page, RecordKey, SourceReject } from '@drover/core'
import type { Entry } from './reading.js'

/** Records that were read and decoded. */
export class RecordPage<R> implements Page<R> {
  readonly count: number
  readonly rejected: readonly SourceReject[]
  readonly #records: readonly R[]
  readonly #keys: readonly RecordKey[]

  private constructor(
    records: readonly R[],
    keys: readonly RecordKey[],
    rejected: readonly SourceReject[],
    readonly cursor: Cursor,
    readonly bytes: number,
  ) {
    this.#records = records
    this.#keys = keys
    this.rejected = rejected
    this.count = records.length + rejected.length
  }

  static of<R>(entries: readonly Entry<R>[], cursor: Cursor): RecordPage<R> {
    const records: R[] = []
    const keys: RecordKey[] = []
    const rejected: SourceReject[] = []
    let bytes = 0
    for (const { key, record, error, raw, bytes: size } of entries) {
      bytes += size
      if (record === undefined) rejected.push({ key, error, ...(raw && { raw }) })
      else {
        records.push(record)
        keys.push({ source: key, child: 0 })
      }
    }
    return new RecordPage(records, keys, rejected, cursor, bytes)
  }

  rows(): readonly R[] {
    return this.#records
  }

  keys(): readonly RecordKey[] {
    return this.#keys
  }

  slice(from: number, to: number): RecordPage<R> {
    const records = this.#records.slice(from, to)
    const bytes = this.count === 0 ? 0 : Math.ceil((this.bytes * records.length) / this.count)
    return new RecordPage(records, this.#keys.slice(from, to), [], this.cursor, bytes)
  }
}
