import type { Outcome, Page, Row } from '@drover/core'
import type { SqliteConnection, SqliteValue } from '../connection/sqlite-connection.js'
import { isPromise } from '../connection/wait-while-busy.js'
import type { BatchTarget } from '../sink/batch-target.js'
import { DeferredKeys } from '../sink/deferred-keys.js'
import { isRefusal } from '../sink/row-refused.js'
import { Shapes } from '../sink/shapes.js'
import { storeValue } from '../sink/store-value.js'
import { Breather } from '../writer/breather.js'
import { PageUpdater } from './page-updater.js'
import { SingleUpdater } from './single-updater.js'
import { type Computed, rangeUpdate, type UpdatePlan } from './update-plan.js'
import type { Updater } from './updater.js'

/** What a record says is to be done; null if records are just that. */
export type ToComputed = ((record: Row) => Computed) | null

/** Updates rows that are there, as long as they are what was asked for. Nothing is ever inserted. */
export class UpdateTarget implements BatchTarget {
  readonly #updater: Updater

  private constructor(
    readonly where: string,
    private readonly connection: SqliteConnection,
    private readonly plan: UpdatePlan,
    private readonly toComputed: ToComputed,
    private readonly deferred: DeferredKeys,
  ) {
    const options = { connection, plan, shapes: new Shapes(plan.sets, plan.table), where }
    const { native } = connection
    this.#updater = native.driver === 'better-sqlite3' ? new SingleUpdater(options, native) : new PageUpdater(options)
  }

  static async of(connection: SqliteConnection, plan: UpdatePlan, toComputed: ToComputed): Promise<UpdateTarget> {
    const where = `"${plan.table}" of "${connection.name}"`
    return new UpdateTarget(where, connection, plan, toComputed, await DeferredKeys.of(connection, plan.table))
  }

  async prepare(): Promise<void> {}

  async ready(): Promise<{ readonly isAttached: boolean }> {
    return { isAttached: false }
  }

  async write(pages: readonly Page<Row>[], signal: AbortSignal): Promise<Outcome> {
    const breather = new Breather()
    let rows = 0
    let updated = 0
    for (const page of pages) {
      const records = page.rows()
      if (records.length === 0) continue
      updated += (await this.#updateRange(records)) ?? (await this.#updateEach(records, rows))
      rows += records.length
      await breather.breathe()
      signal.throwIfAborted()
    }
    return { inserted: 0, updated, skipped: rows - updated }
  }

  async isWorthCare(): Promise<boolean> {
    return false
  }

  brokenKeys(): Promise<number> {
    return this.deferred.broken()
  }

  async close(): Promise<void> {}

  async #updateEach(records: readonly Row[], before: number): Promise<number> {
    const { toComputed } = this
    const computed = toComputed === null ? (records as readonly (Row & Computed)[]) : records.map(toComputed)
    const changed = this.#updater.update(computed, before)
    return isPromise(changed) ? await changed : changed
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
    let changes: number
    try {
      changes = (await connection.run(rangeUpdate(plan), [...bounds, ...plan.predicate.values])).changes
    } catch (error) {
      if (!isRefusal(error)) throw error
      changes = Number.POSITIVE_INFINITY
    }
    const isExact = changes <= records.length
    await connection.exec(`${isExact ? '' : 'ROLLBACK TO drover_range; '}RELEASE drover_range`)
    return isExact ? changes : undefined
  }

  #keyOf(row: Row): SqliteValue[] {
    return this.plan.key.map((column) => storeValue(row[column.name] ?? null, column))
  }
}
