import { DroverError, type Row, suggestNames } from '@drover/core'
import { type Column, findColumn } from '../schema/table.js'

/** The columns that rows with the same fields are written to. */
export interface Shape {
  /** The record's own names, parallel to `columns`. */
  readonly fields: readonly string[]
  readonly columns: readonly Column[]
  /** Fields of a record of this shape, those of generated columns among them, which compute themselves. */
  readonly fieldCount: number
}

/**
 * Finds the columns of records. Most records of a table have the same fields; each other set of fields has a statement of
 * its own, so that a column whose field is missing gets its default.
 */
export class Shapes {
  readonly #known = new Map<string, Shape>()

  constructor(
    private readonly columns: readonly Column[],
    private readonly table: string,
  ) {}

  /** @throws `RECORD_REFUSED` for a field that the table has no column for. */
  of(row: Row): Shape {
    const names = Object.keys(row).filter((name) => row[name] !== undefined)
    const id = JSON.stringify(names)
    const known = this.#known.get(id)
    if (known !== undefined) return known
    const found = names.map((name) => [name, this.#columnOf(name)] as const)
    const stored = found.filter(([, column]) => !column.isGenerated)
    if (stored.length === 0) {
      throw new DroverError('RECORD_REFUSED', `the record has no field for a column of "${this.table}"`)
    }
    const twice = stored.find(([, column], i) => stored.findIndex(([, other]) => other === column) < i)
    if (twice !== undefined) {
      throw new DroverError(
        'RECORD_REFUSED',
        `the record has two fields for the column "${twice[1].name}" of "${this.table}"`,
      )
    }
    const shape: Shape = {
      fields: stored.map(([name]) => name),
      columns: stored.map(([, column]) => column),
      fieldCount: names.length,
    }
    if (this.#known.size >= 1000) this.#known.clear()
    this.#known.set(id, shape)
    return shape
  }

  #columnOf(name: string): Column {
    const column = findColumn(this.columns, name)
    if (column !== undefined) return column
    const known = suggestNames(
      name,
      this.columns.map((one) => one.name),
    )
    throw new DroverError('RECORD_REFUSED', `"${this.table}" has no column "${name}"${known}`)
  }
}
