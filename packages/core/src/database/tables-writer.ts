import type { DatabaseSession, DatabaseTable, TableWriting } from '../contracts/database.js'
import type { Page } from '../contracts/page.js'
import type { Claim, Partition, Position } from '../contracts/position.js'
import type { RecordSchema } from '../contracts/schema.js'
import type { CommitBatch, ExactSession, Rehearsal, SinkOperation } from '../contracts/sink.js'
import type { StoreWait } from '../contracts/stall.js'
import type { Operation, Row } from '../contracts/values.js'
import { closeAll } from '../engine/closing.js'
import { DroverError } from '../errors/drover-error.js'
import { tableOfPage } from './tables-source.js'

export interface TablesWriterOptions {
  readonly session: DatabaseSession
  readonly tables: readonly DatabaseTable[]
  /** Those of them that are not there yet. */
  readonly missing: readonly string[]
  readonly writing: TableWriting
  /** What the sink was connected with. */
  readonly operation: SinkOperation
}

/** Writes each partition into the table that it is named after. A table is open from its claim until its last batch. */
export class TablesWriter implements ExactSession<Row> {
  readonly #open = new Map<string, ExactSession<Row>>()
  #closed: Promise<void> | undefined

  constructor(private readonly options: TablesWriterOptions) {}

  get forms(): readonly string[] | undefined {
    const forms = [...this.#open.values()].flatMap((session) => session.forms ?? [])
    return forms.length === 0 ? undefined : [...new Set(forms)]
  }

  get takesPagesOnce(): boolean {
    return this.#open.size > 0 && [...this.#open.values()].every((session) => session.takesPagesOnce === true)
  }

  takes(page: Page): boolean {
    return this.#open.get(tableOfPage(page) ?? '')?.takes?.(page) === true
  }

  heldBytes(): number {
    return [...this.#open.values()].reduce((bytes, session) => bytes + (session.heldBytes?.() ?? 0), 0)
  }

  async prepare(_: RecordSchema, { signal }: Operation): Promise<void> {
    const { session, tables, writing } = this.options
    await session.prepare(tables, { signal, ...writing })
  }

  /** The rows of one table may need those of another one: a sample of each says nothing of whether they can be written. */
  async rehearse(): Promise<Rehearsal> {
    return {
      creates: this.options.missing.map((name) => `table "${name}"`),
      rows: 0,
      durationMs: 0,
      notWritten: 'of a whole database no sample is written',
    }
  }

  async claim(claim: Claim, operation: Operation): Promise<Position | null> {
    const { id, bounds } = claim.partition
    if (bounds !== null)
      throw new DroverError(
        'OPTION_INVALID',
        'The dead letters of a copied database are of several tables, which a replay cannot tell apart. Send those of one table through a pipeline of its own, with deadLetterSource(folder, { partition: table }).',
      )
    const open = this.#open.get(id)
    // Claimed once more, to find out what became of a commit.
    if (open !== undefined) return open.claim(claim, operation)
    const table = this.#table(id)
    const { session, writing, operation: connected } = this.options
    const opened = await session.sink(table, writing).connect({ ...connected, ...operation })
    this.#open.set(id, opened)
    try {
      const position = await opened.claim(claim, operation)
      if (position?.done === true) await this.#drop(id)
      else await opened.prepare?.(table.schema, operation)
      return position
    } catch (error) {
      await this.#drop(id)
      throw error
    }
  }

  async write(batch: CommitBatch<Row>, options: Operation & { readonly mode: 'commit' | 'probe' }): Promise<void> {
    const { id } = batch.partition
    const session = this.#open.get(id)
    if (session === undefined)
      throw new DroverError('CONTRACT_BROKEN', `The table "${id}" is written to without having been claimed.`)
    let isDone = false
    const watched: CommitBatch<Row> = {
      partition: batch.partition,
      sequence: batch.sequence,
      [Symbol.asyncIterator]: () => batch[Symbol.asyncIterator](),
      commit: async (outcome) => {
        const commit = await batch.commit(outcome)
        isDone = commit.done
        return commit
      },
    }
    await session.write(watched, options)
    if (!isDone) return
    await session.finish?.('completed', options)
    await this.#drop(id)
  }

  async waitsFor(partition: Partition, operation: Operation): Promise<readonly StoreWait[]> {
    return (await this.#open.get(partition.id)?.waitsFor?.(partition, operation)) ?? []
  }

  async finish(outcome: 'completed' | 'stopped' | 'failed', operation: Operation): Promise<void> {
    for (const session of this.#open.values()) await session.finish?.(outcome, operation)
    if (outcome !== 'completed') return
    const { session, tables, writing } = this.options
    await session.finish(tables, { ...operation, ...writing })
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= closeAll(
      [...this.#open.values(), this.options.session].map((one) => () => one[Symbol.asyncDispose]()),
      () => {},
    )
    return this.#closed
  }

  #table(name: string): DatabaseTable {
    const table = this.options.tables.find((one) => one.name === name)
    if (table !== undefined) return table
    throw new DroverError(
      'SOURCE_NOT_FOUND',
      `The table "${name}", which the run began with, is not in the source any more; put it back, or begin a new run with whenChanged: 'restart' and other patterns.`,
    )
  }

  async #drop(id: string): Promise<void> {
    const session = this.#open.get(id)
    this.#open.delete(id)
    await session?.[Symbol.asyncDispose]()
  }
}
