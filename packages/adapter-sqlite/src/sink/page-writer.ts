import type { Row } from '@drover/core'
import type { NpmDatabase, SqliteValue } from '../connection/sqlite-connection.js'
import { sqliteError } from '../errors/sqlite-error.js'
import { byHalves } from './by-halves.js'
import { insertSql, oneRow } from './insert-sql.js'
import { isLarge, JsonRows } from './json-rows.js'
import { checkKeyValues, type KeyPlaces, keyPlaces } from './key-lookup.js'
import { NpmStatements, type NpmValue, npmValue } from './npm-statements.js'
import { OpenTransaction } from './open-transaction.js'
import { isRefusal, rowRefused } from './row-refused.js'
import type { RowWriter, WriterOptions, Written } from './row-writer.js'
import type { Shape } from './shapes.js'
import { storeValue } from './store-value.js'

/** Rows of one statement: a few sizes, so that few statements are prepared. */
const sizes = [100, 10, 1] as const
/** https://www.sqlite.org/limits.html#max_variable_number */
const mostValues = 32_766

interface Chunk {
  readonly shape: Shape
  readonly rows: SqliteValue[][]
  /** Place in the batch of its first row. */
  readonly first: number
}

/**
 * Many rows by one statement: npm's sqlite3 needs a trip to another thread for each. Where a value needs more care than the
 * driver has, and to find out which row is refused, they are one JSON parameter that `json_each` takes apart.
 */
export class PageWriter implements RowWriter {
  readonly #keys = new Map<Shape, KeyPlaces>()
  readonly #statements: NpmStatements
  #last: Shape | undefined

  private constructor(
    private readonly options: WriterOptions,
    database: NpmDatabase,
    private readonly open: OpenTransaction,
  ) {
    this.#statements = new NpmStatements(database)
  }

  static async of(options: WriterOptions, database: NpmDatabase): Promise<PageWriter> {
    return new PageWriter(options, database, await OpenTransaction.on(options.connection))
  }

  begin(): Promise<void> {
    return this.open.begin()
  }

  async write(rows: readonly Row[], before: number, isCareful: boolean): Promise<Written> {
    let changed = 0
    let inserted = 0
    const add = (written: Written): void => {
      changed += written.changed
      inserted += written.inserted
    }
    let chunk: Chunk | null = null
    for (let i = 0; i < rows.length; i++) {
      const { shape, values } = this.#valuesOf(rows[i] as Row, before + i)
      const isAlone = this.options.looksUp || values.some(isLarge)
      if (chunk !== null && (isAlone || chunk.shape !== shape)) {
        add(await this.#write(chunk, isCareful))
        chunk = null
      }
      if (isAlone) {
        add(await this.#single(shape, values, before + i))
      } else {
        chunk ??= { shape, rows: [], first: before + i }
        chunk.rows.push(values)
      }
    }
    if (chunk !== null) add(await this.#write(chunk, isCareful))
    return { changed, inserted }
  }

  async close(): Promise<void> {
    await this.#statements.close()
    if (this.options.connection.path === null) await this.open.remove()
  }

  async #write(chunk: Chunk, isCareful: boolean): Promise<Written> {
    const bound = isCareful ? null : npmRows(chunk)
    const changed = bound === null ? await this.#writeJson(chunk) : await this.#writeRows(chunk.shape, bound)
    return { changed, inserted: changed }
  }

  async #writeRows(shape: Shape, rows: readonly (readonly NpmValue[])[]): Promise<number> {
    const { table, policy, where } = this.options
    const columns = shape.columns.map(({ name }) => name)
    const places = columns.map(() => '?')
    const row = `(${places.join(', ')})`
    const firstRow = `(${places.with(0, this.open.placeholder).join(', ')})`
    const underWay: Promise<number>[] = []
    let changed = 0
    for (let from = 0, size = 0; from < rows.length; from += size) {
      const next = sizes.find((many) => many <= rows.length - from && many * columns.length < mostValues) ?? 1
      // Statements that differ may overtake one another.
      if (next !== size) changed += await settled(underWay.splice(0), where)
      size = next
      // Those behind one that ended the transaction are under way by then.
      const values = new Array<string>(size).fill(row).with(0, firstRow)
      const sql = insertSql(table, columns, `VALUES ${values.join(', ')}`, policy)
      underWay.push(this.#statements.run(sql, [this.open.number, ...rows.slice(from, from + size).flat()]))
    }
    return changed + (await settled(underWay, where))
  }

  async #writeJson({ shape, rows, first }: Chunk): Promise<number> {
    let changed = 0
    let json: JsonRows | null = null
    for (const [i, row] of rows.entries()) {
      json ??= new JsonRows(shape.columns, first + i)
      json.add(row)
      if (!json.isFull && i < rows.length - 1) continue
      changed += await this.#writeChunk(shape, json)
      json = null
    }
    return changed
  }

  #writeChunk(shape: Shape, rows: JsonRows): Promise<number> {
    const { connection, table, policy, where } = this.options
    const columns = shape.columns.map(({ name }) => name)
    const from = `SELECT ${rows.expressions().join(', ')} FROM json_each(?) WHERE true`
    const sql = insertSql(table, columns, from, policy)
    return byHalves(connection, rows, async (json) => (await connection.run(sql, [json])).changes, where)
  }

