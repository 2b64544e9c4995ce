import { DroverError, type Outcome, type Page, type Row } from '@drover/core'
import { resolvePlan } from '../backfill/resolve-plan.js'
import { quoteName } from '../connection/quote-name.js'
import type { SqliteConnection, SqliteValue } from '../connection/sqlite-connection.js'
import type { Column } from '../schema/table.js'
import { Breather } from '../writer/breather.js'
import type { BatchTarget } from './batch-target.js'
import { DeferredKeys } from './deferred-keys.js'
import { isRefusal, rowRefused } from './row-refused.js'
import { storeValue } from './store-value.js'

/** Far below the parameters that SQLite takes, https://www.sqlite.org/limits.html */
const mostValues = 900

/** Deletes rows by their keys. */
export class RemoveTarget implements BatchTarget {
  readonly #breather = new Breather()

  private constructor(
    readonly where: string,
    private readonly connection: SqliteConnection,
    private readonly table: string,
    private readonly key: readonly Column[],
    private readonly deferred: DeferredKeys,
  ) {}

  static async of(
    connection: SqliteConnection,
    { table, key }: { readonly table: string; readonly key: readonly string[] | undefined },
  ): Promise<RemoveTarget> {
    const plan = await resolvePlan(connection, { table, key, where: undefined, sets: [] })
    const deferred = await DeferredKeys.of(connection, plan.table)
    return new RemoveTarget(`"${table}" of "${connection.name}"`, connection, plan.table, plan.key, deferred)
  }

  async prepare(): Promise<void> {}

  async ready(): Promise<{ readonly isAttached: boolean }> {
    return { isAttached: false }
  }

  /** Rows of one statement may refer to one another. With care it is one by one, so that the row is known that is not let go. */
  async write(pages: readonly Page<Row>[], signal: AbortSignal, isCareful: boolean): Promise<Outcome> {
    let rows = 0
    let deleted = 0
    const most = isCareful ? 1 : Math.max(1, Math.floor(mostValues / this.key.length))
    for (const page of pages) {
      const records = page.rows()
      for (let from = 0; from < records.length; from += most) {
        deleted += await this.#delete(records.slice(from, from + most), isCareful ? rows + from : undefined)
        await this.#breather.breathe()
        signal.throwIfAborted()
      }
      rows += records.length
    }
    return { inserted: 0, updated: deleted, skipped: rows - deleted }
  }

  async isWorthCare(error: unknown): Promise<boolean> {
    return DroverError.isInstance(error, 'RECORD_REFUSED') && error.row === undefined
  }

  brokenKeys(): Promise<number> {
    return this.deferred.broken()
  }

  async close(): Promise<void> {}

  async #delete(records: readonly Row[], row: number | undefined): Promise<number> {
    const columns = this.key.map(({ name }) => quoteName(name)).join(', ')
    const places = `(${this.key.map(() => '?').join(', ')})`
    const values = records.flatMap((record): SqliteValue[] =>
      this.key.map((column) => storeValue(record[column.name] ?? null, column)),
    )
    try {
      const { changes } = await this.connection.run(
        `DELETE FROM main.${quoteName(this.table)} WHERE (${columns}) IN (VALUES ${records.map(() => places).join(', ')})`,
        values,
      )
      return changes
    } catch (error) {
      throw row !== undefined && isRefusal(error) ? rowRefused(error, row, this.where) : error
    }
  }
}
