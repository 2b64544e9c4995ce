import {
  type DelimitedPage,
  DroverError,
  delimitedForm,
  type Filter,
  type JsonValue,
  type ReadOptions,
} from '@drover/core'
import type { SqliteConnection, SqliteIntegers } from '../connection/sqlite-connection.js'
import { refuseDuplicates, refuseNullKeys } from './check-key.js'
import { rangeOf } from './key-range.js'
import { type KeyValue, storedKey } from './key-value.js'
import type { PageBounds } from './page-query.js'
import { filterSql } from './push-down.js'
import { SqliteRangePage } from './range-page.js'
import { RangeReader } from './range-reader.js'
import { keyReader, type PageLimits, type ReadRows, readCarefully, type TextEncoding } from './read-carefully.js'
import { DelimitedReader } from './read-delimited.js'
import { DirectReader } from './read-directly.js'
import { arrayRows, cutLines, type JsonPage, JsonReader, keyOfLine, lastLine, objectRecords } from './read-json.js'
import type { Relation } from './relation.js'
import { type RawRow, rowDecoder } from './row-decoder.js'
import type { Sql } from './sql.js'
import { type Demand, SqliteLinesPage, SqlitePage } from './sqlite-page.js'
import { extentForm, rangeForm, SqliteRange } from './sqlite-range.js'

/** What does not change from one read of a session to the next. */
export interface PageSettings {
  readonly connection: SqliteConnection
  readonly relation: Relation
  readonly integers: SqliteIntegers
  /** How large the database is. */
  readonly fileBytes: number
  /** Whether SQLite writes all digits of a REAL. */
  readonly writesReals: boolean
  readonly encoding: TextEncoding
  /** Whether another connection would see the same records. */
  readonly givesRanges: boolean
}

type AnyPage = SqlitePage | SqliteLinesPage | SqliteRangePage | DelimitedPage

/**
 * One long read, page by page, each by a statement of its own behind the last key, so that no transaction is held between
 * pages and a writer's log can be cleared. Text arrives as lines of JSON for a file, or as values for whoever asks for
 * rows: what the last pages were asked for decides about the next. For a copy inside SQLite only their ends are found.
 * npm's sqlite3 reads in a thread of its own: there the next page is on its way while one is worked on.
 */
export class PageStream {
  readonly #demand: Demand = { wanted: 'lines' }
  readonly #lines: JsonReader | null
  readonly #arrays: JsonReader | null
  readonly #direct: DirectReader | null
  readonly #delimited: DelimitedReader | null
  readonly #decode: (row: RawRow) => Record<string, unknown>
  #ranges: RangeReader | undefined
  /** Bytes of a record, as far as pages have shown. */
  #recordBytes = 0
  /** Pages that are not tried as JSON, after some were in vain. */
  #pause = 0
  #failures = 0

  constructor(private readonly settings: PageSettings) {
    const { connection, relation, integers, fileBytes, encoding } = settings
    const isExact = integers === 'bigint' || relation.reads.some(({ isAny }) => isAny)
    const json = (shape: 'object' | 'array'): JsonReader | null =>
      encoding === 'UTF-8' && JsonReader.canRead(relation, shape, integers)
        ? new JsonReader(connection, relation, shape, settings)
        : null
    this.#lines = json('object')
    this.#arrays = json('array')
    this.#direct =
      connection.driver === 'better-sqlite3' ? new DirectReader(connection, relation, isExact, fileBytes) : null
    this.#delimited = DelimitedReader.canRead(settings) ? new DelimitedReader(settings) : null
    this.#decode = rowDecoder(relation.reads.slice(0, relation.fields), integers)
  }

