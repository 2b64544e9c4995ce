import {
  type Claim,
  type CommitBatch,
  DroverError,
  type ExactSession,
  type FidelityIssue,
  type Operation,
  type Outcome,
  type Page,
  type Partition,
  type Position,
  type RecordSchema,
  type Row,
  type SinkAccount,
  type Source,
  type StoreWait,
} from '@drover/core'
import type { PostgresDatabase } from '../connection/open-postgres.js'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import { storeWaits } from '../connection/store-waits.js'
import { rehearse } from '../rehearsal/rehearse.js'
import { Positions } from '../state/positions.js'
import { withMissingRights } from '../state/state-rights.js'
import { ensureStateTables, type StateTables } from '../state/state-tables.js'
import { writerMark } from '../state/writers.js'
import type { BatchTarget } from './batch-target.js'
import { LockWatch } from './lock-watch.js'
import { rowWithoutReference } from './missing-reference.js'

/**
 * Writes batches exactly once: rows, position and fence are one transaction, which is open while the pages of the batch come.
 * Each batch has a connection for itself, so partitions are written side by side.
 */
export class ExactWriter implements ExactSession<Row> {
  readonly #positions: Positions
  readonly #claims = new Map<string, Claim>()
  readonly readBack?: () => Source
  readonly rehearse?: NonNullable<ExactSession['rehearse']>
  /** Rows are encoded as they come, and on their way to the server. */
  readonly takesPagesOnce = true
  #hasTables: Promise<void> | undefined
  #hasBegun = false

  constructor(
    private readonly database: PostgresDatabase,
    private readonly tables: StateTables,
    private readonly target: BatchTarget,
    private readonly lockTimeoutMs: number | undefined,
  ) {
    this.#positions = new Positions(tables)
    const { readBack } = target
    if (readBack !== undefined) this.readBack = () => readBack.call(target)
    const rehearsal = target.rehearsal?.bind(target)
    if (rehearsal !== undefined) {
      const { where } = target
      this.rehearse = (schema, pages, operation) =>
        this.#allowed(operation, () => rehearse({ database, tables, where, rehearsal }, schema, pages, operation))
    }
  }

  check(schema: RecordSchema): readonly FidelityIssue[] {
    return this.target.check?.(schema) ?? []
  }

  account(): SinkAccount | undefined {
    return this.target.account
  }

  get forms(): readonly string[] | undefined {
    return this.target.forms
  }

  takes(page: Page): boolean {
    return this.target.takes?.(page) === true
  }

  prepare(schema: RecordSchema, operation: Operation): Promise<void> {
    return this.#allowed(operation, () => this.target.prepare(schema, operation))
  }

  async claim(claim: Claim, operation: Operation): Promise<Position | null> {
    return this.#allowed(operation, () => this.#claim(claim, operation))
  }

