import type { Columns, Cursor, Page, Pouring, RecordKey, Row, SourceReject } from '@drover/core'
import type { CopyPage } from './copy-page.js'
import type { ExtraColumn } from './pourer.js'

/** Rows of COPY, and fields beside them that the table does not have. */
export class WiderPage implements Page<Row> {
  readonly columns: Columns<Row> = {
    get: (field) => this.extras.get(field) ?? this.base.columns.get(field),
    with: (field, values) => this.#with(field, values),
  }
  #rows: readonly Row[] | undefined

  /** `extras` holds values by field, parallel to the base's rows; undefined where a record has no such field. */
  constructor(
    private readonly base: CopyPage,
    private readonly extras: ReadonlyMap<string, ArrayLike<unknown>>,
  ) {}

  get count(): number {
    return this.base.count
  }

  get bytes(): number {
    return this.base.bytes
  }

  get cursor(): Cursor {
    return this.base.cursor
  }

  get rejected(): readonly SourceReject[] {
    return this.base.rejected
  }

  rows(): readonly Row[] {
    this.#rows ??= this.base.rows().map((row, i) => {
      const wider: Row = { ...row }
      for (const [field, values] of this.extras) if (values[i] !== undefined) wider[field] = values[i]
      return wider
    })
    return this.#rows
  }

  keys(): readonly RecordKey[] {
    return this.base.keys()
  }

  slice(from: number, to: number): WiderPage {
    const extras = [...this.extras].map(
      ([field, values]) => [field, Array.from(values).slice(Math.max(from, 0), to)] as const,
    )
    return new WiderPage(this.base.slice(from, to), new Map(extras))
  }

  release(isReread = false): void {
    this.#rows = undefined
    this.base.release(isReread)
  }

  pour({ fields, into, ...rest }: Pouring): void {
    const extras: ExtraColumn[] = []
    const own = fields.map((field, i) => {
      const values = this.extras.get(field)
      const writer = into[i]
      if (values !== undefined && writer !== undefined) extras.push({ values, into: writer })
      return values === undefined
    })
    const isOwn = (_: unknown, i: number): boolean => own[i] === true
    this.base.pour({ fields: fields.filter(isOwn), into: into.filter(isOwn), ...rest }, extras)
  }

  #with(field: string, values: ArrayLike<unknown>): Page<Row> {
    const page = this.base.columns.with(field, values)
    if (page instanceof WiderPage) return new WiderPage(this.base, new Map([...this.extras, ...page.extras]))
    return new WiderPage(page as CopyPage, this.extras)
  }
}