  async *read({ partition, after, filter, page, forms, signal }: ReadOptions): AsyncGenerator<AnyPage> {
    const { connection, relation } = this.settings
    if (forms?.length === 0) this.#demand.wanted = 'rows'
    const range = rangeOf(partition)
    let place = after ?? range.after
    const pushed = filter === undefined ? null : pushedSql(filter, relation)
    await refuseNullKeys(connection, relation)
    const readBehind = (key: JsonValue | null): Promise<readonly AnyPage[] | null> =>
      this.#next(forms, { after: key, upto: range.upto, filter: pushed }, page)
    let ahead: Promise<readonly AnyPage[] | null> | undefined
    try {
      for (;;) {
        if (signal.aborted)
          throw new DroverError('ABORTED', `Reading ${relation.shown} was given up.`, { cause: signal.reason })
        const pages = await (ahead ?? readBehind(place))
        if (pages === null) return
        const last = pages.at(-1)?.cursor ?? null
        for (const next of pages) {
          await refuseDuplicates(connection, relation, { after: place, upto: next.cursor, filter: pushed })
          if (next.cursor === last && connection.driver === 'sqlite3') ahead = begun(readBehind(last))
          yield next
          place = next.cursor
        }
      }
    } finally {
      await ahead?.catch(() => {}) // of a page that nobody asked for
    }
  }

