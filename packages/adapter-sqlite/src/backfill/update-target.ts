import type { Outcome, Page, Row } from '@drover/core'
import type { SqliteConnection, SqliteValue } from '../connection/sqlite-connection.js'
import { isPromise } from '../connection/wait-while-busy.js'
import { readTable } from '../schema/read-table.js'
import type { BatchTarget } from '../sink/batch-target.js'
import { DeferredKeys } from '../sink/deferred-keys.js'
import { isRefusal, rowRefused } from '../sink/row-refused.js'
import { Shapes } from '../sink/shapes.js'
import { storeValue } from '../sink/store-value.js'
import type { ImageShape } from '../undo/image-shape.js'
import { hasTriggers } from '../undo/journal.js'
import { Breather } from '../writer/breather.js'
import { undoSavepoint } from '../writer/savepoint.js'
import { type FusedPage, fusedPageOf } from './fused-page.js'
import type { FusedUpdater } from './fused-updater.js'
import { PageUpdater } from './page-updater.js'
import { SingleUpdater } from './single-updater.js'
import { type Computed, rangeUpdate, type UpdatePlan } from './update-plan.js'
import type { Updater } from './updater.js'

/** How records say what is to be done. */
export interface UpdateRecords {
  /** Null if they are just that. */
  readonly toComputed: ((record: Row) => Computed) | null
  /** For rows that are computed where they are updated; null if there are none. */
  readonly fused: FusedUpdater | null
}

/** Updates rows that are there, as long as they are what was asked for. Nothing is ever inserted. */
export class UpdateTarget implements BatchTarget {
  readonly #updater: Updater
  readonly #breather = new Breather()

  private constructor(
    readonly where: string,
    private readonly connection: SqliteConnection,
    private readonly plan: UpdatePlan,
    private readonly records: UpdateRecords,
    private readonly deferred: DeferredKeys,
  ) {
    const options = { connection, plan, shapes: new Shapes(plan.sets, plan.table), where }
    const { native } = connection
    this.#updater = native.driver === 'better-sqlite3' ? new SingleUpdater(options, native) : new PageUpdater(options)
  }

  static async of(connection: SqliteConnection, plan: UpdatePlan, records: UpdateRecords): Promise<UpdateTarget> {
    const where = `"${plan.table}" of "${connection.name}"`
    return new UpdateTarget(where, connection, plan, records, await DeferredKeys.of(connection, plan.table))
  }

  async prepare(): Promise<void> {}

  async ready(): Promise<{ readonly isAttached: boolean }> {
    return { isAttached: false }
  }

  async write(pages: readonly Page<Row>[], signal: AbortSignal): Promise<Outcome> {
    let rows = 0
    let updated = 0
    for (const page of pages) {
      const records = page.rows()
      if (records.length === 0) continue
      const fused = fusedPageOf(records)
      if (fused === null) updated += (await this.#updateRange(records)) ?? (await this.#updateEach(records, rows))
      else updated += this.#updateFused(fused, records)
      rows += records.length
      await this.#breather.breathe()
      signal.throwIfAborted()
    }
    return { inserted: 0, updated, skipped: rows - updated }
  }

  /** The columns that may be set; of a table with triggers, which may change any column, all of them. */
  async imageShape(): Promise<ImageShape> {
    const { table, key, sets } = this.plan
    const whole = (await hasTriggers(this.connection, table)) ? await readTable(this.connection, table) : null
    const columns = whole?.columns.filter(({ isGenerated }) => !isGenerated) ?? sets
    return { table, key: key.map(({ name }) => name), columns: columns.map(({ name }) => name) }
  }

  async isWorthCare(): Promise<boolean> {
    return false
  }

  brokenKeys(): Promise<number> {
    return this.deferred.broken()
  }

  async close(): Promise<void> {}

  async #updateEach(records: readonly Row[], before: number): Promise<number> {
    const { toComputed } = this.records
    const computed =
      toComputed === null
        ? (records as readonly (Row & Computed)[])
        : records.map((record, i) => {
            try {
              return toComputed(record)
            } catch (error) {
              throw isRefusal(error) ? rowRefused(error, before + i, this.where) : error
            }
          })
    const changed = this.#updater.update(computed, before)
    return isPromise(changed) ? await changed : changed
  }

  /** A page that lost some of its rows is no range any more. */
  #updateFused(page: FusedPage, rows: readonly Row[]): number {
    const { fused } = this.records
    if (fused === null || rows.length !== page.count) throw page.stale()
    return fused.update(page)
  }

  /**
   * What SQL computes is set in all of a page by one statement; undefined if that is not possible: rows that came in between
   * meanwhile would be counted as records that nobody read, and of a refusal nobody would know which row it was.
   */
  async #updateRange(records: readonly Row[]): Promise<number | undefined> {
    const { connection, plan } = this
    if (plan.expressions === undefined || plan.seen.length > 0) return undefined
    const bounds = [records[0], records.at(-1)].flatMap((row) => this.#keyOf(row as Row))
    await connection.exec('SAVEPOINT drover_range')
    try {
      const { changes } = await connection.run(rangeUpdate(plan), [...bounds, ...plan.predicate.values])
      if (changes <= records.length) {
        await connection.exec('RELEASE drover_range')
        return changes
      }
    } catch (error) {
      if (!isRefusal(error)) throw error
    }
    await undoSavepoint(connection, 'drover_range')
    return undefined
  }

  #keyOf(row: Row): SqliteValue[] {
    return this.plan.key.map((column) => storeValue(row[column.name] ?? null, column))
  }
}
