import type { MaybePromise } from '@drover/core'
import type { SqliteConnection } from '../connection/sqlite-connection.js'
import { after } from '../connection/wait-while-busy.js'
import { type PageBounds, pageQuery } from './page-query.js'
import { keyReader, type PageLimits, type ReadRows } from './read-carefully.js'
import type { Relation } from './relation.js'
import type { RawRow } from './row-decoder.js'

/** A text whose string could be longer than V8's can be, which ends the process: such a one is fetched as bytes and read carefully. */
const longText = 500_000_000

/** Reads pages with better-sqlite3 as it gives them: the fastest way to values. */
export class DirectReader {
  readonly #columns: readonly string[]
  #isExact: boolean

  /**
   * @param fileBytes How large the database is: no text can be larger.
   */
  constructor(
    private readonly connection: SqliteConnection,
    private readonly relation: Relation,
    isExact: boolean,
    fileBytes: number,
  ) {
    this.#isExact = isExact
    this.#columns = relation.reads.map(({ sql }) => {
      const name = `d.${sql}`
      return fileBytes < longText
        ? name
        : `CASE WHEN octet_length(${name}) >= ${longText} THEN CAST(${name} AS BLOB) ELSE ${name} END`
    })
  }

  /** The page; null if no record is left; undefined if it has to be read carefully. */
  read(bounds: PageBounds, limits: PageLimits): MaybePromise<ReadRows | null | undefined> {
    const query = pageQuery(this.relation, bounds, this.#columns, limits.records)
    const page = new DirectPage(this.relation, limits.bytes, this.#isExact)
    const reading = this.connection.each(query.sql, query.values, (row) => page.add(row), {
      integers: this.#isExact ? 'bigint' : 'auto',
    })
    return after(reading, () => {
      if (!page.isRounded) return page.end()
      // A double that large may be an INTEGER that was rounded: from now on integers are read as bigint.
      this.#isExact = true
      return this.read(bounds, limits)
    })
  }
}

class DirectPage {
  isRounded = false
  #isDoubtful = false
  readonly #rows: RawRow[] = []
  #bytes = 0

  constructor(
    private readonly relation: Relation,
    private readonly maxBytes: number,
    private readonly isExact: boolean,
  ) {}

  add(row: RawRow): boolean {
    let size = 16
    // An index is faster here than an iterator.
    for (let i = 0; i < row.length; i++) {
      const value = row[i]
      if (typeof value === 'string') {
        size += value.length
        // Either the character itself, or what stands for bytes that are no UTF-8.
        if (value.includes('\ufffd')) this.#isDoubtful = true
      } else if (typeof value === 'number') {
        size += 8
        if (!this.isExact && (value > Number.MAX_SAFE_INTEGER || value < Number.MIN_SAFE_INTEGER)) this.isRounded = true
      } else if (value instanceof Uint8Array) {
        size += value.byteLength
        if (value.byteLength >= longText) this.#isDoubtful = true
      } else size += 8
    }
    if (this.#rows.length > 0 && this.#bytes + size > this.maxBytes) return false
    this.#bytes += size
    this.#rows.push(row)
    return !this.isRounded && !this.#isDoubtful
  }

  end(): ReadRows | null | undefined {
    if (this.#isDoubtful) return undefined
    const rows = this.#rows
    if (rows.length === 0) return null
    const keyOf = keyReader(this.relation)
    return { rows, keyOf, rejected: [], lastKey: keyOf(rows.at(-1) as RawRow), bytes: this.#bytes }
  }
}
