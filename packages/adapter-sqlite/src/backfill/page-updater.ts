import type { SqliteValue } from '../connection/sqlite-connection.js'
import type { Column } from '../schema/table.js'
import { byHalves } from '../sink/by-halves.js'
import { isLarge, JsonRows } from '../sink/json-rows.js'
import { isRefusal, rowRefused } from '../sink/row-refused.js'
import type { Shape } from '../sink/shapes.js'
import { storeValue } from '../sink/store-value.js'
import { type Computed, chunkUpdate, rowUpdate } from './update-plan.js'
import { computedBySql, fillKey, isEmpty, type Updater, type UpdaterOptions } from './updater.js'

interface Chunk {
  readonly shape: Shape
  readonly rows: JsonRows
  /** Of its rows: which of two for one row would win is open. */
  readonly keys: Set<string>
}

/** An UPDATE joined with one JSON parameter, for npm's sqlite3. */
export class PageUpdater implements Updater {
  readonly #keyAndSeen: readonly Column[]

  constructor(private readonly options: UpdaterOptions) {
    this.#keyAndSeen = [...options.plan.key, ...options.plan.seen]
  }

  async update(records: readonly Computed[], before: number): Promise<number> {
    let changed = 0
    let chunk: Chunk | null = null
    for (let i = 0; i < records.length; i++) {
      const record = records[i] as Computed
      if (isEmpty(record, this.options.plan)) continue
      let shape: Shape
      let values: SqliteValue[]
      try {
        shape = this.options.plan.expressions === undefined ? this.options.shapes.of(record.set) : computedBySql
        values = shape.fields.map((name, at) => storeValue(record.set[name], shape.columns[at] as Column))
        fillKey(values, shape.columns.length, record, this.#keyAndSeen)
      } catch (error) {
        if (chunk !== null) await this.#write(chunk)
        throw isRefusal(error) ? rowRefused(error, before + i, this.options.where) : error
      }
      const alone = values.some(isLarge)
      const key = this.#keyOf(values, shape)
      if (chunk !== null && (alone || chunk.shape !== shape || chunk.rows.isFull || chunk.keys.has(key))) {
        changed += await this.#write(chunk)
        chunk = null
      }
      if (alone) {
        changed += await this.#single(shape, values, before + i)
      } else {
        chunk ??= { shape, rows: new JsonRows([...shape.columns, ...this.#keyAndSeen], before + i), keys: new Set() }
        chunk.rows.add(values)
        chunk.keys.add(key)
      }
    }
    return chunk === null ? changed : changed + (await this.#write(chunk))
  }

  async #write({ shape, rows }: Chunk): Promise<number> {
    const { connection, plan, where } = this.options
    const sql = chunkUpdate(plan, this.#setsOf(shape), rows.expressions())
    const write = async (json: string): Promise<number> =>
      (await connection.run(sql, [json, ...plan.predicate.values])).changes
    return byHalves(connection, rows, write, where)
  }

  async #single(shape: Shape, values: readonly SqliteValue[], row: number): Promise<number> {
    const { connection, plan, where } = this.options
    try {
      const sql = rowUpdate(plan, this.#setsOf(shape))
      return (await connection.run(sql, [...values, ...plan.predicate.values])).changes
    } catch (error) {
      throw isRefusal(error) ? rowRefused(error, row, where) : error
    }
  }

  #setsOf(shape: Shape): readonly Column[] {
    return this.options.plan.expressions === undefined ? shape.columns : this.options.plan.sets
  }

  #keyOf(values: readonly SqliteValue[], shape: Shape): string {
    const from = shape.columns.length
    if (this.options.plan.key.length === 1) return String(values[from])
    return JSON.stringify(values.slice(from, from + this.options.plan.key.length).map(String))
  }
}
