import { DroverError, type Row, suggestNames } from '@drover/core'
import type { Column } from '../schema/table.js'
import { ColumnsMissing, type NewColumns, newColumnsRemedy } from './new-columns.js'
import { type Fits, rowFits } from './row-fits.js'

/** The columns that records with the same fields are written to. */
export interface Shape {
  /** Says the columns and their order. */
  readonly id: string
  /** In the order of the fields; without generated ones, which compute themselves. */
  readonly columns: readonly Column[]
  /** Whether a record has these fields and no others, none of them undefined. What does not may still belong here. */
  readonly fits: Fits
  /** Columns that may be missing in a record, because NULL is what they would get anyway. */
  readonly plain: ReadonlySet<string>
  /** Fields that are not written. */
  readonly leftOut: ReadonlySet<string>
}

/**
 * Finds the columns of records. Most records of a table have the same fields; a field that is missing, or undefined, is left to
 * its column's default, which takes a COPY of its own where there is one.
 */
export class Shapes {
  readonly #byName: ReadonlyMap<string, Column>
  readonly #known = new Map<string, Shape>()
  readonly #isExact: boolean
  readonly #newColumns: NewColumns

  constructor(
    columns: readonly Column[],
    private readonly where: string,
    options: {
      /** Rows that are there already keep what a record has no field for, so even NULL is not what a missing field means. */
      readonly isExact: boolean
      readonly newColumns: NewColumns
    },
  ) {
    this.#isExact = options.isExact
    this.#newColumns = options.newColumns
    this.#byName = new Map(columns.map((column) => [column.name, column]))
  }

  /** The shape of records with all of these fields. */
  ofFields(names: readonly string[]): Shape {
    const id = JSON.stringify([...names].sort())
    const known = this.#known.get(id)
    if (known !== undefined) return known
    const columns = names.flatMap((name) => this.#written(name) ?? [])
    if (columns.length === 0) {
      throw new DroverError('RECORD_REFUSED', `the record has no field for a column of ${this.where}`)
    }
    const isPlain = (column: Column): boolean => !this.#isExact && !column.hasDefault && column.identity === null
    const shape = {
      id: idOf(columns),
      columns,
      fits: rowFits(names),
      plain: new Set(columns.filter(isPlain).map(({ name }) => name)),
      leftOut: new Set(names.filter((name) => this.#written(name) === null)),
    }
    if (this.#known.size >= 1000) this.#known.clear()
    this.#known.set(id, shape)
    return shape
  }

  /** For rows that come in the form of a COPY. */
  inOrder(columns: readonly Column[]): Shape {
    return { ...this.ofFields(columns.map(({ name }) => name)), columns, id: idOf(columns) }
  }

  /**
   * The shape of a record, `current` if that will do.
   *
   * @throws `RECORD_REFUSED` for a field that the table has no column for.
   */
  of(row: Row, current: Shape | undefined): Shape {
    const names = Object.keys(row).filter((name) => row[name] !== undefined && !this.#waits(name, row[name]))
    if (current === undefined) return this.ofFields(names)
    const present = new Set(names.filter((name) => this.#written(name) !== null))
    const added = [...present].filter((name) => !current.columns.some((column) => column.name === name))
    const kept = current.columns.filter(({ name }) => present.has(name) || current.plain.has(name))
    const leftOut = names.filter((name) => !present.has(name))
    const isSame = added.length === 0 && kept.length === current.columns.length
    if (isSame && leftOut.every((name) => current.leftOut.has(name))) return current
    return this.ofFields([...kept.map(({ name }) => name), ...added, ...leftOut])
  }

  /** The column that a field is written to; null if it is left out: a generated column computes itself. */
  #written(name: string): Column | null {
    const column = this.#byName.get(name)
    if (column !== undefined) return column.isGenerated ? null : column
    if (this.#newColumns.policy === 'ignore') {
      this.#newColumns.leaveOut(name)
      return null
    }
    const suggested = suggestNames(name, [...this.#byName.keys()])
    throw new DroverError('RECORD_REFUSED', `${this.where} has no column "${name}"${suggested} ${newColumnsRemedy}.`, {
      cause: new ColumnsMissing([{ name, type: { kind: 'any' }, nullable: true }]),
    })
  }

  /** Whether the table is to get such a column, and no value says yet of which type. */
  #waits(name: string, value: unknown): boolean {
    return value === null && this.#newColumns.policy === 'add' && !this.#byName.has(name)
  }
}

function idOf(columns: readonly Column[]): string {
  return JSON.stringify(columns.map(({ name }) => name))
}
