import {
  compileFilter,
  DroverError,
  type KeptRecord,
  type Operation,
  type Outcome,
  type Page,
  type Row,
  type RowComparison,
  rowComparison,
  type Sink,
  type SinkAccount,
} from '@drover/core'
import type { UpdateSelection } from '../backfill/resolve-plan.js'
import { columnSql, conditions, places, unnested } from '../backfill/update-plan.js'
import type { PostgresDatabase } from '../connection/open-postgres.js'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import { schemaOf } from '../schema/table.js'
import type { BatchTarget, BatchWriter } from '../sink/batch-target.js'
import { keyJson } from '../wire/key-json.js'
import type { ArchivePlan } from './archive-plan.js'
import { refersSql } from './dependents.js'
import { openDestination } from './destination.js'
import { keyArrays } from './key-arrays.js'
import { LockedRows } from './locked-rows.js'
import { Removal, RemovalAccount } from './removal.js'

export interface RemoveTargetOptions {
  readonly database: PostgresDatabase
  readonly plan: ArchivePlan
  readonly where: UpdateSelection['where']
  readonly json: 'value' | 'text'
  readonly to: Sink<Row>
  /** How many rows the run that copies has copied. */
  readonly copied: (operation: Operation) => Promise<number | undefined>
}

/** What is decided of one row of the table. */
interface Compared {
  readonly equal: readonly Row[]
  /** Places in the batch of the equal ones. */
  readonly places: readonly number[]
}

/**
 * Deletes rows of a table that are what its records say, which come from the destination: each row is locked, read and compared, and
 * deleted in the same transaction.
 */
export class RemoveTarget implements BatchTarget {
  readonly where: string
  readonly #account = new RemovalAccount()
  readonly #locked: LockedRows
  readonly #isAsked: (row: Row) => boolean
  #comparison: Promise<RowComparison> | undefined
  #last: Removal | undefined

  constructor(private readonly options: RemoveTargetOptions) {
    const { plan, json, where } = options
    this.where = plan.where
    this.#locked = new LockedRows(plan, json)
    this.#isAsked = typeof where === 'object' && plan.seen.length > 0 ? compileFilter(where) : () => true
  }

  get account(): SinkAccount {
    return this.#account.account
  }

  async prepare(): Promise<void> {}

  begin(connection: PostgresConnection, operation: Operation): BatchWriter {
    const removal = new Removal()
    this.#last = removal
    return new RemoveWriter({
      connection,
      plan: this.options.plan,
      locked: this.#locked,
      isAsked: this.#isAsked,
      comparison: () => this.#compare(operation),
      removal,
    })
  }

  /** The batch that was begun last is durable. */
  settle(): void {
    if (this.#last !== undefined) this.#account.add(this.#last)
    this.#last = undefined
  }

  async finish(outcome: 'completed' | 'stopped' | 'failed', operation: Operation): Promise<void> {
    if (outcome === 'failed') return
    this.#account.copied = await this.options.copied(operation)
    if (outcome === 'completed' && this.options.plan.seen.length === 0) await this.#lookAtTheRest(operation)
  }

  #compare(operation: Operation): Promise<RowComparison> {
    this.#comparison ??= this.#comparisonWith(operation).catch((error: unknown) => {
      this.#comparison = undefined
      throw error
    })
    return this.#comparison
  }

  async #comparisonWith({ signal }: Operation): Promise<RowComparison> {
    const { plan, to } = this.options
    const key = plan.key.map(({ name }) => name)
    await using destination = await openDestination(to, { signal })
    const there = await destination.session.describe({ signal })
    return rowComparison(key, [schemaOf(plan.source.columns, key), there])
  }

  /** Rows that match and are still there: they were refused, or locked, or came to match when all had been copied. */
  async #lookAtTheRest({ signal }: Operation): Promise<void> {
    const { database, plan } = this.options
    const operation = { signal, doing: `counting the rows that ${plan.where} still has` }
    const columns = plan.key.map((column, i) => `${columnSql(plan.table, column)} AS k${i}`)
    const order = plan.key.map((column) => columnSql(plan.table, column)).join(', ')
    const from = `FROM ${plan.table.sql} WHERE ${plan.predicate}`
    const { rows } = await database.query<Row>(
      `SELECT ${columns.join(', ')} ${from} ORDER BY ${order} LIMIT 41`,
      [],
      operation,
    )
    const { rows: counted } =
      rows.length <= 40
        ? { rows: [{ left: rows.length }] }
        : await database.query<{ left: number }>(`SELECT count(*) AS left ${from}`, [], operation)
    this.#account.left = counted[0]?.left ?? 0
    const kept = rows.map(
      (row): KeptRecord => ({
        key: Object.values(row).map(keyJson),
        reason: 'is not in the destination: it came to match after the copy, or was changed or locked then',
      }),
    )
    this.#account.keep(kept)
  }
}

