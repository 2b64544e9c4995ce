import type { Cursor, Page, RecordKey, SourceReject } from '@drover/core'

/** A page whose records were made into rows of a table, one each. */
export class EncodingPage<I, R> implements Page<R> {
  constructor(
    private readonly inner: Page<I>,
    private readonly encoded: readonly R[],
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

  rows(): readonly R[] {
    return this.encoded
  }

  keys(): readonly RecordKey[] {
    return this.inner.keys()
  }

  slice(from: number, to: number): EncodingPage<I, R> {
    return new EncodingPage(this.inner.slice(from, to), this.encoded.slice(from, to))
  }
}
