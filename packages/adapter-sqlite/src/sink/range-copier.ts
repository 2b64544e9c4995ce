import { realpath } from 'node:fs/promises'
import { quoteName } from '../connection/quote-name.js'
import type { SqliteConnection } from '../connection/sqlite-connection.js'
import { findColumn, type Table } from '../schema/table.js'
import { pageStale, type SqliteRangePage } from '../source/range-page.js'
import type { SqliteRange } from '../source/sqlite-range.js'
import { inTurn } from '../writer/write-turn.js'
import { conflictPolicy } from './conflict.js'
import { insertSql } from './insert-sql.js'

const attachedName = 'drover_source'
/** Of a statement: better-sqlite3 keeps the event loop for as long as it takes. */
const largest = { records: 5_000, bytes: 2 * 2 ** 20 }

/** Pages that stand one behind another. */
interface Stretch {
  readonly range: SqliteRange
  readonly count: number
  readonly bytes: number
}

/**
 * Copies pages of another SQLite file, or of the same one, inside SQLite: `INSERT … SELECT` from the attached file, so that no
 * value comes through JavaScript. Only where every column would keep each value as it is, and no row is left alone or
 * updated.
 */
export class RangeCopier {
  #schema = 'main'
  #attached: string | null = null
  #isFit = true
  #encoding: unknown

  constructor(
    private readonly connection: SqliteConnection,
    private readonly table: Table,
  ) {}

  /** Another database takes part in this connection's transactions. */
  get isAttached(): boolean {
    return this.#attached !== null
  }

  /** No page has shown that the columns are not the same. */
  get isFit(): boolean {
    return this.#isFit && this.connection.path !== null
  }

  /** Outside of a transaction: attaches the file of a page. @throws `PAGE_STALE` if its range cannot be copied */
  async ready(page: SqliteRangePage): Promise<void> {
    const { range } = page
    this.#isFit &&= range !== null && this.#fits(range) && range.encoding === (await this.#ownEncoding())
    if (range === null || !this.#isFit) throw pageStale(this.table.name)
    this.#schema = await this.#schemaOf(range.path)
  }

  /** Inside the transaction: how many rows were inserted. @throws `PAGE_STALE` if others changed what is to be copied */
  async copy(pages: readonly SqliteRangePage[], rest: () => Promise<void>): Promise<number> {
    let copied = 0
    for (const { range, count } of stretches(pages)) {
      const { where } = range
      const columns = range.columns.map(quoteName).join(', ')
      const from = `SELECT ${columns} FROM ${this.#schema}.${range.relation} WHERE ${where.sql} ORDER BY ${range.order}`
      const sql = insertSql(this.table.name, range.columns, from, conflictPolicy('error', []))
      const { changes } = await this.connection.run(sql, where.values)
      if (changes !== count) throw pageStale(this.table.name)
      copied += changes
      await rest()
    }
    return copied
  }

  /** Before the connection is closed. */
  async close(): Promise<void> {
    if (this.#attached === null) return
    this.#attached = null
    await inTurn(this.connection, async () => this.connection.run(`DETACH ${attachedName}`))
  }

  /** Equal affinities convert nothing that was stored under the one into the other. */
  #fits(range: SqliteRange): boolean {
    const { affinities } = range
    return range.columns.every((name, i) => {
      const column = findColumn(this.table.columns, name)
      return column !== undefined && !column.isGenerated && column.affinity === affinities[i]
    })
  }

  /** Databases that keep their texts otherwise cannot be attached to each other. */
  async #ownEncoding(): Promise<unknown> {
    this.#encoding ??= (await this.connection.get('SELECT encoding FROM pragma_encoding'))?.[0]
    return this.#encoding
  }

  async #schemaOf(path: string): Promise<string> {
    if (path === this.#attached) return attachedName
    const [source, own] = await Promise.all([realpath(path), realpath(this.connection.path as string)])
    if (source === own) return 'main'
    await inTurn(this.connection, async () => {
      if (this.#attached !== null) await this.connection.run(`DETACH ${attachedName}`)
      this.#attached = null
      await this.connection.run(`ATTACH ? AS ${attachedName}`, [path])
    })
    this.#attached = path
    return attachedName
  }
}

/** Pages of a partition stand one behind another: as few statements as the largest of them allows. */
function stretches(pages: readonly SqliteRangePage[]): readonly Stretch[] {
  const all: Stretch[] = []
  for (const { range, count, bytes } of pages) {
    const last = all.at(-1)
    const joined = last?.range.joined(range as SqliteRange) ?? null
    const sum = { count: count + (last?.count ?? 0), bytes: bytes + (last?.bytes ?? 0) }
    if (joined === null || sum.count > largest.records || sum.bytes > largest.bytes) {
      all.push({ range: range as SqliteRange, count, bytes })
    } else all[all.length - 1] = { range: joined, ...sum }
  }
  return all
}