interface RemoveWriting {
  readonly connection: PostgresConnection
  readonly plan: ArchivePlan
  readonly locked: LockedRows
  readonly isAsked: (row: Row) => boolean
  readonly comparison: () => Promise<RowComparison>
  readonly removal: Removal
}

class RemoveWriter implements BatchWriter {
  #rows = 0

  constructor(private readonly writing: RemoveWriting) {}

  async write(page: Page<Row>): Promise<void> {
    const arrived = page.rows()
    if (arrived.length === 0) return
    const compared = await this.#compare(arrived)
    if (compared.equal.length > 0) await this.#delete(compared)
    this.#rows += arrived.length
  }

  async end(): Promise<Outcome> {
    const { deleted } = this.writing.removal
    return { inserted: deleted, updated: 0, skipped: this.#rows - deleted }
  }

  async abandon(): Promise<void> {}

  /** A file may hold a key twice, where a row was changed and copied again: it is in there if one of them is the row. */
  async #compare(arrived: readonly Row[]): Promise<Compared> {
    const { connection, locked, isAsked, removal } = this.writing
    const comparison = await this.writing.comparison()
    const byKey = new Map<string, number[]>()
    for (const [i, row] of arrived.entries()) {
      const key = comparison.keyOf(row)
      const known = byKey.get(key)
      if (known === undefined) byKey.set(key, [i])
      else known.push(i)
    }
    const distinct = Array.from(byKey.values(), ([first]) => arrived[first as number] as Row)
    const pages = await locked.read(connection, distinct)
    const equal: Row[] = []
    const places: number[] = []
    let found = 0
    for (const row of pages.flatMap((page) => page.rows())) {
      if (!isAsked(row)) continue
      found++
      const candidates = byKey.get(comparison.keyOf(row)) ?? []
      const differing = candidates.map((i) => comparison.differing(row, arrived[i] as Row))
      const at = differing.findIndex((fields) => fields.length === 0)
      if (at >= 0) {
        equal.push(row)
        places.push(this.#rows + (candidates[at] as number))
        continue
      }
      removal.different++
      const [fields = []] = differing
      removal.kept.push({
        key: comparison.keyValues(row),
        reason: `is another one in the destination: ${fields.map((field) => `"${field}"`).join(', ')} differ`,
      })
    }
    removal.gone += distinct.length - found
    removal.verified += equal.length
    return { equal, places }
  }

  async #delete({ equal, places: placesInBatch }: Compared): Promise<void> {
    const { connection, plan, removal } = this.writing
    const { key, table, where } = plan
    const arrays = keyArrays(key, equal)
    const isRow = conditions({ ...plan, seen: [], isOrdered: false, predicate: 'true' }, key, 'drover_u')
    for (const dependent of plan.dependents) {
      const records = `${unnested(key)} WITH ORDINALITY AS drover_u (${places(key)}, drover_at)`
      const { rows } = await connection.query<{ place: number }>(
        `SELECT drover_at AS place FROM ${table.sql} JOIN ${records} ON ${isRow} WHERE ${refersSql(dependent, table)} ORDER BY drover_at LIMIT 1`,
        arrays,
        { doing: `looking for rows that refer to rows of ${where}` },
      )
      const [found] = rows
      if (found === undefined) continue
      const row = equal[found.place - 1] as Row
      const shown = key.map(({ name }) => JSON.stringify(keyJson(row[name]))).join(', ')
      throw new DroverError(
        'RECORD_REFUSED',
        `${where}: the row with the key (${shown}) stays, because rows of ${dependent.table} refer to it by (${dependent.columns.join(', ')}) and would be deleted or changed with it. Archive those first.`,
        { row: placesInBatch[found.place - 1] as number },
      )
    }
    const { count } = await connection.query(
      `DELETE FROM ${table.sql} USING ${unnested(key)} AS drover_u (${places(key)}) WHERE ${isRow}`,
      arrays,
      { doing: `deleting rows of ${where} that were archived` },
    )
    removal.deleted += count
  }
}