  async #next(
    forms: readonly string[] | undefined,
    bounds: PageBounds,
    limits: PageLimits,
  ): Promise<readonly AnyPage[] | null> {
    const end = forms === undefined ? undefined : await this.#end(forms, bounds, limits)
    if (end === null) return null
    if (end !== undefined) return [end]
    const texts = forms?.includes(delimitedForm) === true ? await this.#texts(bounds, limits) : undefined
    return texts === undefined ? this.#pages(bounds, limits) : texts
  }

  /** All values of a page as one text; undefined of a page that has to be read otherwise. */
  async #texts(bounds: PageBounds, limits: PageLimits): Promise<readonly DelimitedPage[] | null | undefined> {
    if (this.#delimited === null || this.#isPaused()) return undefined
    const pages = await this.#delimited.read(bounds, { ...limits, records: this.#likelyRecords(limits) })
    if (pages === undefined) this.#failed()
    if (!pages) return pages
    this.#failures = 0
    this.#recordBytes = sum(pages, ({ bytes }) => bytes) / sum(pages, ({ count }) => count)
    return pages
  }

  /** Where a page ends, if nothing else is asked for; null if no record is left, undefined of a page that has to be read. */
  async #end(forms: readonly string[], bounds: PageBounds, limits: PageLimits): Promise<AnyPage | null | undefined> {
    const { connection, relation, givesRanges, encoding } = this.settings
    const { path, driver } = connection
    const isFound = givesRanges && path !== null && relation.isStored && forms.includes(rangeForm(driver))
    if (relation.keep !== null || !(isFound || forms.includes(extentForm))) return undefined
    this.#ranges ??= new RangeReader(connection, relation, isFound)
    const extent = await this.#ranges.read(bounds, limits)
    if (!extent) return extent
    const range = isFound ? new SqliteRange(path, encoding, relation, { ...bounds, upto: extent.cursor }) : null
    return new SqliteRangePage(extent, range, relation.shown)
  }

  async #pages(bounds: PageBounds, limits: PageLimits): Promise<readonly (SqlitePage | SqliteLinesPage)[] | null> {
    const reader = this.#jsonReader()
    if (reader !== null) {
      const page = await this.#json(reader, bounds, limits)
      if (page === null) return null
      if (page !== undefined) return this.#jsonPages(page, limits)
      this.#failed()
    }
    // better-sqlite3 answers at once: nothing is awaited.
    const { connection, relation, encoding } = this.settings
    const direct = this.#direct === null ? undefined : await this.#direct.read(bounds, limits)
    const rows = direct === undefined ? await readCarefully(connection, relation, bounds, limits, encoding) : direct
    return rows === null ? null : [this.#rowsPage(rows)]
  }

  #jsonReader(): JsonReader | null {
    const { wanted } = this.#demand
    const reader = wanted === 'lines' ? this.#lines : wanted === 'rows' && this.#direct !== null ? null : this.#arrays
    return reader === null || this.#isPaused() ? null : reader
  }

  #failed(): void {
    this.#pause = Math.min(64, 2 ** this.#failures++)
  }

  #isPaused(): boolean {
    if (this.#pause-- > 0) return true
    this.#pause = 0
    return false
  }

  /** The first read is a small one, because nobody knows how large records are; what its page lacks is read behind it. */
  async #json(reader: JsonReader, bounds: PageBounds, limits: PageLimits): Promise<JsonPage | null | undefined> {
    const isFirst = this.#recordBytes === 0
    const records = this.#likelyRecords(limits)
    const page = await reader.read(bounds, { ...limits, records })
    if (!isFirst || !page || page.count < records) return page
    const left = { records: limits.records - page.count, bytes: limits.bytes - page.lines.length }
    if (left.records <= 0 || left.bytes <= 0) return page
    this.#recordBytes = page.lines.length / page.count
    const after = storedKey(keyOfLine(lastLine(page), page.shape, this.settings.relation))
    const rest = await reader.read({ ...bounds, after }, { ...left, records: this.#likelyRecords(left) })
    return rest ? { ...page, lines: Buffer.concat([page.lines, rest.lines]), count: page.count + rest.count } : page
  }

  /** How many records are likely to fill a page: SQLite writes all of them before anybody sees how large they are. */
  #likelyRecords({ records, bytes }: PageLimits): number {
    if (this.#recordBytes === 0) return Math.min(records, 200)
    return Math.max(1, Math.min(records, Math.floor((bytes * 0.9) / this.#recordBytes)))
  }

  #jsonPages(json: JsonPage, limits: PageLimits): readonly (SqlitePage | SqliteLinesPage)[] {
    this.#failures = 0
    this.#recordBytes = json.lines.length / json.count
    return cutLines(json, limits.bytes).map((piece) => {
      const cursor = storedKey(keyOfLine(lastLine(piece), piece.shape, this.settings.relation))
      return piece.shape === 'object' ? this.#linesPage(piece, cursor) : this.#arraysPage(piece, cursor)
    })
  }

  #linesPage(json: JsonPage, cursor: JsonValue): SqliteLinesPage {
    const { relation, integers } = this.settings
    const names = relation.key.map((place) => relation.reads[place]?.name as string)
    return new SqliteLinesPage({
      lines: json.lines,
      count: json.count,
      cursor,
      tagged: relation.reads.some(({ isAny }) => isAny),
      records: () => objectRecords(json, relation, integers),
      keyOf: (record) => names.map((name) => record[name] as KeyValue),
      demand: this.#demand,
    })
  }

  #arraysPage(json: JsonPage, cursor: JsonValue): SqlitePage {
    let rows: readonly RawRow[] | undefined
    return new SqlitePage({
      count: json.count,
      bytes: json.lines.length,
      cursor,
      rejected: [],
      raw: () => {
        rows ??= arrayRows(json)
        return rows
      },
      decode: this.#decode,
      keyOf: keyReader(this.settings.relation),
      demand: this.#demand,
    })
  }

  #rowsPage(read: ReadRows): SqlitePage {
    const { keep, reads } = this.settings.relation
    const whole = keep === null ? null : rowDecoder(reads, this.settings.integers)
    const rows = keep === null || whole === null ? read.rows : read.rows.filter((row) => keep(whole(row)))
    const count = rows.length + read.rejected.length
    this.#recordBytes = Math.max(16, read.bytes / (read.rows.length + read.rejected.length))
    const cursor = storedKey(read.lastKey)
    return new SqlitePage({
      count,
      bytes: read.bytes,
      cursor,
      rejected: read.rejected,
      raw: () => rows,
      decode: this.#decode,
      keyOf: read.keyOf,
      demand: this.#demand,
    })
  }
}

/** Whoever waits for it later gets its error. */
function begun<T>(work: Promise<T>): Promise<T> {
  work.catch(() => {})
  return work
}

/** What the engine pushed down: `pushDown` said that it can be done. */
function pushedSql(filter: Filter, relation: Relation): Sql {
  const sql = filterSql(filter, relation.reads.slice(0, relation.fields))
  if (sql !== null) return sql
  throw new DroverError('CONTRACT_BROKEN', `${relation.shown}: a filter was pushed down that pushDown did not take.`)
}

function sum<T>(items: readonly T[], sizeOf: (item: T) => number): number {
  return items.reduce((total, item) => total + sizeOf(item), 0)
}
