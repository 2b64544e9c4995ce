import type { Cursor, Page, RecordKey, Row, TransformContext } from '@drover/core'
import { pageStale, type SqliteRangePage } from '../source/range-page.js'

/** A page that SQLite reads where it updates it: in front of the sink nobody has seen more than where it ends. */
export class FusedPage implements Page<Row> {
  readonly count: number
  readonly bytes: number
  readonly cursor: Cursor
  /** What `set` is to be called with, once a row of it passed the step. */
  context: TransformContext | undefined
  #rows: readonly Row[] | undefined

  /** @param after The cursor in front of it. */
  constructor(
    private readonly extent: SqliteRangePage,
    readonly after: Cursor | null,
  ) {
    this.count = extent.count
    this.bytes = extent.bytes
    this.cursor = extent.cursor
  }

  /** Placeholders, which go through the step. */
  rows(): readonly Row[] {
    this.#rows ??= new Array<Row>(this.count).fill(new FusedRow(this) as object as Row)
    return this.#rows
  }

  keys(): readonly RecordKey[] {
    return this.extent.keys()
  }

  slice(): Page<Row> {
    return this.extent.slice()
  }

  /** Asks for the rows themselves. */
  stale(): Error {
    return pageStale(this.extent.shown)
  }
}

/** Stands for a row that nobody has read yet. It has no properties that anybody could see. */
export class FusedRow {
  readonly #page: FusedPage

  constructor(page: FusedPage) {
    this.#page = page
  }

  get page(): FusedPage {
    return this.#page
  }
}

/** The page whose rows these stand for; null if they are rows. */
export function fusedPageOf(rows: readonly object[]): FusedPage | null {
  const [first] = rows
  return first instanceof FusedRow ? first.page : null
}
