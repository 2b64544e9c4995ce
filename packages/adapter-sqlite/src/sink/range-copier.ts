import { realpath } from 'node:fs/promises'
import type { Page, Row } from '@drover/core'
import { quoteName } from '../connection/quote-name.js'
import type { SqliteConnection } from '../connection/sqlite-connection.js'
import { findColumn, type Table } from '../schema/table.js'
import { rangeOfPage } from '../source/sqlite-page.js'
import type { SqliteRange } from '../source/sqlite-range.js'
import { inTurn } from '../writer/write-turn.js'
import { conflictPolicy } from './conflict.js'
import { insertSql } from './insert-sql.js'

const attachedName = 'drover_source'

/**
 * Copies pages of another SQLite file, or of the same one, inside SQLite: `INSERT … SELECT` from the attached file, so that no
 * value comes through JavaScript. Only where every column would keep each value as it is, and no row is left alone or
 * updated; a page whose range has changed meanwhile is left to its rows.
 */
export class RangeCopier {
  readonly #ranges = new WeakMap<Page<Row>, { readonly range: SqliteRange; readonly schema: string }>()
  #attached: string | null = null

  constructor(
    private readonly connection: SqliteConnection,
    private readonly table: Table,
  ) {}

  /** Another database takes part in this connection's transactions. */
  get isAttached(): boolean {
    return this.#attached !== null
  }

  /** Outside of a transaction: finds out whether the page can be copied as a range, and attaches its file. */
  async ready(page: Page<Row>): Promise<boolean> {
    const range = this.connection.path === null ? null : rangeOfPage(page)
    if (range === null || !this.#fits(range)) return false
    this.#ranges.set(page, { range, schema: await this.#schemaOf(range) })
    return true
  }

  /** Inside the transaction: how many rows were inserted; null if the page has to be written row by row. */
  async copy(page: Page<Row>): Promise<number | null> {
    const found = this.#ranges.get(page)
    if (found === undefined) return null
    const { range, schema } = found
    const columns = range.columns.map(quoteName).join(', ')
    const from = `SELECT ${columns} FROM ${schema}.${range.relation} WHERE ${range.where} ORDER BY ${range.order}`
    const sql = insertSql(this.table.name, range.columns, from, conflictPolicy('error', []))
    await this.connection.run('SAVEPOINT drover_range')
    let changes = -1
    try {
      ;({ changes } = await this.connection.run(sql, range.values))
      return changes === page.count ? changes : null
    } finally {
      if (changes !== page.count) await this.connection.run('ROLLBACK TO drover_range')
      await this.connection.run('RELEASE drover_range')
    }
  }

  /** Before the connection is closed. */
  async close(): Promise<void> {
    if (this.#attached === null) return
    this.#attached = null
    await inTurn(this.connection, async () => this.connection.run(`DETACH ${attachedName}`))
  }

  /** Equal affinities convert nothing that was stored under the one into the other. */
  #fits(range: SqliteRange): boolean {
    if (range.driver !== this.connection.driver) return false // two copies of SQLite in one process must not share a file
    return range.columns.every((name, i) => {
      const column = findColumn(this.table.columns, name)
      return column !== undefined && !column.isGenerated && column.affinity === range.affinities[i]
    })
  }

  async #schemaOf({ path }: SqliteRange): Promise<string> {
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
