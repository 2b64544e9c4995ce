import {
  DroverError,
  type FidelityIssue,
  type Outcome,
  type Page,
  type RecordSchema,
  type Row,
  type Source,
} from '@drover/core'
import type { SqliteConnection } from '../connection/sqlite-connection.js'
import { isPromise } from '../connection/wait-while-busy.js'
import { readTable } from '../schema/read-table.js'
import { type Column, findColumn, type Table } from '../schema/table.js'
import { pageStale, SqliteRangePage } from '../source/range-page.js'
import { rangeForm } from '../source/sqlite-range.js'
import { sqliteSource } from '../source/sqlite-source.js'
import { type ImageShape, wholeRows } from '../undo/image-shape.js'
import { Breather } from '../writer/breather.js'
import type { BatchTarget } from './batch-target.js'
import type { ConflictPolicy } from './conflict.js'
import type { SinkSessionOptions } from './connect-sink.js'
import { DeferredKeys } from './deferred-keys.js'
import { fidelityIssues } from './fidelity.js'
import { hasInsertingTrigger, hasTriggerWithClause, InsertCounter } from './insert-counter.js'
import { PageWriter } from './page-writer.js'
import { RangeCopier } from './range-copier.js'
import { isRefusal } from './row-refused.js'
import type { RowWriter } from './row-writer.js'
import { Shapes } from './shapes.js'
import { SingleRowWriter } from './single-row-writer.js'
import { targetTable } from './target-table.js'

/** A table that is ready to be written to. */
interface Prepared {
  readonly writer: RowWriter
  /** Null if the policy never updates, or the writer looks keys up. */
  readonly counter: InsertCounter | null
  readonly deferred: DeferredKeys
  readonly table: Table
  readonly policy: ConflictPolicy
}

/** Inserts rows into a table, by its conflict policy. */
export class InsertTarget implements BatchTarget {
  readonly where: string
  readonly #breather = new Breather()
  #prepared: Promise<Prepared> | undefined
  /** Null if the policy leaves rows alone or updates them. */
  #copier: RangeCopier | null = null

  private constructor(
    private readonly connection: SqliteConnection,
    private readonly table: Table | null,
    private readonly options: SinkSessionOptions,
  ) {
    this.where = `"${options.table}" of "${connection.name}"`
  }

  static async of(connection: SqliteConnection, options: SinkSessionOptions): Promise<InsertTarget> {
    return new InsertTarget(connection, await readTable(connection, options.table), options)
  }

  /** Once the table is known. */
  get forms(): readonly string[] | undefined {
    return this.#copier?.isFit === true ? [rangeForm(this.connection.driver)] : undefined
  }

  check(schema: RecordSchema): readonly FidelityIssue[] {
    return this.table === null ? [] : fidelityIssues(schema, this.table, this.options.coerce ?? [])
  }

  async prepare(schema: RecordSchema): Promise<void> {
    await this.#ready(schema)
  }

  readBack(): Source {
    const { location, table, key } = this.options
    const { synchronous: _, ...where } = location
    return sqliteSource({ ...where, table, ...(key === undefined ? {} : { key }) })
  }

