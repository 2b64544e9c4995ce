import { isUtf8 } from 'node:buffer'
import type { JsonValue, MaybePromise, Row } from '@drover/core'
import type { SqliteConnection, SqliteIntegers } from '../connection/sqlite-connection.js'
import { after } from '../connection/wait-while-busy.js'
import { type JsonColumn, type JsonOptions, type JsonShape, jsonColumn, jsonObject } from './json-columns.js'
import type { KeyValue } from './key-value.js'
import { type PageBounds, pageQuery } from './page-query.js'
import type { PageLimits } from './read-carefully.js'
import type { Relation } from './relation.js'
import type { RawRow } from './row-decoder.js'

/** Rows as JSON, a line each, as SQLite wrote them: one value for a whole page, which costs a driver next to nothing. */
export interface JsonPage {
  readonly shape: JsonShape
  /** A line feed stands behind each line. */
  readonly lines: Buffer
  readonly count: number
}

/** SQLite's own limit for the arguments of a function, where nobody raised it: two for each field of an object. */
const maxFields = 60

/** Reads pages that SQLite writes as JSON. */
export class JsonReader {
  readonly #columns: readonly (JsonColumn & { readonly name: string })[]
  readonly #expression: string
  /** Columns of the inner query, by other names. */
  readonly #inner: readonly string[]

  constructor(
    private readonly connection: SqliteConnection,
    private readonly relation: Relation,
    readonly shape: JsonShape,
    options: Omit<JsonOptions, 'shape' | 'isTable'>,
  ) {
    // As an object a row has its fields alone: its key must be among them.
    const columns = shape === 'object' ? relation.reads.slice(0, relation.fields) : relation.reads
    const { isTable } = relation
    // What a query computes is computed once; a table's column costs less where it stands than as the column of a subquery.
    this.#inner = isTable ? [] : columns.map(({ sql }, i) => `d.${sql} AS c${i}`)
    this.#columns = columns.map((column, i) => {
      const name = isTable ? `d.${column.sql}` : `c${i}`
      return { name, ...jsonColumn(column, name, { ...options, shape, isTable }) }
    })
    const values = this.#columns.map(({ value }) => value)
    const names = columns.map(({ name }) => name)
    this.#expression = shape === 'object' ? jsonObject(names, values) : `json_array(${values.join(', ')})`
  }

  /** Whether rows of that relation can be had in that shape at all. */
  static canRead(relation: Relation, shape: JsonShape, integers: SqliteIntegers): boolean {
    if (relation.keep !== null || relation.reads.length > maxFields) return false
    if (shape === 'array') return true
    // A plain number does not say whether it is 1 or 1.0, which would have to be a bigint or a number then.
    if (integers === 'bigint' && relation.reads.some(({ affinity }) => affinity === 'NUMERIC')) return false
    return relation.key.every((place) => {
      const column = relation.reads[place]
      return place < relation.fields && column?.isAny === false && ['INTEGER', 'TEXT'].includes(column.affinity)
    })
  }

  /** The page; null if no record is left; undefined if some value of it cannot be had in this way. */
  read(bounds: PageBounds, limits: PageLimits): MaybePromise<JsonPage | null | undefined> {
    // A row that is far larger than those before it is not for one value with all the others.
    // A power of two, so that the statement stays the same from page to page.
    const largest = 2 ** Math.ceil(Math.log2(Math.max(65_536, (4 * limits.bytes) / limits.records)))
    const isIrregular = [
      ...this.#columns.flatMap((column) => column.isIrregular),
      ...this.#columns.flatMap(({ isSizable, name }) => (isSizable ? [`octet_length(${name}) > ${largest}`] : [])),
    ]
    const line =
      isIrregular.length === 0
        ? this.#expression
        : `CASE WHEN ${isIrregular.join(' OR ')} THEN NULL ELSE ${this.#expression} END`
    const isInner = this.relation.isTable
    const { sql, values } = pageQuery(
      this.relation,
      bounds,
      isInner ? [`${line} AS line`] : this.#inner,
      limits.records,
    )
    const lines = `CAST(group_concat(${isInner ? 'line' : line}, '\n') || '\n' AS BLOB)`
    const query = `SELECT count(*) AS n, ${lines} AS lines FROM (${sql})`
    let found: readonly unknown[] = []
    const reading = this.connection.each(query, values, (row) => {
      found = row
      return true
    })
    return after(reading, () => {
      const [count, lines] = found as [number, Buffer | null]
      if (count === 0) return null
      if (lines === null || !isUtf8(lines) || countLines(lines) !== count) return undefined
      return { shape: this.shape, lines, count }
    })
  }
}

