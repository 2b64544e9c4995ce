import { DroverError, type Page, type Row, shownValue, ValueRefused } from '@drover/core'
import * as arrow from 'apache-arrow'
import { arrowSchema } from './arrow-schema.js'
import type { ColumnBuilder, LateRefusal } from './column-builder.js'
import type { ColumnPlan, TablePlan } from './column-plan.js'
import { createColumn } from './create-column.js'
import { recordRefused } from './record-refused.js'
import { unknownFields } from './unknown-fields.js'

/**
 * Gathers records by column until they are enough for a row group. Its memory is used again for the next one.
 *
 * @throws `RECORD_REFUSED` for a value that its column cannot hold exactly, a null where there is none, a field that no column has
 */
export class RowGroupBuilder {
  readonly #schema: arrow.Schema
  #readBack: string | undefined
  readonly #columns: readonly ColumnBuilder[]
  readonly #names: readonly string[]
  /** A record without a field of that name has a value there all the same: `constructor`. */
  readonly #inherited: readonly boolean[]
  /** All fields that a record may have. */
  readonly #known: ReadonlySet<string>
  #rows = 0

  /**
   * @param where Names the file or the table in errors.
   * @param beside Fields that records have and that stand elsewhere: in the names of folders.
   */
  constructor(
    private readonly plan: TablePlan,
    private readonly where: string,
    beside: readonly string[] = [],
  ) {
    this.#schema = arrowSchema(plan)
    this.#columns = plan.columns.map(createColumn)
    this.#names = plan.columns.map(({ name }) => name)
    this.#inherited = this.#names.map((name) => name in Object.prototype)
    this.#known = new Set([...this.#names, ...beside])
  }

  get rows(): number {
    return this.#rows
  }

