import type { Row } from '@drover/core'
import type { BetterStatement, SqliteConnection, SqliteValue } from '../connection/sqlite-connection.js'
import { sqliteError } from '../errors/sqlite-error.js'
import { insertSql, oneRow } from './insert-sql.js'
import { checkKeyValues, type KeyPlaces, keyPlaces } from './key-lookup.js'
import { isRefusal, rowRefused } from './row-refused.js'
import type { RowWriter, WriterOptions, Written } from './row-writer.js'
import type { Shape } from './shapes.js'
import { storeValue } from './store-value.js'

/** A shape with its statement. */
interface ShapeWriter {
  readonly shape: Shape
  readonly insert: BetterStatement
  readonly key: KeyPlaces
  readonly lookUp: BetterStatement | null
  readonly values: SqliteValue[]
}

/** A prepared statement for each row: better-sqlite3 runs one in a microsecond, and says which row it refuses. */
export class SingleRowWriter implements RowWriter {
  readonly #writers = new Map<Shape, ShapeWriter>()
  readonly #database
  #last: ShapeWriter | undefined

  constructor(
    private readonly options: WriterOptions,
    native: Extract<SqliteConnection['native'], { readonly driver: 'better-sqlite3' }>,
  ) {
    this.#database = native.database
  }

  write(rows: readonly Row[], before: number): Written {
    let changed = 0
    let found = 0
    for (let i = 0; i < rows.length; i++) {
      try {
        const writer = this.#bind(rows[i] as Row)
        const isThere =
          writer.lookUp !== null && writer.lookUp.get(...writer.key.places.map((at) => writer.values[at])) !== undefined
        const { changes } = writer.insert.run(writer.values)
        if (changes === 0) continue
        changed++
        if (isThere) found++
      } catch (error) {
        const failed = sqliteError(error, `writing to ${this.options.where}`)
        throw isRefusal(failed) ? rowRefused(failed, before + i, this.options.where) : failed
      }
    }
    return { changed, inserted: changed - found }
  }

  begin(): void {}

  close(): void {}

  /** The writer of the row's shape, with its values bound. Rows mostly have the shape of the row before. */
  #bind(row: Row): ShapeWriter {
    const last = this.#last
    if (last !== undefined && Object.keys(row).length === last.shape.fieldCount && fill(last, row)) return last
    const writer = this.#writerOf(this.options.shapes.of(row))
    fill(writer, row)
    this.#last = writer
    return writer
  }

  #writerOf(shape: Shape): ShapeWriter {
    const known = this.#writers.get(shape)
    if (known !== undefined) return known
    const { table, policy, looksUp } = this.options
    const columns = shape.columns.map(({ name }) => name)
    const key = keyPlaces(policy, shape, table)
    const writer: ShapeWriter = {
      shape,
      insert: this.#database.prepare(insertSql(table, columns, oneRow(columns.length), policy)),
      key,
      lookUp: looksUp ? this.#database.prepare(key.sql) : null,
      values: new Array<SqliteValue>(columns.length).fill(null),
    }
    this.#writers.set(shape, writer)
    return writer
  }
}

/** False if the row lacks a field of the shape. */
function fill({ shape, values, key }: ShapeWriter, row: Row): boolean {
  const { fields, columns } = shape
  for (let i = 0; i < fields.length; i++) {
    const value = row[fields[i] as string]
    if (value === undefined) return false
    values[i] = storeValue(value, columns[i] as Shape['columns'][number])
  }
  if (key.places.length > 0) checkKeyValues(values, key, shape)
  return true
}
