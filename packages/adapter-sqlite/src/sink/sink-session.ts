import type {
  Claim,
  CommitBatch,
  ExactSession,
  FidelityIssue,
  Operation,
  Outcome,
  Page,
  Position,
  RecordSchema,
  Row,
  Source,
} from '@drover/core'
import { DroverError } from '@drover/core'
import type { SqliteConnection } from '../connection/sqlite-connection.js'
import { isPromise } from '../connection/wait-while-busy.js'
import { readTable } from '../schema/read-table.js'
import type { Table } from '../schema/table.js'
import { sqliteSource } from '../source/sqlite-source.js'
import { Positions, transactionOf } from '../state/positions.js'
import { ensureStateTables, type StateTables, stateTables } from '../state/state-tables.js'
import { Breather } from '../writer/breather.js'
import { openWriter, type WriterLocation } from '../writer/open-writer.js'
import { writeTransaction } from '../writer/write-turn.js'
import type { OnConflict } from './conflict.js'
import { DeferredKeys } from './deferred-keys.js'
import { fidelityIssues } from './fidelity.js'
import { hasInsertingTrigger, InsertCounter } from './insert-counter.js'
import { PageWriter } from './page-writer.js'
import type { RowWriter } from './row-writer.js'
import { Shapes } from './shapes.js'
import { SingleRowWriter } from './single-row-writer.js'
import type { SqliteSinkOptions } from './sqlite-sink.js'
import { type TargetTable, targetTable } from './target-table.js'

export interface SinkSessionOptions extends Omit<SqliteSinkOptions, 'key' | 'onConflict'> {
  readonly location: WriterLocation
  readonly key: readonly string[] | undefined
  readonly onConflict: OnConflict
}

export async function connectSink<R extends object>(options: SinkSessionOptions): Promise<ExactSession<R>> {
  const connection = await openWriter(options.location)
  try {
    const foreignKeys = options.foreignKeys ?? (options.knex === undefined ? true : undefined)
    if (foreignKeys !== undefined && connection.path !== null) {
      await connection.exec(`PRAGMA foreign_keys = ${foreignKeys ? 'ON' : 'OFF'}`)
    }
    const table = await readTable(connection, options.table)
    return new SqliteSinkSession(connection, table, options) as ExactSession<object> as ExactSession<R>
  } catch (error) {
    await connection[Symbol.asyncDispose]()
    throw error
  }
}

/** A table that is ready to be written to. */
interface Prepared {
  readonly target: TargetTable
  readonly writer: RowWriter
  /** Null if the policy never updates, or the writer looks keys up. */
  readonly counter: InsertCounter | null
  readonly deferred: DeferredKeys
}

class SqliteSinkSession implements ExactSession<Row> {
  readonly #tables: StateTables
  readonly #positions: Positions
  readonly #claims = new Map<string, Claim>()
  readonly #where: string
  #hasTables: Promise<void> | undefined
  #prepared: Promise<Prepared> | undefined
  #closed: Promise<void> | undefined

  constructor(
    private readonly connection: SqliteConnection,
    private readonly table: Table | null,
    private readonly options: SinkSessionOptions,
  ) {
    this.#tables = stateTables(options.tablePrefix)
    this.#positions = new Positions(this.#tables)
    this.#where = `"${options.table}" of "${connection.name}"`
  }

  check(schema: RecordSchema): readonly FidelityIssue[] {
    return this.table === null ? [] : fidelityIssues(schema, this.table, this.options.coerce ?? [])
  }

  async prepare(schema: RecordSchema): Promise<void> {
    await this.#ready(schema)
  }

