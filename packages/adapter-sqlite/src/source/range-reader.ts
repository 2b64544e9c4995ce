import type { JsonValue } from '@drover/core'
import type { SqliteConnection } from '../connection/sqlite-connection.js'
import { keyColumns } from './key-range.js'
import { type KeyValue, storedKey } from './key-value.js'
import { type PageBounds, pageQuery } from './page-query.js'
import type { PageLimits } from './read-carefully.js'
import type { Relation } from './relation.js'

/** Where a page ends, how many records it has, and how large they are. */
export interface PageExtent {
  readonly count: number
  readonly bytes: number
  readonly cursor: JsonValue
}

/** Finds the ends of pages without reading what is in them, for a copy inside SQLite. */
export class RangeReader {
  readonly #inner: readonly string[]
  readonly #size: string
  /** A row's INTEGER key grows with the row; of several columns, or of another collation, only the last row knows. */
  readonly #isPlain: boolean

  constructor(
    private readonly connection: SqliteConnection,
    private readonly relation: Relation,
  ) {
    const fields = relation.reads.slice(0, relation.fields)
    const sizable = fields.filter(({ affinity, isAny }) => isAny || !['INTEGER', 'REAL'].includes(affinity))
    const [only] = relation.key.map((place) => relation.reads[place])
    this.#isPlain = relation.key.length === 1 && only?.isRowid === true
    this.#inner = [
      ...keyColumns(relation, 'd.').map((column, i) => `${column} AS k${i}`),
      ...sizable.map(({ sql }, i) => `octet_length(d.${sql}) AS s${i}`),
    ]
    const sizes = sizable.map((_, i) => `ifnull(sum(s${i}), 0)`)
    this.#size = [`count(*) * ${8 * (fields.length - sizable.length) + 16}`, ...sizes].join(' + ')
  }

  /** Null if no record is left; undefined if the key at the page's end cannot be had in this way. */
  async read(bounds: PageBounds, limits: PageLimits): Promise<PageExtent | null | undefined> {
    for (let { records } = limits; ; ) {
      const { sql, values } = pageQuery(this.relation, bounds, this.#inner, records)
      const last = this.#isPlain ? 'max(k0)' : 'NULL'
      const [count, bytes, lastId] = (
        await this.connection.get(`SELECT count(*), ${this.#size}, ${last} FROM (${sql})`, values, {
          integers: 'bigint',
        })
      )?.map((value) => value) as [bigint, bigint, KeyValue | null]
      if (count === 0n) return null
      if (bytes > limits.bytes && count > 1n) {
        records = Math.max(1, Math.min(Number(count) - 1, Math.floor((Number(count) * limits.bytes) / Number(bytes))))
        continue
      }
      const key = this.#isPlain ? [lastId as KeyValue] : await this.#lastKey(bounds, Number(count))
      // Either the character itself, or what stands for bytes that are no UTF-8.
      if (key === undefined || key.some((value) => typeof value === 'string' && value.includes('\ufffd'))) return undefined
      return { count: Number(count), bytes: Number(bytes), cursor: storedKey(key) }
    }
  }

  /** Undefined if records went away meanwhile. */
  async #lastKey(bounds: PageBounds, count: number): Promise<readonly KeyValue[] | undefined> {
    const query = pageQuery(this.relation, bounds, keyColumns(this.relation, 'd.'), 1)
    const row = await this.connection.get(`${query.sql} OFFSET ${count - 1}`, query.values, { integers: 'bigint' })
    return row as readonly KeyValue[] | undefined
  }
}
