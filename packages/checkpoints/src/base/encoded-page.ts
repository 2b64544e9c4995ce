import type { Cursor, Page, RecordKey, SourceReject } from '@drover/core'
import { Refusals } from './refusals.js'

/** Makes a row of a record; it gets its key, too. */
export type Encode<I, R> = (record: I, key: RecordKey) => R

/** A page whose records become rows of another sink when they are asked for. */
export class EncodedPage<I, R> implements Page<R> {
  #rows: readonly R[] | undefined

  constructor(
    private readonly inner: Page<I>,
    /** Records of the batch before this page. */
    private readonly first: number,
    private readonly encode: Encode<I, R>,
  ) {}

  get count(): number {
    return this.inner.count
  }

  get bytes(): number {
    return this.inner.bytes
  }

  get cursor(): Cursor {
    return this.inner.cursor
  }

  get rejected(): readonly SourceReject[] {
    return this.inner.rejected ?? []
  }

  /** @throws `RECORD_REFUSED` for the first that is refused, with the others of the page */
  rows(): readonly R[] {
    this.#rows ??= this.#encoded()
    return this.#rows
  }

  keys(): readonly RecordKey[] {
    return this.inner.keys()
  }

  slice(from: number, to: number): EncodedPage<I, R> {
    return new EncodedPage(this.inner.slice(from, to), this.first + from, this.encode)
  }

  release(isReread: boolean): void {
    this.#rows = undefined
    this.inner.release?.(isReread)
  }

  #encoded(): R[] {
    const keys = this.inner.keys()
    const refusals = new Refusals()
    const rows: R[] = []
    for (const [i, record] of this.inner.rows().entries()) {
      refusals.try(this.first + i, () => rows.push(this.encode(record, keys[i] as RecordKey)))
    }
    refusals.throwIfAny()
    return rows
  }
}
