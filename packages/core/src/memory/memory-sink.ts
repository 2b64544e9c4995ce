import type { Claim, Position } from '../contracts/position.js'
import type { CommitBatch, ExactSession, ExactSink, Outcome } from '../contracts/sink.js'
import type { Source } from '../contracts/source.js'
import type { Operation, Row } from '../contracts/values.js'
import { abortError } from '../engine/retry.js'
import { checkFlag, checkOptionNames, checkText, shown } from '../errors/check-options.js'
import { DroverError } from '../errors/drover-error.js'
import { keyText } from './key-values.js'
import { checkKey, memorySource } from './memory-source.js'
import { type KeyedRow, type MemoryStore, type MemoryTable, tableOf } from './memory-store.js'

/** What makes a memory sink refuse records, to see what a run makes of it. */
export interface RefusalOptions<R extends object> {
  /** Rows that the store will not take: the batch is refused as `RECORD_REFUSED`, and leaves nothing. @default none */
  readonly refuse?: (row: R) => boolean
  /** Whether a refusal says which row of the batch it was. Few stores do. @default true */
  readonly tellsRow?: boolean
}

/** Options of {@link memorySink}. */
export interface MemorySinkOptions<R extends object> extends RefusalOptions<R> {
  /** Names the sink in reports and in the run's fingerprint. @default 'memory' */
  readonly name?: string
  /** Where to write. @default a new store; the sink's `store` either way */
  readonly store?: MemoryStore<R>
  /** The field, or the fields in order, that identify a row. Without it every row is new. */
  readonly key?: (keyof R & string) | readonly (keyof R & string)[]
  /** What becomes of a row whose key is there already: the batch is refused, the row is left out, or replaces the old one. @default 'error' */
  readonly onConflict?: 'error' | 'skip' | 'update'
  /** Refuse at the very end, after the batch has given its position, as a deferred constraint does. @default false */
  readonly deferred?: boolean
}

/** An exact sink whose store can be looked into. */
export interface MemorySink<R extends object> extends ExactSink<R> {
  readonly store: MemoryStore<R>
}

/**
 * Writes exactly once into a store in memory: rows, position and fence change in one step, and the store outlives runs
 * and sessions as a database does. The run's own state is kept beside the rows, unless the pipeline names another store.
 *
 * @throws `OPTION_INVALID`; while writing `FENCED`, `RECORD_REFUSED` (a conflict, a row without its key, `refuse`), and
 * `STORE_BUSY` if two partitions write the same key at the same time.
 *
 * @example
 * const sink = memorySink<Person>({ key: 'id', onConflict: 'update' })
 * await runPipeline({ name: 'people', source, sink })
 * console.log(sink.store.rows)
 */
export function memorySink<R extends object = Row>(options: MemorySinkOptions<R> = {}): MemorySink<R> {
  checkOptionNames('memorySink', options, ['name', 'store', 'key', 'onConflict', 'refuse', 'tellsRow', 'deferred'])
  checkSinkOptions('memorySink', options)
  checkFlag('memorySink', 'deferred', options.deferred)
  const { onConflict } = options
  if (onConflict !== undefined && !['error', 'skip', 'update'].includes(onConflict)) {
    throw new DroverError(
      'OPTION_INVALID',
      `memorySink: onConflict is 'error', 'skip' or 'update', not ${shown(onConflict)}.`,
    )
  }
  const key = options.key === undefined ? null : checkKey('memorySink', options.key)
  if (key === null && onConflict !== undefined) {
    throw new DroverError('OPTION_INVALID', 'memorySink: onConflict needs key, the fields that identify a row.')
  }
  const table = tableOf('memorySink', options.store)
  table.identify('memorySink', key === null ? 'nothing' : key.join(', '))
  return {
    specVersion: 1,
    name: options.name ?? 'memory',
    guarantee: 'exactly-once',
    keyed: key !== null && onConflict !== undefined && onConflict !== 'error',
    store: table,
    stateStore: () => table.state,
    connect: async () => sessionOf(table, key, options),
  }
}

/** Checks what all memory sinks have in common. */
export function checkSinkOptions(where: string, options: RefusalOptions<never> & { readonly name?: string }): void {
  if (options.name !== undefined) checkText(where, 'name', options.name)
  checkFlag(where, 'tellsRow', options.tellsRow)
  if (options.refuse !== undefined && typeof options.refuse !== 'function') {
    throw new DroverError('OPTION_INVALID', `${where}: refuse is a function of a row, not ${shown(options.refuse)}.`)
  }
}