  /** Bytes that the values take in memory, without spare room. */
  get bytes(): number {
    let sum = 0
    for (const column of this.#columns) sum += column.byteSize
    return sum
  }

  /**
   * Adds records, or those at the places `which`. Those before a refused one stay.
   *
   * @throws `RECORD_REFUSED` with `row`, the place among `rows`
   */
  append(rows: readonly Row[], which?: ArrayLike<number>): void {
    const count = which === undefined ? rows.length : which.length
    for (let i = 0; i < count; i++) {
      const place = which === undefined ? i : (which[i] as number)
      this.#appendRow(rows[place] as Row, place)
    }
  }

  #appendRow(row: Row, place: number): void {
    const names = this.#names
    let found = 0
    let at = 0
    try {
      for (; at < names.length; at++) {
        const name = names[at] as string
        const value = this.#inherited[at] === true && !Object.hasOwn(row, name) ? undefined : row[name]
        if (value !== undefined) found++
        ;(this.#columns[at] as ColumnBuilder).value(value)
      }
    } catch (error) {
      throw this.#refused(error, at, place)
    }
    let fields = 0
    for (const _ in row) fields++
    if (fields !== found) this.#checkFields(row, place)
    this.#rows++
  }

  /** Slower, so only for records that do not have just the fields of the columns. */
  #checkFields(row: Row, place: number): void {
    const unknown = unknownFields(row, this.#known)
    if (unknown === undefined) return
    this.truncate(this.#rows)
    throw new DroverError(
      'RECORD_REFUSED',
      `${this.where}: the record has a field "${unknown}" (${shownValue(row[unknown])}), and there is no column for it. ` +
        `Leave it out in a step, or name its type in types, so that it becomes a column.`,
      { row: place },
    )
  }

  /**
   * Adds the records of a page, or those at the places `which`, without making records of them where the page can do that.
   *
   * @throws `RECORD_REFUSED` with `row`, the place among the records of the page
   */
  pour(page: Page, which?: ArrayLike<number>): void {
    if (page.pour === undefined) {
      this.append(page.rows(), which)
      return
    }
    const before = this.#rows
    try {
      page.pour({ fields: this.#names, into: this.#columns, ...(which !== undefined && { records: which }) })
    } catch (error) {
      throw this.#notPoured(error, before, which)
    }
    this.#checkPoured(before, which)
  }

  #notPoured(error: unknown, before: number, which: ArrayLike<number> | undefined): unknown {
    // Records are poured one after the other: the shortest column says at which one it ended.
    const rows = error instanceof ValueRefused ? Math.min(...this.#columns.map(({ length }) => length)) : before
    const place = which?.[rows - before] ?? rows - before
    this.#rows = rows
    return this.#refused(error, this.#columnOf(error), place)
  }

  #columnOf(error: unknown): number {
    if (!(error instanceof ValueRefused)) return 0
    const { path } = error
    const exact = this.#names.indexOf(path)
    if (exact >= 0) return exact
    // `tags[3]` and `address.city` begin with the name of the column.
    return this.#names.findIndex((name) => path.startsWith(name) && /^[.[]/.test(path.slice(name.length)))
  }

  #checkPoured(before: number, which: ArrayLike<number> | undefined): void {
    const after = this.#columns[0]?.length ?? before
    const isWhole =
      this.#columns.every(({ length }) => length === after) && (which === undefined || after === before + which.length)
    if (!isWhole) {
      this.truncate(before)
      throw new DroverError(
        'CONTRACT_BROKEN',
        `${this.where}: a page has poured columns of different lengths, or not the records that were asked for.`,
      )
    }
    this.#rows = after
    this.#checkLate(before, which)
  }

  #checkLate(before: number, which: ArrayLike<number> | undefined): void {
    let first: (LateRefusal & { readonly column: number }) | undefined
    for (const [column, builder] of this.#columns.entries()) {
      const late = builder.poured(before)
      if (late !== undefined && (first === undefined || late.row < first.row)) first = { ...late, column }
    }
    if (first === undefined) return
    this.#rows = first.row
    throw this.#refused(first.refused, first.column, which?.[first.row - before] ?? first.row - before)
  }

  /** Takes back what the record left that was not taken. */
  #refused(error: unknown, column: number, place: number): unknown {
    this.truncate(this.#rows)
    if (!(error instanceof ValueRefused)) return error
    return recordRefused(error, this.plan.columns[column] as ColumnPlan, this.where, place)
  }

  /** Back to an earlier number of rows. */
  truncate(rows: number): void {
    for (const column of this.#columns) column.truncate(rows)
    this.#rows = Math.min(this.#rows, rows)
  }

  clear(): void {
    this.truncate(0)
  }

  /** The rows from there on as an Arrow IPC stream: the schema and one batch, in a buffer of its own that can be transferred. */
  toIpc(from = 0): Uint8Array {
    const data = arrow.makeData({
      type: new arrow.Struct(this.#schema.fields),
      length: this.#rows - from,
      nullCount: 0,
      children: this.#columns.map((column) => column.toData(from)),
    })
    const writer = new arrow.RecordBatchStreamWriter()
    writer.write(new arrow.RecordBatch(this.#schema, data))
    writer.finish()
    return writer.toUint8Array(true)
  }

  /**
   * Adds the rows of what `toIpc` gave, of a builder with the same plan.
   *
   * @throws `STATE_INVALID` if it is something else
   */
  appendIpc(bytes: Uint8Array): void {
    const before = this.#rows
    try {
      // Numbers of eight bytes cannot be looked at where they stand at an uneven place.
      const reader = arrow.RecordBatchReader.from(bytes.byteOffset % 8 === 0 ? bytes : bytes.slice()).open()
      if (String(reader.schema) !== this.#schemaRead()) throw new TypeError('the columns differ')
      for (const batch of reader) this.#appendBatch(batch)
    } catch (error) {
      this.truncate(before)
      throw DroverError.isInstance(error)
        ? error
        : new DroverError(
            'STATE_INVALID',
            `${this.where}: rows that were put aside cannot be read back: ${String(error)}.`,
            { cause: error },
          )
    }
  }

  /** The schema as a reader gives it back: a name without a character is none to it. */
  #schemaRead(): string {
    this.#readBack ??= String(arrow.RecordBatchReader.from(this.toIpc(this.#rows)).open().schema)
    return this.#readBack
  }

  #appendBatch(batch: arrow.RecordBatch): void {
    for (const [place, column] of this.#columns.entries()) column.appendData(batch.data.children[place] as arrow.Data)
    this.#rows += batch.numRows
  }
}
