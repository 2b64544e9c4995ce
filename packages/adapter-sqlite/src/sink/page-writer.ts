import type { Row } from '@drover/core'
import type { SqliteValue } from '../connection/sqlite-connection.js'
import { insertSql, oneRow } from './insert-sql.js'
import { JsonRows } from './json-rows.js'
import { checkKeyValues, type KeyPlaces, keyPlaces } from './key-lookup.js'
import { isRefusal, rowRefused } from './row-refused.js'
import type { RowWriter, WriterOptions, Written } from './row-writer.js'
import type { Shape } from './shapes.js'
import { storeValue } from './store-value.js'

/** Texts of a chunk, in UTF-16 units: what is larger is bound by itself. */
const largestValue = 256 * 1024
const largestChunk = 4 * 1024 * 1024

/**
 * Rows as one JSON parameter that `json_each` takes apart: npm's sqlite3 needs a trip to another thread for each statement.
 * A page that is refused is written again by halves, to find the row.
 */
export class PageWriter implements RowWriter {
  readonly #keys = new Map<Shape, KeyPlaces>()
  #last: Shape | undefined

  constructor(private readonly options: WriterOptions) {}

  async write(rows: readonly Row[], before: number): Promise<Written> {
    let changed = 0
    let inserted = 0
    const add = (written: Written): void => {
      changed += written.changed
      inserted += written.inserted
    }
    let chunk: JsonRows | null = null
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i] as Row
      // What stands in front of a row is written before it, also if the row turns out to be refused: the first one is named.
      let shape: Shape
      let values: SqliteValue[]
      try {
        shape = this.#shapeOf(row)
        values = this.#valuesOf(row, shape)
      } catch (error) {
        if (chunk !== null) await this.#flush(chunk)
        throw isRefusal(error) ? rowRefused(error, before + i, this.options.where) : error
      }
      const isLarge = values.some(isLargeValue)
      if (chunk !== null && (isLarge || chunk.shape !== shape || chunk.length >= largestChunk)) {
        add(await this.#flush(chunk))
        chunk = null
      }
      if (isLarge || this.options.looksUp) {
        add(await this.#single(shape, values, before + i))
      } else {
        chunk ??= new JsonRows(shape, before + i)
        chunk.add(values)
      }
    }
    if (chunk !== null) add(await this.#flush(chunk))
    return { changed, inserted }
  }

  async #flush(chunk: JsonRows): Promise<Written> {
    const { table, policy } = this.options
    const columns = chunk.shape.columns.map(({ name }) => name)
    const select = `SELECT ${chunk.expressions().join(', ')} FROM json_each(?) WHERE true`
    const changed = await this.#halves(chunk, insertSql(table, columns, select, policy), 0, chunk.count)
    return { changed, inserted: changed }
  }

  async #halves(chunk: JsonRows, sql: string, from: number, to: number): Promise<number> {
    try {
      return (await this.options.connection.run(sql, [chunk.json(from, to)])).changes
    } catch (error) {
      if (!isRefusal(error)) throw error
      if (to - from === 1) throw rowRefused(error, chunk.first + from, this.options.where)
      // The statement that failed left nothing.
      const middle = (from + to) >> 1
      return (await this.#halves(chunk, sql, from, middle)) + (await this.#halves(chunk, sql, middle, to))
    }
  }

  async #single(shape: Shape, values: readonly SqliteValue[], row: number): Promise<Written> {
    const { connection, table, policy, looksUp, where } = this.options
    const columns = shape.columns.map(({ name }) => name)
    const { places, sql } = this.#keyOf(shape)
    try {
      const isThere =
        looksUp &&
        (await connection.get(
          sql,
          places.map((at) => values[at] ?? null),
        )) !== undefined
      const { changes } = await connection.run(insertSql(table, columns, oneRow(columns.length), policy), values)
      return { changed: changes, inserted: isThere ? 0 : changes }
    } catch (error) {
      throw isRefusal(error) ? rowRefused(error, row, where) : error
    }
  }

  #shapeOf(row: Row): Shape {
    const last = this.#last
    const fits =
      last !== undefined &&
      Object.keys(row).length === last.fieldCount &&
      last.fields.every((name) => row[name] !== undefined)
    if (fits) return last
    this.#last = this.options.shapes.of(row)
    return this.#last
  }

  #valuesOf(row: Row, shape: Shape): SqliteValue[] {
    const values = shape.columns.map((column, i) => storeValue(row[shape.fields[i] as string], column))
    const key = this.#keyOf(shape)
    if (key.places.length > 0) checkKeyValues(values, key, shape)
    return values
  }

  #keyOf(shape: Shape): KeyPlaces {
    const known = this.#keys.get(shape)
    if (known !== undefined) return known
    const key = keyPlaces(this.options.policy, shape, this.options.table)
    this.#keys.set(shape, key)
    return key
  }
}

function isLargeValue(value: SqliteValue): boolean {
  return (typeof value === 'string' || value instanceof Uint8Array) && value.length > largestValue
}
