import { isUtf8 } from 'node:buffer'
import { type DelimitedField, DelimitedPage, type DelimitedValue, type MaybePromise } from '@drover/core'
import { after } from '../connection/wait-while-busy.js'
import { type KeyValue, recordKeyOf, storedKey } from './key-value.js'
import { type PageBounds, pageQuery } from './page-query.js'
import type { PageSettings } from './page-stream.js'
import type { PageLimits } from './read-carefully.js'
import type { ReadColumn } from './relation.js'
import { rowDecoder } from './row-decoder.js'

/** In a text of SQL: what a page is made of, see {@link DelimitedPage}. */
const fieldEnd = `'\x1f'`
const recordEnd = `'\x1e'`

/** Stands for what a text cannot say, or is too large. No field begins so: a null is a whole field. */
const unfit = DelimitedPage.nullText.repeat(2)

/**
 * Reads pages whose values SQLite joins to one text, which costs half of what it takes to make a value of each. Only a table of
 * integers and texts can be read so, and only values that are what the column was declared for.
 */
export class DelimitedReader {
  readonly #line: string
  readonly #fields: readonly DelimitedField[]
  readonly #decode: (values: readonly DelimitedValue[]) => Record<string, unknown>

  constructor(private readonly settings: PageSettings) {
    const { relation, integers } = settings
    this.#line = relation.reads.map(textOf).join(` || ${fieldEnd} || `)
    this.#fields = relation.reads.map((column) => ({ name: column.name, holds: holds(column) ?? 'text' }))
    this.#decode = rowDecoder(relation.reads, integers)
  }

  static canRead({ relation, encoding }: PageSettings): boolean {
    const { isTable, keep, reads, fields } = relation
    const isWhole = isTable && keep === null && reads.length === fields
    return encoding === 'UTF-8' && isWhole && reads.every((column) => holds(column) !== null)
  }

  /** The page, in pieces where it got too large; null if no record is left; undefined if it has to be read otherwise. */
  read(bounds: PageBounds, limits: PageLimits): MaybePromise<readonly DelimitedPage[] | null | undefined> {
    const { connection, relation } = this.settings
    // A row that is far larger than those before it is not for one value with all the others.
    // A power of two, so that the statement stays the same from page to page.
    const largest = 2 ** Math.ceil(Math.log2(Math.max(65_536, (4 * limits.bytes) / limits.records)))
    const { sql, values } = pageQuery(relation, bounds, [`${this.#line} AS line`], limits.records)
    const lines = `group_concat(CASE WHEN octet_length(line) > ${largest} THEN '${unfit}' ELSE line END, ${recordEnd})`
    let found: readonly unknown[] = []
    const reading = connection.each(
      `SELECT count(*) AS n, CAST(${lines} || ${recordEnd} AS BLOB) AS lines FROM (${sql})`,
      values,
      (row) => {
        found = row
        return true
      },
    )
    return after(reading, () => {
      const [count, lines] = found as [number, Buffer | null]
      if (count === 0) return null
      if (lines === null || lines.includes(unfit) || !isUtf8(lines)) return undefined
      return this.#cut(lines, count, limits.bytes)
    })
  }

  /** Pieces that are no larger than `most`, unless one record is; undefined if one of them has no end. */
  #cut(lines: Buffer, count: number, most: number): readonly DelimitedPage[] | undefined {
    const pages: DelimitedPage[] = []
    for (let from = 0; from < lines.length; ) {
      const end = lines.length - from <= most ? lines.length : endOfPiece(lines, from, most)
      const piece = lines.subarray(from, end)
      const page = this.#page(piece, piece.length === lines.length ? count : countRecords(piece))
      if (page === undefined) return undefined
      pages.push(page)
      from = end
    }
    return pages
  }

  #page(bytes: Buffer, count: number): DelimitedPage | undefined {
    const { key } = this.settings.relation
    const last = this.#lastKey(bytes)
    if (last === undefined) return undefined
    return new DelimitedPage({
      bytes,
      count,
      cursor: storedKey(last),
      fields: this.#fields,
      decode: this.#decode,
      keyOf: (values) => recordKeyOf(key.map((place) => values[place] as KeyValue)),
    })
  }

  /** Undefined if there is none: whoever reads the page in another way finds out why. */
  #lastKey(bytes: Buffer): readonly KeyValue[] | undefined {
    const start = bytes.lastIndexOf(DelimitedPage.recordEnd, bytes.length - 2) + 1
    const texts = bytes.toString('utf8', start, bytes.length - 1).split('\x1f')
    if (texts.length !== this.#fields.length) return undefined
    const key: KeyValue[] = []
    for (const place of this.settings.relation.key) {
      const text = texts[place] as string
      const isText = this.#fields[place]?.holds === 'text'
      if (text.startsWith(DelimitedPage.nullText) || !(isText || /^-?\d+$/.test(text))) return undefined
      key.push(isText ? text : BigInt(text))
    }
    return key
  }
}

/** What a column's values are, if they are what it was declared for; null if a text would not say all of them. */
function holds({ affinity, isAny, declared }: ReadColumn): DelimitedField['holds'] | null {
  if (isAny) return null
  if (affinity === 'INTEGER') return 'integer'
  if (affinity === 'TEXT') return 'text'
  if (affinity !== 'NUMERIC') return null
  if (/^bool/i.test(declared)) return 'integer'
  return /^(?:date|time)/i.test(declared) ? 'text' : null
}

/**
 * A comparison costs less than a function. Numbers stand before texts, and blobs behind them:
 * https://www.sqlite.org/datatype3.html#sort_order
 */
function textOf(column: ReadColumn): string {
  const name = `d.${column.sql}`
  if (column.isRowid) return name
  const isText = `${name} < '${DelimitedPage.nullText}' COLLATE BINARY`
  const isFit =
    holds(column) === 'integer' ? `${name} < ''` : column.affinity === 'TEXT' ? isText : `${name} >= '' AND ${isText}`
  return `CASE WHEN ${isFit} THEN ${name} WHEN ${name} IS NULL THEN '${DelimitedPage.nullText}' ELSE '${unfit}' END`
}

/** Behind the last record that ends within `bytes`, or behind the first. */
function endOfPiece(lines: Buffer, from: number, bytes: number): number {
  const within = lines.lastIndexOf(DelimitedPage.recordEnd, from + bytes - 1)
  return (within >= from ? within : lines.indexOf(DelimitedPage.recordEnd, from)) + 1
}

function countRecords(lines: Buffer): number {
  let count = 0
  for (let at = lines.indexOf(DelimitedPage.recordEnd); at >= 0; at = lines.indexOf(DelimitedPage.recordEnd, at + 1))
    count++
  return count
}