/** Cuts a page into pieces that are no larger than `bytes`, unless one line is. */
export function cutLines(page: JsonPage, bytes: number): readonly JsonPage[] {
  if (page.lines.length <= bytes || page.count === 1) return [page]
  const pieces: JsonPage[] = []
  for (let from = 0; from < page.lines.length; ) {
    const end = endOfPiece(page.lines, from, bytes)
    const lines = page.lines.subarray(from, end)
    pieces.push({ ...page, lines, count: countLines(lines) })
    from = end
  }
  return pieces
}

export function lastLine({ lines }: JsonPage): string {
  return lines.toString('utf8', lines.lastIndexOf(10, lines.length - 2) + 1, lines.length - 1)
}

/** The rows of a page in the shape `array`. */
export function arrayRows(page: JsonPage): RawRow[] {
  const rows = parseLines(textOf(page)) as unknown[][]
  for (const row of rows) {
    for (let i = 0; i < row.length; i++) {
      const value = row[i]
      if (typeof value === 'object' && value !== null) row[i] = BigInt((value as string[])[0] as string)
    }
  }
  return rows
}

/** The records of a page in the shape `object`. */
export function objectRecords(page: JsonPage, relation: Relation, integers: SqliteIntegers): Row[] {
  const text = textOf(page)
  const columns = relation.reads.slice(0, relation.fields)
  const whole = columns.filter(({ affinity }) => affinity === 'INTEGER').map(({ name }) => name)
  const any = columns.filter(({ isAny }) => isAny).map(({ name }) => name)
  let rows = parseLines(text) as Row[]
  // Such a line has a large integer: JSON.parse rounds it, so its digits are put into quotes first.
  if (rows.some((row) => whole.some((name) => Math.abs(row[name] as number) > Number.MAX_SAFE_INTEGER))) {
    rows = parseLines(text.replace(stringOrLong, (token) => (token.startsWith('"') ? token : `"${token}"`))) as Row[]
  }
  for (const row of rows) {
    for (const name of any) row[name] = untagged(row[name])
    for (const name of whole) {
      const value = row[name]
      if (typeof value !== 'string' && typeof value !== 'number') continue
      row[name] = integers === 'bigint' || !Number.isSafeInteger(Number(value)) ? BigInt(value) : Number(value)
    }
  }
  return rows
}

/** The key of a line. */
export function keyOfLine(line: string, shape: JsonShape, relation: Relation): readonly KeyValue[] {
  const lines = Buffer.from(`${line}\n`)
  if (shape === 'array') {
    const [row] = arrayRows({ shape, lines, count: 1 })
    return relation.key.map((place) => row?.[place] as KeyValue)
  }
  const [record] = objectRecords({ shape, lines, count: 1 }, relation, 'auto')
  return relation.key.map((place) => record?.[relation.reads[place]?.name as string] as KeyValue)
}

const stringOrLong = /"(?:[^"\\]|\\.)*"|(?<=:)-?\d{16,}(?=[,}])/g

function parseLines(text: string): JsonValue[] {
  return JSON.parse(`[${text.replaceAll('\n', ',')}]`)
}

function untagged(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  const { $numberLong, $numberDouble } = value as { readonly $numberLong?: string; readonly $numberDouble?: string }
  return $numberLong === undefined ? Number($numberDouble) : BigInt($numberLong)
}

/** Behind the last line that ends within `bytes`, or behind the first. */
function endOfPiece(lines: Buffer, from: number, bytes: number): number {
  const within = lines.lastIndexOf(10, from + bytes - 1)
  return (within >= from ? within : lines.indexOf(10, from)) + 1
}

function countLines(lines: Buffer): number {
  let count = 0
  for (let at = lines.indexOf(10); at >= 0; at = lines.indexOf(10, at + 1)) count++
  return count
}

/** Without the line feed behind the last line. */
function textOf({ lines }: JsonPage): string {
  return lines.toString('utf8', 0, lines.length - 1)
}
