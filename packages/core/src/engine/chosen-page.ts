import type { Columns, Page, Pouring, RecordKey } from '../contracts/page.js'
import type { Cursor, Row } from '../contracts/values.js'

/** Some of a page's records. They are decoded only if they are asked for, as all of the page are. */
export class ChosenPage implements Page<Row> {
  readonly count: number
  readonly cursor: Cursor
  readonly columns?: Columns<Row>
  readonly pour?: (pouring: Pouring) => void
  #rows: readonly Row[] | undefined
  #keys: readonly RecordKey[] | undefined

  /** @param places Ascending. */
  constructor(
    private readonly page: Page<Row>,
    private readonly places: readonly number[],
  ) {
    this.count = places.length
    this.cursor = page.cursor
    const { columns } = page
    if (columns !== undefined) this.columns = this.#columnsOf(columns)
    if (page.pour !== undefined) this.pour = (pouring) => this.#pour(pouring)
  }

  get bytes(): number {
    const { page, places } = this
    return page.count === 0 ? 0 : Math.ceil((page.bytes * places.length) / page.count)
  }

  rows(): readonly Row[] {
    this.#rows ??= this.#chosen(this.page.rows())
    return this.#rows
  }

  keys(): readonly RecordKey[] {
    this.#keys ??= this.#chosen(this.page.keys())
    return this.#keys
  }

  slice(from: number, to: number): ChosenPage {
    return new ChosenPage(this.page, this.places.slice(Math.max(from, 0), Math.max(to, 0)))
  }

  release(isReread: boolean): void {
    this.#rows = undefined
    this.#keys = undefined
    this.page.release?.(isReread)
  }

  #pour({ records, ...rest }: Pouring): void {
    const { places } = this
    const chosen = records === undefined ? places : Array.from(records, (place) => places[place] as number)
    this.page.pour?.({ ...rest, records: chosen })
  }

  /** A column is set in the whole page: those of its records that were not chosen keep what they have. */
  #columnsOf(columns: Columns<Row>): Columns<Row> {
    return {
      get: (field) => this.#chosen(columns.get(field)),
      with: (field, values) => {
        const all = Array.from(columns.get(field))
        for (const [i, place] of this.places.entries()) all[place] = values[i]
        return new ChosenPage(columns.with(field, all), this.places)
      },
    }
  }

  #chosen<T>(all: ArrayLike<T>): T[] {
    return this.places.map((place) => all[place] as T)
  }
}
