import {
  type Claim,
  type CommitBatch,
  DroverError,
  type ExactSession,
  type FidelityIssue,
  type Operation,
  type Outcome,
  type Page,
  type Position,
  type RecordSchema,
  type Row,
  type Source,
} from '@drover/core'
import type { SqliteConnection } from '../connection/sqlite-connection.js'
import { Positions, transactionOf } from '../state/positions.js'
import { ensureStateTables, type StateTables } from '../state/state-tables.js'
import { writeTransaction } from '../writer/write-turn.js'
import type { BatchTarget } from './batch-target.js'

const nothing: Outcome = { inserted: 0, updated: 0, skipped: 0 }

/** Writes batches exactly once: rows, position and fence are one transaction. */
export class ExactWriter implements ExactSession<Row> {
  readonly #positions: Positions
  readonly #claims = new Map<string, Claim>()
  readonly readBack?: () => Source
  #hasTables: Promise<void> | undefined
  #closed: Promise<void> | undefined

  constructor(
    private readonly connection: SqliteConnection,
    private readonly tables: StateTables,
    private readonly target: BatchTarget,
  ) {
    this.#positions = new Positions(tables)
    const { readBack } = target
    if (readBack !== undefined) this.readBack = () => readBack.call(target)
  }

  get forms(): readonly string[] | undefined {
    return this.target.forms
  }

  check(schema: RecordSchema): readonly FidelityIssue[] {
    return this.target.check?.(schema) ?? []
  }

  prepare(schema: RecordSchema): Promise<void> {
    return this.target.prepare(schema)
  }

  async claim(claim: Claim): Promise<Position | null> {
    this.#hasTables ??= ensureStateTables(this.connection, this.tables).catch((error: unknown) => {
      this.#hasTables = undefined
      throw error
    })
    await this.#hasTables
    const tx = transactionOf(this.connection)
    // Another database may be attached by now: it is none of a claim's business.
    const locks = this.tables.partitions
    const position = await writeTransaction(this.connection, () => this.#positions.claim(tx, claim), { locks })
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
    const claim = this.#claimOf(batch)
    const filled = pages.filter((page) => page.count > 0)
    const { isAttached } = filled.length > 0 ? await this.target.ready(filled) : { isAttached: false }
    let isCommitting = false
    const attempt = (isCareful: boolean): Promise<void> =>
      writeTransaction(
        this.connection,
        async () => {
          const tx = transactionOf(this.connection)
          // Who was overtaken is told so, not that his rows are there already.
          await this.#positions.check(tx, claim, batch.sequence)
          if (mode === 'probe') return this.#probe(filled, signal, isCareful)
          const outcome = filled.length > 0 ? await this.target.write(filled, signal, isCareful) : nothing
          isCommitting = true
          await this.#positions.commit(tx, await batch.commit(outcome))
        },
        {
          end: mode === 'probe' ? 'rollback' : 'commit',
          // BEGIN IMMEDIATE would lock the others too: https://www.sqlite.org/lang_transaction.html
          ...(isAttached && { locks: this.tables.partitions }),
        },
      )
    try {
      await attempt(false)
    } catch (error) {
      if (isCommitting || !(await this.target.isWorthCare(error, filled, signal))) throw error
      await attempt(true)
    }
  }

  async finish(outcome: 'completed' | 'stopped' | 'failed'): Promise<void> {
    // With synchronous = normal a commit does not wait for the disk; who is told that a run has completed should be sure.
    if (outcome !== 'completed' || this.connection.path === null) return
    await this.connection.exec('PRAGMA wal_checkpoint(PASSIVE)')
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #probe(pages: readonly Page<Row>[], signal: AbortSignal, isCareful: boolean): Promise<void> {
    if (pages.length === 0) return
    const before = await this.target.brokenKeys()
    await this.target.write(pages, signal, isCareful)
    if ((await this.target.brokenKeys()) === before) return
    throw new DroverError(
      'RECORD_REFUSED',
      `${this.target.where}: a row of the batch breaks a deferred foreign key: what it points to is not there, or a row that pointed to it is left behind.`,
    )
  }

  #claimOf({ partition }: CommitBatch<Row>): Claim {
    const claim = this.#claims.get(partition.id)
    if (claim !== undefined) return claim
    throw new DroverError(
      'CONTRACT_BROKEN',
      `${this.target.where}: partition "${partition.id}" is written to without having been claimed.`,
    )
  }

  async #close(): Promise<void> {
    try {
      await this.target.close()
    } finally {
      await this.connection[Symbol.asyncDispose]()
    }
  }
}