  async claim(claim: Claim): Promise<Position | null> {
    this.#hasTables ??= ensureStateTables(this.connection, this.#tables).catch((error: unknown) => {
      this.#hasTables = undefined
      throw error
    })
    await this.#hasTables
    const position = await writeTransaction(this.connection, () =>
      this.#positions.claim(transactionOf(this.connection), claim),
    )
    this.#claims.set(claim.partition.id, claim)
    return position
  }

  async write(
    batch: CommitBatch<Row>,
    { mode, signal }: Operation & { readonly mode: 'commit' | 'probe' },
  ): Promise<void> {
    const pages: Page<Row>[] = []
    // All of the batch is there before the database is locked: reading and transforming may take their time.
    for await (const page of batch) pages.push(page)
    signal.throwIfAborted()
    const claim = this.#claims.get(batch.partition.id)
    if (claim === undefined) {
      const id = batch.partition.id
      throw new DroverError(
        'CONTRACT_BROKEN',
        `${this.#where}: partition "${id}" is written to without having been claimed.`,
      )
    }
    const prepared = hasRows(pages) ? await this.#ready(null) : null
    const tx = transactionOf(this.connection)
    await writeTransaction(
      this.connection,
      async () => {
        // Who was overtaken is told so, not that his rows are there already.
        await this.#positions.check(tx, claim, batch.sequence)
        if (mode === 'probe') return prepared === null ? undefined : this.#probe(prepared, pages, signal)
        const outcome = prepared === null ? nothing : await this.#rows(prepared, pages, signal)
        await this.#positions.commit(tx, await batch.commit(outcome))
      },
      { end: mode === 'probe' ? 'rollback' : 'commit' },
    )
  }

  readBack(): Source {
    const { location, table, key } = this.options
    const { synchronous: _, ...where } = location
    return sqliteSource({ ...where, table, ...(key === undefined ? {} : { key }) })
  }

  async finish(outcome: 'completed' | 'stopped' | 'failed'): Promise<void> {
    // With synchronous = normal a commit may wait for the disk; who is told that a run has completed need not.
    if (outcome === 'completed' && this.connection.path !== null)
      await this.connection.exec('PRAGMA wal_checkpoint(PASSIVE)')
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #probe(prepared: Prepared, pages: readonly Page<Row>[], signal: AbortSignal): Promise<void> {
    const before = await prepared.deferred.broken()
    await this.#rows(prepared, pages, signal)
    if ((await prepared.deferred.broken()) === before) return
    throw new DroverError(
      'RECORD_REFUSED',
      `${this.#where}: a row of the batch breaks a deferred foreign key: what it points to is not there, or a row that pointed to it is left behind.`,
    )
  }

  async #rows({ writer, counter }: Prepared, pages: readonly Page<Row>[], signal: AbortSignal): Promise<Outcome> {
    const breather = new Breather()
    const countBefore = await counter?.count()
    let rows = 0
    let changed = 0
    let inserted = 0
    for (const page of pages) {
      const answer = writer.write(page.rows(), rows)
      const written = isPromise(answer) ? await answer : answer
      rows += page.rows().length
      changed += written.changed
      inserted += written.inserted
      await breather.breathe()
      signal.throwIfAborted()
    }
    if (counter !== null) inserted = (await counter.count()) - (countBefore ?? 0)
    return { inserted, updated: changed - inserted, skipped: rows - changed }
  }

  /** Prepares the table once; without having been told of a schema it must be there. */
  #ready(schema: RecordSchema | null): Promise<Prepared> {
    this.#prepared ??= this.#prepare(schema).catch((error: unknown) => {
      this.#prepared = undefined
      throw error
    })
    return this.#prepared
  }

  async #prepare(schema: RecordSchema | null): Promise<Prepared> {
    const { connection } = this
    const { createTable = true } = this.options
    const target = await targetTable(connection, { ...this.options, createTable, where: this.#where }, schema)
    const { table, policy } = target
    const updates = policy.kind === 'update' || policy.kind === 'merge'
    const looksUp = updates && (await hasInsertingTrigger(connection, table.name))
    const shapes = new Shapes(table.columns, table.name)
    const options = { connection, table: table.name, shapes, policy, looksUp, where: this.#where }
    const { native } = connection
    return {
      target,
      writer: native.driver === 'better-sqlite3' ? new SingleRowWriter(options, native) : new PageWriter(options),
      counter: updates && !looksUp ? await InsertCounter.on(connection, table.name) : null,
      deferred: await DeferredKeys.of(connection, table.name),
    }
  }

  async #close(): Promise<void> {
    try {
      const prepared = await this.#prepared
      if (this.connection.path === null) await prepared?.counter?.remove()
    } finally {
      await this.connection[Symbol.asyncDispose]()
    }
  }
}

const nothing: Outcome = { inserted: 0, updated: 0, skipped: 0 }

/** Without decoding pages whose records can be copied as they are. */
function hasRows(pages: readonly Page<Row>[]): boolean {
  return pages.some((page) => page.count > 0 && page.rows().length > 0)
}
