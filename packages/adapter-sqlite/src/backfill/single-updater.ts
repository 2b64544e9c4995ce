import { DroverError } from '@drover/core'
import type { BetterStatement, SqliteConnection, SqliteValue } from '../connection/sqlite-connection.js'
import { sqliteError } from '../errors/sqlite-error.js'
import type { Column } from '../schema/table.js'
import { isRefusal, rowRefused } from '../sink/row-refused.js'
import type { Shape } from '../sink/shapes.js'
import { storeValue } from '../sink/store-value.js'
import { type Computed, rowUpdate } from './update-plan.js'
import { computedBySql, fillKey, isEmpty, type Updater, type UpdaterOptions } from './updater.js'

interface ShapeUpdater {
  readonly shape: Shape
  readonly statement: BetterStatement
  /** Of the sets, the key, what was seen, and the predicate. */
  readonly values: SqliteValue[]
}

/** A prepared UPDATE for each row, for better-sqlite3. */
export class SingleUpdater implements Updater {
  readonly #updaters = new Map<Shape, ShapeUpdater>()
  readonly #keyAndSeen: readonly Column[]
  readonly #database
  #last: ShapeUpdater | undefined

  constructor(
    private readonly options: UpdaterOptions,
    native: Extract<SqliteConnection['native'], { readonly driver: 'better-sqlite3' }>,
  ) {
    this.#database = native.database
    this.#keyAndSeen = [...options.plan.key, ...options.plan.seen]
  }

  update(records: readonly Computed[], before: number): number {
    let changed = 0
    for (let i = 0; i < records.length; i++) {
      const record = records[i] as Computed
      if (isEmpty(record, this.options.plan)) continue
      try {
        const { statement, values } = this.#bind(record)
        changed += statement.run(values).changes
      } catch (error) {
        const failed = sqliteError(error, `updating ${this.options.where}`)
        throw isRefusal(failed) ? rowRefused(failed, before + i, this.options.where) : failed
      }
    }
    return changed
  }

  #bind(record: Computed): ShapeUpdater {
    const last = this.#last
    const fits = last !== undefined && Object.keys(record.set).length === last.shape.fieldCount && fill(last, record)
    const updater = fits ? last : this.#updaterOf(record)
    fillKey(updater.values, updater.shape.columns.length, record, this.#keyAndSeen)
    this.#last = updater
    return updater
  }

  #updaterOf(record: Computed): ShapeUpdater {
    const { plan, shapes } = this.options
    const shape = plan.expressions === undefined ? shapes.of(record.set) : computedBySql
    const updater = this.#updaters.get(shape) ?? this.#prepare(shape)
    if (!fill(updater, record)) throw new DroverError('UNEXPECTED', 'the record changed while it was read')
    return updater
  }

  #prepare(shape: Shape): ShapeUpdater {
    const { plan } = this.options
    const sets = plan.expressions === undefined ? shape.columns : plan.sets
    const places = shape.columns.length + this.#keyAndSeen.length
    const updater: ShapeUpdater = {
      shape,
      statement: this.#database.prepare(rowUpdate(plan, sets)),
      values: [...new Array<SqliteValue>(places).fill(null), ...plan.predicate.values],
    }
    this.#updaters.set(shape, updater)
    return updater
  }
}

/** False if the record lacks a field of the shape. */
function fill({ shape, values }: ShapeUpdater, { set }: Computed): boolean {
  const { fields, columns } = shape
  for (let i = 0; i < fields.length; i++) {
    const value = set[fields[i] as string]
    if (value === undefined) return false
    values[i] = storeValue(value, columns[i] as Column)
  }
  return true
}
