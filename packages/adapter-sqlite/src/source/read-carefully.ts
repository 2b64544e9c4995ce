import { constants, isUtf8 } from 'node:buffer'
import { DroverError, type SourceReject } from '@drover/core'
import type { SqliteConnection } from '../connection/sqlite-connection.js'
import { InvalidText, type KeyValue, recordKeyOf, shownKey } from './key-value.js'
import { type PageBounds, pageQuery } from './page-query.js'
import type { Relation } from './relation.js'
import type { RawRow } from './row-decoder.js'

/** How a database keeps its texts: https://www.sqlite.org/pragma.html#pragma_encoding */
export type TextEncoding = 'UTF-8' | 'UTF-16le' | 'UTF-16be'

/** What one page takes at the most. */
export interface PageLimits {
  readonly records: number
  readonly bytes: number
}

/** Rows as a reader got them. */
export interface ReadRows {
  /** Of the records that could be read. */
  readonly rows: readonly RawRow[]
  /** Not made before it is asked for: few pages are. */
  readonly keyOf: (row: RawRow) => readonly KeyValue[]
  readonly rejected: readonly SourceReject[]
  readonly lastKey: readonly KeyValue[]
  readonly bytes: number
}

/**
 * Reads a page with either driver so that nothing can be lost: SQLite says of each value what it is, texts come as bytes,
 * integers as texts. A record with a text that is no UTF-8 is rejected with its bytes. Slower than the other ways of
 * reading, which come here for what they cannot read. Null if no record is left.
 */
export async function readCarefully(
  connection: SqliteConnection,
  relation: Relation,
  bounds: PageBounds,
  limits: PageLimits,
  encoding: TextEncoding,
): Promise<ReadRows | null> {
  const limit =
    connection.driver === 'sqlite3' ? await recordsWithin(connection, relation, bounds, limits) : limits.records
  const columns = relation.reads.map(({ sql }, i) => {
    const name = `d.${sql}`
    return `CASE typeof(${name}) WHEN 'text' THEN CAST(${name} AS BLOB) WHEN 'integer' THEN CAST(${name} AS TEXT) ELSE ${name} END AS c${i}`
  })
  const types = relation.reads.map(({ sql }) => `substr(typeof(d.${sql}), 1, 1)`).join(' || ')
  const query = pageQuery(relation, bounds, [`${types} AS types`, ...columns], limit)
  const page = new CarefulPage(relation, limits.bytes, encoding)
  await connection.each(query.sql, query.values, (row) => page.add(row))
  return page.end()
}

/** How many records fit: sqlite3 gives a page's rows all at once, so their sizes are asked for before. */
async function recordsWithin(
  connection: SqliteConnection,
  relation: Relation,
  bounds: PageBounds,
  limits: PageLimits,
): Promise<number> {
  const size = relation.reads.map(({ sql }) => `ifnull(octet_length(d.${sql}), 0)`).join(' + ')
  const query = pageQuery(relation, bounds, [`${size} AS size`], limits.records)
  let bytes = 0
  let records = 0
  for (const [size] of await connection.all(query.sql, query.values)) {
    bytes += Number(size)
    if (records > 0 && bytes > limits.bytes) break
    records++
  }
  return Math.max(1, records)
}

/** Takes the key out of a row. */
export function keyReader({ key }: Relation): (row: RawRow) => readonly KeyValue[] {
  return (row) => key.map((place) => row[place] as KeyValue)
}

class CarefulPage {
  readonly #rows: RawRow[] = []
  readonly #rejected: SourceReject[] = []
  #lastKey: readonly KeyValue[] = []
  #bytes = 0

  constructor(
    private readonly relation: Relation,
    private readonly maxBytes: number,
    private readonly encoding: TextEncoding,
  ) {}

  get #count(): number {
    return this.#rows.length + this.#rejected.length
  }

  add([types, ...raw]: readonly unknown[]): boolean {
    const size = raw.reduce((sum: number, value) => sum + sizeOf(value), 16)
    if (this.#count > 0 && this.#bytes + size > this.maxBytes) return false
    this.#bytes += size
    const row = raw.map((value, i) => decode(value, (types as string).charAt(i), this.encoding))
    const key = keyReader(this.relation)(row)
    this.#lastKey = key
    const { fields, key: keyPlaces } = this.relation
    const invalid = row.findIndex((value, i) => value instanceof InvalidText && (i < fields || !keyPlaces.includes(i)))
    if (invalid >= 0) this.#reject(key, invalid, (row[invalid] as InvalidText).bytes)
    else this.#rows.push(row)
    return true
  }

  end(): ReadRows | null {
    if (this.#count === 0) return null
    return {
      rows: this.#rows,
      keyOf: keyReader(this.relation),
      rejected: this.#rejected,
      lastKey: this.#lastKey,
      bytes: this.#bytes,
    }
  }

  #reject(key: readonly KeyValue[], place: number, raw: Uint8Array): void {
    const column = this.relation.reads[place]?.name
    const isLong = raw.byteLength > constants.MAX_STRING_LENGTH
    const why = isLong
      ? `a text of ${raw.byteLength} bytes, longer than JavaScript's can be`
      : `a text that is no ${this.encoding === 'UTF-8' ? 'UTF-8' : 'UTF-16'}`
    const error = new DroverError(
      'RECORD_UNREADABLE',
      `${this.relation.shown}: column "${column}" of the record with the key (${shownKey(key)}) is ${why}.`,
    )
    this.#rejected.push({ key: recordKeyOf(key), error, ...(isLong ? {} : { raw }) })
  }
}

function decode(value: unknown, type: string, encoding: TextEncoding): unknown {
  switch (type) {
    case 'i':
      return BigInt(value as string)
    case 't': {
      const bytes = value as Buffer
      if (bytes.length > constants.MAX_STRING_LENGTH) return new InvalidText(bytes)
      return textOf(bytes, encoding) ?? new InvalidText(bytes)
    }
    default:
      return value
  }
}

function textOf(bytes: Buffer, encoding: TextEncoding): string | null {
  if (encoding === 'UTF-8') return isUtf8(bytes) ? bytes.toString('utf8') : null
  if (bytes.length % 2 !== 0) return null
  const text = (encoding === 'UTF-16be' ? Buffer.from(bytes).swap16() : bytes).toString('utf16le')
  return text.isWellFormed() ? text : null
}

function sizeOf(value: unknown): number {
  if (typeof value === 'string') return value.length
  return value instanceof Uint8Array ? value.byteLength : 8
}
