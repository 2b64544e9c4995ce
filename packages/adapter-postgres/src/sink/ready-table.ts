import { type DelimitedField, DroverError, type Row } from '@drover/core'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import { findColumn, type Table } from '../schema/table.js'
import type { CopyEncoder } from '../wire/copy-encoder.js'
import type { CopyLayout } from '../wire/copy-layout.js'
import type { ConflictPolicy } from './conflict.js'
import { ColumnsMissing, missingFields, type NewColumns } from './new-columns.js'
import { OpenCopy } from './open-copy.js'
import { type EncodingOptions, formFor, rowEncoder } from './row-encoder.js'
import { type Shape, Shapes } from './shapes.js'

export interface ReadyTableOptions extends EncodingOptions {
  readonly table: Table
  readonly policy: ConflictPolicy
  /** Fields of the records, as far as they are known; empty if nothing is. */
  readonly fields: readonly string[]
  /** Policies for rows hold for this user, under which COPY does not write: https://www.postgresql.org/docs/current/sql-copy.html */
  readonly hasRowSecurity: boolean
  readonly newColumns: NewColumns
}

/** A table that is ready to be written to: it finds the columns of records, and opens COPYs. */
export class ReadyTable {
  readonly table: Table
  readonly policy: ConflictPolicy
  readonly hasRowSecurity: boolean
  readonly #shapes: Shapes
  readonly #first: Shape | undefined
  /** By their shape: encoders that nobody uses at the moment. */
  readonly #encoders = new Map<string, CopyEncoder[]>()
  readonly #texts = new WeakMap<readonly DelimitedField[], { readonly shape: Shape | undefined }>()
  readonly #raw = new WeakMap<CopyLayout, { readonly shape: Shape | undefined }>()

  constructor(private readonly options: ReadyTableOptions) {
    const { table, policy, fields, where } = options
    this.table = table
    this.policy = policy
    this.hasRowSecurity = options.hasRowSecurity
    const isExact = policy.kind === 'update' || policy.kind === 'merge'
    this.#shapes = new Shapes(table.columns, where, { isExact, newColumns: options.newColumns })
    // A field that came up later is among them once for each partition that came upon it.
    const names = [...new Set(fields)]
    const isWritten = names.some((name) => findColumn(table.columns, name)?.isGenerated === false)
    this.#first = isWritten ? this.#shapes.ofFields(names) : undefined
  }

  /**
   * Records one behind the other that have the same columns.
   *
   * @param current The shape of those before.
   * @param before How many there were before, in the batch.
   * @throws `RECORD_REFUSED`; {@link ColumnsMissing} where the table is to get columns, with all that these rows need.
   */
  *stretches(
    rows: readonly Row[],
    current: Shape | undefined,
    before: number,
  ): Generator<{ readonly rows: readonly Row[]; readonly shape: Shape }> {
    let shape = current ?? this.#first
    let from = 0
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i] as Row
      if (shape?.fits(row) === true) continue
      const other = this.#shapeOf(row, shape, before + i, rows)
      if (other === shape) continue
      if (shape !== undefined && i > from) yield { rows: rows.slice(from, i), shape }
      shape = other
      from = i
    }
    if (shape !== undefined && from < rows.length) yield { rows: from === 0 ? rows : rows.slice(from), shape }
  }

  /** The shape of rows that can be passed on as they came; undefined if they have to be decoded. */
  rawShape(layout: CopyLayout): Shape | undefined {
    let found = this.#raw.get(layout)
    if (found === undefined) {
      found = { shape: this.#rawShape(layout) }
      this.#raw.set(layout, found)
    }
    return found.shape
  }

  /** The shape of pages of texts with these fields, if each has a column that is written; undefined if they have to be decoded. */
  textShape(fields: readonly DelimitedField[]): Shape | undefined {
    let found = this.#texts.get(fields)
    if (found === undefined) {
      const columns = fields.flatMap(({ name }) => findColumn(this.table.columns, name) ?? [])
      const isWritten = columns.length === fields.length && columns.every(({ isGenerated }) => !isGenerated)
      found = { shape: isWritten && formFor(columns) === 'binary' ? this.#shapes.inOrder(columns) : undefined }
      this.#texts.set(fields, found)
    }
    return found.shape
  }

  openCopy(connection: PostgresConnection, table: string, shape: Shape, first: number): Promise<OpenCopy> {
    const idle = this.#encoders.get(shape.id) ?? []
    this.#encoders.set(shape.id, idle)
    const encoder = idle.pop() ?? rowEncoder(shape.columns, this.options)
    return OpenCopy.open({
      connection,
      table,
      columns: shape.columns.map(({ name }) => name),
      form: formFor(shape.columns),
      encoder,
      first,
      doing: `writing to ${this.options.where}`,
      onEnd: () => idle.push(encoder),
    })
  }

  #shapeOf(row: Row, current: Shape | undefined, place: number, rows: readonly Row[]): Shape {
    try {
      return this.#shapes.of(row, current)
    } catch (error) {
      if (!DroverError.isInstance(error, 'RECORD_REFUSED')) throw error
      if (error.cause instanceof ColumnsMissing && this.options.newColumns.policy === 'add') {
        throw new ColumnsMissing(missingFields(rows, (name) => findColumn(this.table.columns, name) !== undefined))
      }
      const message = `${this.options.where}: row ${place} of the batch is refused: ${error.message}`
      throw new DroverError('RECORD_REFUSED', message, { row: place, cause: error.cause ?? error })
    }
  }

  #rawShape(layout: CopyLayout): Shape | undefined {
    const { coerce } = this.options
    const columns = layout.columns.map(({ name }) => findColumn(this.table.columns, name))
    if (columns.some((column) => column === undefined || column.isGenerated || coerce.includes(column.name)))
      return undefined
    const found = columns.flatMap((column) => (column === undefined ? [] : [column]))
    if (formFor(found) !== 'binary' || !layout.matches(found.map(({ name, wire }) => ({ name, type: wire }))))
      return undefined
    return this.#shapes.inOrder(found)
  }
}
