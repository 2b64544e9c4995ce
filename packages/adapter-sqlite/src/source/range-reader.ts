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

/** Finds where pages end without reading what is in them. */
export class RangeReader {
  readonly #inner: readonly string[]
  readonly #outer: string
  /** The largest rowid is the last one; what is last among other keys only their order says. */
  readonly #isByRowid: boolean

  constructor(
    private readonly connection: SqliteConnection,
    private readonly relation: Relation,
    /** Whether pages are to end at a number of bytes. */
    isSized: boolean,
  ) {
    const fields = relation.reads.slice(0, relation.fields)
    const sizable = fields.filter(
      ({ affinity, isAny }) => isSized && (isAny || !['INTEGER', 'REAL'].includes(affinity)),
    )
    this.#isByRowid = relation.key.length === 1 && relation.reads[relation.key[0] as number]?.isRowid === true
    this.#inner = [
      ...keyColumns(relation, 'd.').map((column, i) => `${column} AS k${i}`),
      ...sizable.map(({ sql }, i) => `octet_length(d.${sql}) AS s${i}`),
    ]
    const fixed = `count(*) * ${8 * (fields.length - sizable.length) + 16}`
    const bytes = [fixed, ...sizable.map((_, i) => `ifnull(sum(s${i}), 0)`)].join(' + ')
    this.#outer = `count(*) AS n, ${bytes} AS bytes, ${this.#isByRowid ? 'max(k0)' : 'NULL'} AS last`
  }

  /** Null if no record is left; undefined if the page has to be read otherwise. */
  async read(bounds: PageBounds, limits: PageLimits): Promise<PageExtent | null | undefined> {
    for (let { records } = limits; ; ) {
      const { sql, values } = pageQuery(this.relation, bounds, this.#inner, records)
      const query = `SELECT ${this.#outer} FROM (${sql})`
      const found = await this.connection.get(query, values, { integers: 'bigint' })
      const [count, bytes] = (found ?? []).map(Number) as [number, number]
      if (count === 0) return null
      if (bytes > limits.bytes && count > 1) {
        records = Math.max(1, Math.floor((count * limits.bytes) / (bytes * 1.1)))
        continue
      }
      const key = this.#isByRowid ? [found?.[2] as KeyValue] : await this.#lastKey(bounds, count)
      // Either the character itself, or what stands for bytes that are no UTF-8.
      if (key?.every((value) => typeof value !== 'string' || !value.includes('\ufffd')) !== true) return undefined
      return { count, bytes, cursor: storedKey(key) }
    }
  }

  /** Undefined if records went away meanwhile. */
  async #lastKey(bounds: PageBounds, count: number): Promise<readonly KeyValue[] | undefined> {
    const { sql, values } = pageQuery(this.relation, bounds, keyColumns(this.relation, 'd.'), 1)
    const row = await this.connection.get(`${sql} OFFSET ?`, [...values, BigInt(count - 1)], { integers: 'bigint' })
    return row as readonly KeyValue[] | undefined
  }
}