function sessionOf<R extends object>(
  table: MemoryTable<R>,
  key: readonly string[] | null,
  options: MemorySinkOptions<R>,
): ExactSession<R> {
  const session = new MemorySinkSession(table, key, options)
  if (key === null) return session
  const readBack = (): Source =>
    memorySource({ name: options.name ?? 'memory', records: table.rows as readonly Row[], key })
  return Object.assign(session, { readBack })
}

/** What a batch would do to the table. */
interface Plan<R> {
  readonly rows: readonly KeyedRow<R>[]
  readonly outcome: Outcome
}

class MemorySinkSession<R extends object> implements ExactSession<R> {
  readonly #claims = new Map<string, Claim>()

  constructor(
    private readonly table: MemoryTable<R>,
    private readonly key: readonly string[] | null,
    private readonly options: MemorySinkOptions<R>,
  ) {}

  async claim(claim: Claim): Promise<Position | null> {
    const position = this.table.ledger.claim(claim)
    this.#claims.set(claim.partition.id, claim)
    return position
  }

  async write(
    batch: CommitBatch<R>,
    { mode, signal }: Operation & { readonly mode: 'commit' | 'probe' },
  ): Promise<void> {
    try {
      await this.#write(batch, mode, signal)
    } catch (error) {
      // Rows that an heir wrote look refused to the one it took over from.
      const claim = this.#claims.get(batch.partition.id)
      if (claim !== undefined) this.table.ledger.check({ ...claim, sequence: batch.sequence })
      throw error
    }
  }

  async #write(batch: CommitBatch<R>, mode: 'commit' | 'probe', signal: AbortSignal): Promise<void> {
    const deferred = this.options.deferred === true
    const rows: R[] = []
    for await (const page of batch) {
      if (signal.aborted) throw abortError(signal)
      if (!deferred) this.#refuse(page.rows(), rows.length)
      for (const row of page.rows()) rows.push(row)
    }
    const plan = this.#plan(rows)
    if (mode === 'probe') {
      if (deferred) this.#refuse(rows, 0)
      return
    }
    const version = this.table.version
    const commit = await batch.commit(plan.outcome)
    if (deferred) this.#refuse(rows, 0)
    // From here on nothing comes between: rows and position change together.
    this.table.ledger.check(commit)
    this.table.apply((version === this.table.version ? plan : this.#planAgain(rows, plan)).rows, commit)
  }

  /** @throws `RECORD_REFUSED` */
  #refuse(rows: readonly R[], before: number): void {
    const { refuse } = this.options
    if (refuse === undefined) return
    const at = rows.findIndex((row) => refuse(row))
    if (at >= 0) throw refused('the row is one that it was told to refuse', before + at, this.options)
  }

  #plan(rows: readonly R[]): Plan<R> {
    const { key, table } = this
    if (key === null) {
      return {
        rows: rows.map((row) => ({ row, key: null })),
        outcome: { inserted: rows.length, updated: 0, skipped: 0 },
      }
    }
    const written: KeyedRow<R>[] = []
    const inserted = new Set<string>()
    let updated = 0
    let skipped = 0
    for (const [i, row] of rows.entries()) {
      const text = keyText(row, key)
      if (text === null) throw refused(`the row has no value in its key (${key.join(', ')})`, i, this.options)
      if (!table.has(text) && !inserted.has(text)) inserted.add(text)
      else if (this.options.onConflict === 'update') updated++
      else if (this.options.onConflict === 'skip') {
        skipped++
        continue
      } else throw refused(`there is a row with the key ${text.slice(0, -1)} already`, i, this.options)
      written.push({ row, key: text })
    }
    return { rows: written, outcome: { inserted: inserted.size, updated, skipped } }
  }

  /** Another partition wrote meanwhile. The position holds the first plan's counts: they must still be true. */
  #planAgain(rows: readonly R[], first: Plan<R>): Plan<R> {
    const plan = this.#plan(rows)
    const { inserted, updated } = plan.outcome
    if (inserted === first.outcome.inserted && updated === first.outcome.updated) return plan
    throw new DroverError(
      'STORE_BUSY',
      `${this.options.name ?? 'memory'}: another partition wrote rows with the same keys meanwhile. The batch is to be written again.`,
      { isRetryable: true },
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** The store will not take a row; `tellsRow` decides whether it says which. */
export function refused(
  why: string,
  row: number,
  options: RefusalOptions<never> & { readonly name?: string },
): DroverError {
  const name = options.name ?? 'memory'
  if (options.tellsRow === false) return new DroverError('RECORD_REFUSED', `${name}: a row was refused: ${why}.`)
  return new DroverError('RECORD_REFUSED', `${name}: row ${row} of the batch was refused: ${why}.`, { row })
}
