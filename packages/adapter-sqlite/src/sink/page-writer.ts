import type { Row } from '@drover/core'
import type { SqliteValue } from '../connection/sqlite-connection.js'
import { byHalves } from './by-halves.js'
import { insertSql, oneRow } from './insert-sql.js'
import { isLarge, JsonRows } from './json-rows.js'
import { checkKeyValues, type KeyPlaces, keyPlaces } from './key-lookup.js'
import { isRefusal, rowRefused } from './row-refused.js'
import type { RowWriter, WriterOptions, Written } from './row-writer.js'
import type { Shape } from './shapes.js'
import { storeValue } from './store-value.js'

interface Chunk {
  readonly shape: Shape
  readonly rows: JsonRows
}

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
    let chunk: Chunk | null = null
    for (let i = 0; i < rows.length; i++) {
      let shape: Shape
      let values: SqliteValue[]
      try {
        shape = this.#shapeOf(rows[i] as Row)
        values = this.#valuesOf(rows[i] as Row, shape)
      } catch (error) {
        // A row in front of this one may be refused too: the first one is named.
        if (chunk !== null) await this.#write(chunk)
        throw isRefusal(error) ? rowRefused(error, before + i, this.options.where) : error
      }
      const alone = this.options.looksUp || values.some(isLarge)
      if (chunk !== null && (alone || chunk.shape !== shape || chunk.rows.isFull)) {
        add(await this.#write(chunk))
        chunk = null
      }
      if (alone) {
        add(await this.#single(shape, values, before + i))
      } else {
        chunk ??= { shape, rows: new JsonRows(values.length, before + i) }
        chunk.rows.add(values)
      }
    }
    if (chunk !== null) add(await this.#write(chunk))
    return { changed, inserted }
  }

  async #write({ shape, rows }: Chunk): Promise<Written> {
    const { connection, table, policy, where } = this.options
    const columns = shape.columns.map(({ name }) => name)
    const sql = insertSql(
      table,
      columns,
      `SELECT ${rows.expressions().join(', ')} FROM json_each(?) WHERE true`,
      policy,
    )
    const changed = await byHalves(rows, async (json) => (await connection.run(sql, [json])).changes, where)
    return { changed, inserted: changed }
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
