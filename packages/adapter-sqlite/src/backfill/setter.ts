import { DroverError, type MaybePromise, type Row, type TransformContext } from '@drover/core'
import { quoteName } from '../connection/quote-name.js'
import type { SqliteConnection } from '../connection/sqlite-connection.js'
import { isPromise } from '../connection/wait-while-busy.js'
import { type BackfillReads, canFuse, isList } from './backfill-source.js'
import { FusedRow } from './fused-page.js'
import { type FusedRead, FusedUpdater } from './fused-updater.js'
import { Fusion } from './fusion.js'
import type { Computed, UpdatePlan } from './update-plan.js'
import type { UpdateRecords } from './update-target.js'

/** A backfill's `set`: called for each row in a step, or by SQLite where the row is updated. */
export class Setter {
  readonly fusion: Fusion | null
  readonly #names: ReadonlySet<string>
  /** Names that SQL computes: their integers are numbers where numbers can be them. */
  readonly #computed: readonly string[]

  constructor(
    private readonly where: string,
    private readonly set: (row: Row, context: TransformContext) => unknown,
    private readonly sets: readonly string[],
    private readonly reads: BackfillReads,
  ) {
    this.fusion = set.constructor.name === 'AsyncFunction' ? null : new Fusion()
    this.#names = new Set(sets)
    this.#computed = isList(reads) ? [] : Object.keys(reads)
  }

  /** The step in the flow. A row that nobody has read goes on to the sink. */
  step(row: Row, context: TransformContext): MaybePromise<Computed> {
    const unread: object = row
    if (unread instanceof FusedRow) {
      unread.page.context = context
      return unread as object as Computed
    }
    const result = this.#call(row, context)
    if (!isPromise(result)) return this.#checked(row, result)
    this.fusion?.giveUp()
    return result.then((late) => this.#checked(row, late))
  }

  /** For the sink. */
  recordsFor(plan: UpdatePlan, connection: SqliteConnection): UpdateRecords {
    const { native } = connection
    const { fusion } = this
    if (fusion === null || native.driver !== 'better-sqlite3' || !canFuse(connection, plan)) {
      return { toComputed: null, fused: null }
    }
    const { set, reads } = this
    const columns = [...plan.key, ...plan.reads].map(
      ({ name, type }): FusedRead => ({ name, sql: quoteName(name), isAny: type.kind === 'any' }),
    )
    const expressions = isList(reads) ? [] : Object.entries(reads)
    return {
      toComputed: null,
      fused: new FusedUpdater({
        database: native.database,
        plan,
        reads: [...columns, ...expressions.map(([name, sql]) => ({ name, sql: `(${sql})`, isAny: false }))],
        set,
        fusion,
        where: `"${plan.table}" of "${connection.name}"`,
      }),
    }
  }

  #call(row: Row, context: TransformContext): unknown {
    for (const name of this.#computed) {
      const value = row[name]
      if (typeof value === 'bigint' && Number.isSafeInteger(Number(value))) row[name] = Number(value)
    }
    return this.set(row, context)
  }

  /** Nothing to be set is nothing to be done. @throws `TRANSFORM_INVALID_RESULT` */
  #checked(row: Row, result: unknown): Computed {
    if (result === null) {
      this.fusion?.giveUp()
      return { row, set: {} }
    }
    if (typeof result !== 'object' || Array.isArray(result))
      throw this.#invalid('neither an object of columns nor null')
    let count = 0
    for (const name in result) {
      if (!this.#names.has(name))
        throw this.#invalid(`"${name}", which is not among its sets (${this.sets.join(', ')})`)
      if ((result as Row)[name] !== undefined) count++
    }
    if (count === this.sets.length) this.fusion?.fits()
    else this.fusion?.giveUp()
    return { row, set: result as Row }
  }

  #invalid(what: string): DroverError {
    return new DroverError('TRANSFORM_INVALID_RESULT', `${this.where}: set gave ${what}.`)
  }
}