  async ready(pages: readonly Page<Row>[]): Promise<{ readonly isAttached: boolean }> {
    // A page of records that were all left out says nothing of what is to be prepared.
    let prepared = await this.#prepared
    for (const page of pages) {
      if (page instanceof SqliteRangePage) await this.#copier?.ready(page)
      else if (prepared === undefined && page.rows().length > 0) prepared = await this.#ready(null)
    }
    return { isAttached: this.#copier?.isAttached ?? false }
  }

  async write(pages: readonly Page<Row>[], signal: AbortSignal, isCareful: boolean): Promise<Outcome> {
    const prepared = await this.#prepared
    const countBefore = await prepared?.counter?.count()
    await prepared?.writer.begin()
    let rows = 0
    let changed = 0
    let inserted = 0
    const rest = async (): Promise<void> => {
      await this.#breather.breathe()
      signal.throwIfAborted()
    }
    for (const stretch of stretches(pages)) {
      if (stretch.ranges !== undefined) {
        const copied = await this.#copy(stretch.ranges, rest)
        rows += copied
        changed += copied
        inserted += copied
        continue
      }
      const { page } = stretch
      if (prepared === undefined || page.rows().length === 0) continue
      const answer = prepared.writer.write(page.rows(), rows, isCareful)
      const written = isPromise(answer) ? await answer : answer
      rows += page.rows().length
      changed += written.changed
      inserted += written.inserted
      await rest()
    }
    if (countBefore !== undefined) inserted = ((await prepared?.counter?.count()) ?? 0) - countBefore
    return { inserted, updated: changed - inserted, skipped: rows - changed }
  }

  /** Whole rows, so that the first image of a row is all that is needed. @throws `SINK_NOT_READY` if no key says which rows are which */
  async imageShape(): Promise<ImageShape | undefined> {
    const prepared = await this.#prepared
    if (prepared === undefined) return undefined
    const { table, policy } = prepared
    const key = policy.key.length > 0 ? policy.key : (this.options.key ?? [])
    return wholeRows(table, key, { where: this.where, hasNulls: policy.kind === 'error' })
  }

  /** A row that was refused without having been named is worth the search. */
  async isWorthCare(error: unknown): Promise<boolean> {
    return DroverError.isInstance(error, 'RECORD_REFUSED') && error.row === undefined
  }

  async brokenKeys(): Promise<number> {
    return (await (await this.#prepared)?.deferred.broken()) ?? 0
  }

  async close(): Promise<void> {
    const prepared = await this.#prepared
    await prepared?.writer.close()
    await this.#copier?.close()
    // The connection of a database in memory goes on without us.
    if (this.connection.path === null) await prepared?.counter?.remove()
  }

  /** Which row was refused only its values can tell. @throws `PAGE_STALE` */
  async #copy(pages: readonly SqliteRangePage[], rest: () => Promise<void>): Promise<number> {
    try {
      if (this.#copier === null) throw pageStale(this.options.table)
      return await this.#copier.copy(pages, rest)
    } catch (error) {
      throw isRefusal(error) ? pageStale(this.options.table) : error
    }
  }

  /** Prepares the table once; without a schema it must be there. */
  #ready(schema: RecordSchema | null): Promise<Prepared> {
    this.#prepared ??= this.#prepare(schema).catch((error: unknown) => {
      this.#prepared = undefined
      throw error
    })
    return this.#prepared
  }

  async #prepare(schema: RecordSchema | null): Promise<Prepared> {
    const { connection, where } = this
    const { createTable = true } = this.options
    const { table, policy } = await targetTable(connection, { ...this.options, createTable, where }, schema)
    const updates = policy.kind === 'update' || policy.kind === 'merge'
    const looksUp = updates && (await hasInsertingTrigger(connection, table.name))
    const keepsClauses = !policy.isOverruling && (await hasTriggerWithClause(connection, table.name))
    const shapes = new Shapes(columnsFor(table.columns, schema), table.name)
    const options = { connection, table: table.name, shapes, policy, looksUp, where }
    const { native } = connection
    this.#copier = policy.kind === 'error' && !keepsClauses ? new RangeCopier(connection, table) : null
    return {
      writer:
        native.driver === 'better-sqlite3'
          ? new SingleRowWriter(options, native)
          : await PageWriter.of(options, native.database),
      counter: updates && !looksUp ? await InsertCounter.on(connection, table.name) : null,
      deferred: await DeferredKeys.of(connection, table.name),
      table,
      policy,
    }
  }
}

/** SQLite has no type for JSON: only who writes it knows that a column of texts is to hold some. */
function columnsFor(columns: readonly Column[], schema: RecordSchema | null): readonly Column[] {
  const json = (schema?.fields ?? []).filter(({ type }) => type.kind === 'json').map(({ name }) => name)
  const found = new Set(json.map((name) => findColumn(columns, name)))
  return columns.map((column) =>
    found.has(column) && column.affinity === 'TEXT' ? { ...column, type: { kind: 'json' } } : column,
  )
}

/** Pages one by one, but ranges with those right behind them. */
function stretches(
  pages: readonly Page<Row>[],
): readonly ({ readonly page: Page<Row>; readonly ranges?: undefined } | { readonly ranges: SqliteRangePage[] })[] {
  const all: ({ readonly page: Page<Row>; readonly ranges?: undefined } | { readonly ranges: SqliteRangePage[] })[] = []
  for (const page of pages) {
    const last = all.at(-1)?.ranges
    if (!(page instanceof SqliteRangePage)) all.push({ page })
    else if (last === undefined) all.push({ ranges: [page] })
    else last.push(page)
  }
  return all
}
