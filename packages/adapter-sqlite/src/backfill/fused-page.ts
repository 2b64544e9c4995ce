import type { Cursor, Page, RecordKey, Row, TransformContext } from '@drover/core'
import type { Computed } from './update-plan.js'

/** What became of a row once it was read and computed: nothing is to be done with one that is gone. */
export type FusedResult = { readonly computed: Computed | null } | { readonly error: unknown }

/** Reads the rows of a page as they are now, by place: undefined for one that is gone, an error for one that cannot be read. */
export type ReadFused = (
  page: FusedPage,
  signal: AbortSignal,
) => Promise<readonly ({ readonly row: Row } | { readonly error: unknown } | undefined)[]>

/** A page of which only the keys were read. */
export class FusedPage implements Page<Row> {
  readonly count: number
  readonly bytes: number
  readonly cursor: Cursor
  /** What `set` is to be called with, once a row of it passed the step. */
  context: TransformContext | undefined
  /** By place, once they were computed. */
  results: readonly FusedResult[] | undefined
  #rows: readonly Row[] | undefined

  /** @param after The cursor in front of it. */
  constructor(
    private readonly keysOnly: Page<Row>,
    readonly after: Cursor | null,
    private readonly readRows: ReadFused,
  ) {
    this.count = keysOnly.count
    this.bytes = keysOnly.bytes
    this.cursor = keysOnly.cursor
  }

  /** Placeholders; after they had to be read, the rows themselves. */
  rows(): readonly Row[] {
    this.#rows ??= Array.from({ length: this.count }, (_, i) => new FusedRow(this, i) as object as Row)
    return this.#rows
  }

  keys(): readonly RecordKey[] {
    return this.keysOnly.keys()
  }

  slice(from: number, to: number): Page<Row> {
    const { cursor, count, bytes } = this
    const rows = this.rows().slice(from, to)
    const keys = this.keys().slice(from, to)
    return {
      count: rows.length,
      bytes: Math.ceil((bytes * rows.length) / Math.max(1, count)),
      cursor,
      rows: () => rows,
      keys: () => keys,
      slice: (a, b) => this.slice(from + a, from + Math.min(b, rows.length)),
    }
  }

  /** Reads its rows and computes each; what `compute` throws is the row's own. */
  async resolve(
    compute: (row: Row, context: TransformContext) => Promise<Computed | null>,
    signal: AbortSignal,
  ): Promise<void> {
    if (this.results !== undefined) return
    const { context } = this
    if (context === undefined) throw new Error('a page that no step has seen')
    const found = await this.readRows(this, signal)
    const results: FusedResult[] = []
    for (const row of found) {
      if (row === undefined) results.push({ computed: null })
      else if ('error' in row) results.push(row)
      else results.push(await attempt(() => compute(row.row, context)))
    }
    const keysOnly = this.keysOnly.rows()
    this.#rows = found.map((row, i) => (row !== undefined && 'row' in row ? row.row : (keysOnly[i] as Row)))
    this.results = results
  }
}

/** Stands for a row that nobody has read yet. It has no properties that anybody could see. */
export class FusedRow {
  readonly #page: FusedPage
  readonly #index: number

  constructor(page: FusedPage, index: number) {
    this.#page = page
    this.#index = index
  }

  get page(): FusedPage {
    return this.#page
  }

  get result(): FusedResult | undefined {
    return this.#page.results?.[this.#index]
  }
}

/** The page whose rows these stand for; null if they are rows. */
export function fusedPageOf(rows: readonly object[]): FusedPage | null {
  const [first] = rows
  return first instanceof FusedRow ? first.page : null
}

async function attempt(work: () => Promise<Computed | null>): Promise<FusedResult> {
  try {
    return { computed: await work() }
  } catch (error) {
    return { error }
  }
}