  /** What fails for want of a right on Drover's own tables says which. */
  async #allowed<T>(operation: Operation, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw await withMissingRights(this.database, this.tables, error, operation)
    }
  }

  async #claim(claim: Claim, { signal }: Operation): Promise<Position | null> {
    await using connection = await this.database.connect({ signal })
    this.#hasTables ??= this.#makeTables(connection, claim).catch((error: unknown) => {
      this.#hasTables = undefined
      throw error
    })
    await this.#hasTables
    const position = await this.#positions.claim(connection, claim)
    this.#claims.set(claim.partition.id, claim)
    return position
  }

  async #makeTables(connection: PostgresConnection, claim: Claim): Promise<void> {
    await ensureStateTables(connection, this.tables)
    await this.#positions.prune(connection, claim)
  }

  async write(
    batch: CommitBatch<Row>,
    { mode, signal }: Operation & { readonly mode: 'commit' | 'probe' },
  ): Promise<void> {
    const claim = this.#claimOf(batch)
    using watch = new LockWatch(this.lockTimeoutMs, (operation) => this.waitsFor(batch.partition, operation), {
      signal,
    })
    const pages = await this.#allowed({ signal }, () => this.#begun(batch, { signal }))
    const probed: Page<Row>[] = []
    try {
      await using connection = await this.database.connect({ signal })
      connection.isOfBatch = true
      await connection.begin()
      // Who was overtaken is told so, not that his rows are there already.
      await this.#positions.enter(connection, claim, batch.sequence)
      const outcome = await this.#pull(mode === 'probe' ? kept(pages, probed) : pages, connection, { signal, mode })
      if (mode === 'probe') return await this.#probe(connection)
      await this.#positions.commitWith(connection, await batch.commit(outcome))
    } catch (error) {
      // An heir ends the connections of those he overtook.
      if (DroverError.isInstance(error, 'STORE_UNAVAILABLE')) await this.#checkFence(claim, { signal })
      throw watch.named(withRow((await this.target.mend?.(error, { signal })) ?? error, probed))
    }
  }

  async waitsFor(partition: Partition, operation: Operation): Promise<readonly StoreWait[]> {
    const claim = this.#claims.get(partition.id)
    return claim === undefined ? [] : storeWaits(this.database, writerMark(claim), operation)
  }

  async finish(outcome: 'completed' | 'stopped' | 'failed', operation: Operation): Promise<void> {
    await this.target.finish?.(outcome, operation)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.database[Symbol.asyncDispose]()
  }

  async #pull(
    pages: AsyncIterable<Page<Row>>,
    connection: PostgresConnection,
    { mode, ...operation }: Operation & { readonly mode: 'commit' | 'probe' },
  ): Promise<Outcome> {
    const writer = this.target.begin(connection, operation, mode)
    try {
      for await (const page of pages) {
        operation.signal.throwIfAborted()
        if (page.count > 0) await writer.write(page)
      }
      operation.signal.throwIfAborted()
      return await writer.end()
    } catch (error) {
      await writer.abandon()
      throw error
    }
  }

  /**
   * The batch once it has rows, and before it has a transaction: so that none idles while a slow source or step makes the first page.
   * Then, too, the target does what needs a transaction of its own, and the table to itself.
   */
  async #begun(batch: CommitBatch<Row>, operation: Operation): Promise<AsyncIterable<Page<Row>>> {
    const { target } = this
    const pages = batch[Symbol.asyncIterator]()
    const held: Page<Row>[] = []
    for (;;) {
      const { done, value } = await pages.next()
      if (done === true) break
      held.push(value)
      if (value.count === 0) continue
      if (!this.#hasBegun) await target.beforeRows?.(operation)
      this.#hasBegun = true
      break
    }
    return withFirst(held, pages)
  }

  /** Leaves nothing: disposing of the connection rolls back. */
  async #probe(connection: PostgresConnection): Promise<void> {
    await connection.exec('SET CONSTRAINTS ALL IMMEDIATE', {
      doing: `checking deferred constraints of ${this.target.where}`,
    })
  }

  async #checkFence(claim: Claim, operation: Operation): Promise<void> {
    try {
      await using connection = await this.database.connect(operation)
      await this.#positions.check(connection, claim)
    } catch (error) {
      // A server that cannot be asked has no news; that it broke off is known.
      if (DroverError.isInstance(error, 'FENCED')) throw error
    }
  }

  #claimOf({ partition }: CommitBatch<Row>): Claim {
    const claim = this.#claims.get(partition.id)
    if (claim !== undefined) return claim
    throw new DroverError(
      'CONTRACT_BROKEN',
      `${this.target.where}: partition "${partition.id}" is written to without having been claimed.`,
    )
  }
}

/** A probe is of pages that somebody holds anyway; where a batch is written they may have forgotten their rows by now. */
async function* kept(pages: AsyncIterable<Page<Row>>, into: Page<Row>[]): AsyncGenerator<Page<Row>, void, undefined> {
  for await (const page of pages) {
    into.push(page)
    yield page
  }
}

/** The engine tries the row that is named by itself before it believes it. */
function withRow(error: unknown, probed: readonly Page<Row>[]): unknown {
  const row = rowWithoutReference(error, probed)
  if (row === undefined || !DroverError.isInstance(error)) return error
  return new DroverError(error.code, error.message, { row, cause: error.cause })
}

async function* withFirst<T>(first: readonly T[], rest: AsyncIterator<T>): AsyncGenerator<T, void, undefined> {
  try {
    yield* first
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value
  } finally {
    await rest.return?.()
  }
}