  async #single(shape: Shape, values: readonly SqliteValue[], row: number): Promise<Written> {
    const { connection, table, policy, looksUp, where } = this.options
    const columns = shape.columns.map(({ name }) => name)
    const { places, sql } = this.#keyOf(shape)
    const key = places.map((at) => values[at] ?? null)
    try {
      const isThere = looksUp && (await connection.get(sql, key)) !== undefined
      const { changes } = await connection.run(insertSql(table, columns, oneRow(columns.length), policy), values)
      return { changed: changes, inserted: isThere ? 0 : changes }
    } catch (error) {
      throw isRefusal(error) ? rowRefused(error, row, where) : error
    }
  }

  #valuesOf(row: Row, place: number): { readonly shape: Shape; readonly values: SqliteValue[] } {
    try {
      const last = this.#last
      const isLike = last !== undefined && Object.keys(row).length === last.fieldCount && hasAll(row, last.fields)
      const shape = isLike ? last : this.options.shapes.of(row)
      this.#last = shape
      const values = shape.columns.map((column, i) => storeValue(row[shape.fields[i] as string], column))
      const key = this.#keyOf(shape)
      if (key.places.length > 0) checkKeyValues(values, key, shape)
      return { shape, values }
    } catch (error) {
      throw isRefusal(error) ? rowRefused(error, place, this.options.where) : error
    }
  }

  #keyOf(shape: Shape): KeyPlaces {
    const known = this.#keys.get(shape)
    if (known !== undefined) return known
    const key = keyPlaces(this.options.policy, shape, this.options.table)
    this.#keys.set(shape, key)
    return key
  }
}

/** Waits for all: a statement still under way when the transaction is rolled back would run outside of it. */
async function settled(underWay: readonly Promise<number>[], where: string): Promise<number> {
  let changed = 0
  let failure: unknown
  for (const result of await Promise.allSettled(underWay)) {
    if (result.status === 'fulfilled') changed += result.value
    else failure ??= result.reason
  }
  if (failure !== undefined) throw sqliteError(failure, `writing to ${where}`)
  return changed
}

/** The values as the driver binds them; null if one of them needs more care. */
function npmRows({ shape, rows }: Chunk): NpmValue[][] | null {
  const all: NpmValue[][] = []
  for (const values of rows) {
    const row: NpmValue[] = []
    for (let i = 0; i < values.length; i++) {
      const value = npmValue(values[i] as SqliteValue, shape.columns[i] as Shape['columns'][number])
      if (value === undefined) return null
      row.push(value)
    }
    all.push(row)
  }
  return all
}

function hasAll(row: Row, fields: readonly string[]): boolean {
  for (const name of fields) if (row[name] === undefined) return false
  return true
}
