import { type Cursor, DroverError, type Page, type RecordKey, type SourceReject } from '@drover/core'

/** Makes a row of a record; it gets its key, too. */
export type MakeRow<I> = (record: I, key: RecordKey) => object

/** A page whose records become rows of a file when they are asked for. */
export class ExportPage<I extends object> implements Page<object> {
  #rows: readonly object[] | undefined

  constructor(
    private readonly inner: Page<I>,
    /** Records of the batch before this page. */
    private readonly first: number,
    private readonly make: MakeRow<I>,
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

  /** @throws `RECORD_REFUSED` for the first that cannot be read, with the others of the page */
  rows(): readonly object[] {
    this.#rows ??= this.#made()
    return this.#rows
  }

  keys(): readonly RecordKey[] {
    return this.inner.keys()
  }

  slice(from: number, to: number): ExportPage<I> {
    return new ExportPage(this.inner.slice(from, to), this.first + from, this.make)
  }

  release(isReread: boolean): void {
    this.#rows = undefined
    this.inner.release?.(isReread)
  }

  #made(): object[] {
    const keys = this.inner.keys()
    const refused: DroverError[] = []
    const rows: object[] = []
    for (const [i, record] of this.inner.rows().entries()) {
      try {
        rows.push(this.make(record, keys[i] as RecordKey))
      } catch (error) {
        if (!DroverError.isInstance(error, 'RECORD_UNREADABLE', 'RECORD_REFUSED')) throw error
        const row = this.first + i
        refused.push(new DroverError('RECORD_REFUSED', error.message, { row, cause: error }))
      }
    }
    const [first, ...alsoRefused] = refused
    if (first === undefined) return rows
    const { message, row, cause } = first
    throw new DroverError('RECORD_REFUSED', message, { row: row as number, cause, alsoRefused })
  }
}
