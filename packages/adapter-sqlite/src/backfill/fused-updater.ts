import { randomUUID } from 'node:crypto'
import type { Row, TransformContext } from '@drover/core'
import { quoteName } from '../connection/quote-name.js'
import type { BetterDatabase, BetterStatement, SqliteValue } from '../connection/sqlite-connection.js'
import { isPromise } from '../connection/wait-while-busy.js'
import { sqliteError } from '../errors/sqlite-error.js'
import { isRefusal } from '../sink/row-refused.js'
import { storeValue } from '../sink/store-value.js'
import { boundKey } from '../source/key-value.js'
import { joinSql, type Sql } from '../source/sql.js'
import type { FusedPage } from './fused-page.js'
import { type Fusion, FusionMissed } from './fusion.js'
import { guard, type UpdatePlan, update } from './update-plan.js'

/** better-sqlite3's `Database`, with functions. */
interface FunctionDatabase extends BetterDatabase {
  function(
    name: string,
    options: { readonly varargs: boolean; readonly safeIntegers: boolean },
    body: (...values: readonly unknown[]) => unknown,
  ): unknown
}

export interface FusedOptions {
  readonly database: BetterDatabase
  readonly plan: UpdatePlan
  /** What `set` is given, the key first. */
  readonly reads: readonly FusedRead[]
  readonly set: (row: Row, context: TransformContext) => unknown
  readonly fusion: Fusion
  readonly where: string
}

export interface FusedRead {
  readonly name: string
  readonly sql: string
  /** A column without affinity, where 1 and 1.0 are two values: its INTEGER is a bigint. */
  readonly isAny: boolean
}

/** An UPDATE over the keys of a page that calls `set` for each row. */
export class FusedUpdater {
  readonly #call: string
  readonly #statements = new Map<string, BetterStatement>()
  /** Of the row that was computed last: a second column of it is asked for by a call of its own. */
  #lastKey: readonly unknown[] = []
  #lastValues: SqliteValue[] = []
  #context: TransformContext | undefined

  constructor(private readonly options: FusedOptions) {
    const { database, reads } = options
    const name = `drover_set_${randomUUID().replaceAll('-', '')}`
    const safeIntegers = reads.some(({ isAny }) => isAny)
    ;(database as FunctionDatabase).function(name, { varargs: true, safeIntegers }, (place, ...values) =>
      this.#valueOf(Number(place), values),
    )
    this.#call = `${name}(%, ${reads.map(({ sql }) => sql).join(', ')})`
  }

  /**
   * How many rows changed.
   *
   * @throws `PAGE_STALE` where rows have to be read: to be computed otherwise, or because one is refused.
   */
  update(page: FusedPage): number {
    const range = this.#range(page)
    const statement = this.#prepare(range.sql)
    this.#context = page.context
    this.#lastKey = []
    let changes: number
    try {
      changes = statement.run([...range.values, ...this.options.plan.predicate.values]).changes
    } catch (error) {
      if (error instanceof FusionMissed) throw page.stale()
      const failure = sqliteError(error, `updating ${this.options.where}`)
      throw isRefusal(failure) ? page.stale() : failure
    }
    // Rows came in between that nobody counted.
    if (changes > page.count) throw page.stale()
    return changes
  }

  #prepare(range: string): BetterStatement {
    const known = this.#statements.get(range)
    if (known !== undefined) return known
    const { database, plan } = this.options
    const sets = plan.sets.map(({ name }, i) => `${quoteName(name)} = ${this.#call.replace('%', String(i))}`)
    const statement = database.prepare(
      `${update(plan)} SET ${sets.join(', ')} WHERE ${range} AND ${guard(plan.predicate)}`,
    )
    this.#statements.set(range, statement)
    return statement
  }

  #range({ after, cursor }: FusedPage): Sql {
    const { key } = this.options.plan
    const names = key.map(({ name }) => quoteName(name)).join(', ')
    const bound = (operator: string, stored: FusedPage['cursor']): Sql => {
      const { sql, values } = joinSql(boundKey(stored, key.length), ', ')
      return { sql: `(${names}) ${operator} (${sql})`, values }
    }
    return joinSql(after === null ? [bound('<=', cursor)] : [bound('>', after), bound('<=', cursor)], ' AND ')
  }

  /** Called by SQLite, for each column that is set. */
  #valueOf(place: number, values: readonly unknown[]): SqliteValue {
    const { key, sets } = this.options.plan
    const isSame =
      sets.length > 1 && this.#lastKey.length > 0 && key.every((_, i) => Object.is(values[i], this.#lastKey[i]))
    if (!isSame) {
      this.#lastValues = this.#compute(values)
      this.#lastKey = values
    }
    return this.#lastValues[place] as SqliteValue
  }

  #compute(values: readonly unknown[]): SqliteValue[] {
    const { reads, set, plan, fusion } = this.options
    const row: Row = {}
    for (let i = 0; i < reads.length; i++) {
      const { name, isAny } = reads[i] as FusedRead
      row[name] = readValue(values[i], isAny)
    }
    let result: unknown
    try {
      result = set(row, this.#context as TransformContext)
    } catch {
      // It is called again in a step, where its error is told.
      throw new FusionMissed()
    }
    if (typeof result !== 'object' || result === null || isPromise(result)) return this.#giveUp(fusion)
    let count = 0
    for (const _ in result) count++
    if (count !== plan.sets.length) return this.#giveUp(fusion)
    return plan.sets.map((column) => {
      const value = (result as Row)[column.name]
      if (value === undefined) return this.#giveUp(fusion)
      try {
        return storeValue(value, column)
      } catch {
        throw new FusionMissed()
      }
    })
  }

  #giveUp(fusion: Fusion): never {
    fusion.giveUp()
    throw new FusionMissed()
  }
}

/** As the source reads it. @throws `FusionMissed` for what has to be read with more care */
function readValue(value: unknown, isAny: boolean): unknown {
  switch (typeof value) {
    case 'string':
      // Either the character itself, or what stands for bytes that are no UTF-8.
      if (value.includes('\ufffd')) throw new FusionMissed()
      return value
    case 'number':
      // It may have been an INTEGER that was rounded.
      if (value > Number.MAX_SAFE_INTEGER || value < Number.MIN_SAFE_INTEGER) throw new FusionMissed()
      return value
    case 'bigint':
      return !isAny && Number.isSafeInteger(Number(value)) ? Number(value) : value
    default:
      return value instanceof Uint8Array ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength) : value
  }
}
