import type { Page, RecordKey } from '../contracts/page.js'
import type { AckSession, AckSink, Batch, Outcome } from '../contracts/sink.js'
import type { Operation, Row } from '../contracts/values.js'
import { abortError } from '../engine/retry.js'
import { checkOptionNames, checkWholeNumber, shown } from '../errors/check-options.js'
import { DroverError } from '../errors/drover-error.js'
import { recordId } from '../identity/record-id.js'
import { checkSinkOptions, type RefusalOptions, refused } from './memory-sink.js'
import { type KeyedRow, type MemoryStore, type MemoryTable, tableOf } from './memory-store.js'

/** Options of {@link memoryAckSink}. */
export interface MemoryAckSinkOptions<R extends object> extends RefusalOptions<R> {
  /** Names the sink in reports and in the run's fingerprint. @default 'memory' */
  readonly name?: string
  /** Where to write. @default a new store; the sink's `store` either way */
  readonly store?: MemoryStore<R>
  /** `idempotent` keeps one row per record, under its deterministic id; `at-least-once` adds every row it is given. @default 'idempotent' */
  readonly guarantee?: 'idempotent' | 'at-least-once'
  /** Batches of one partition that may be under way at once. @default 1 */
  readonly inFlight?: number
}

/** An acknowledging sink whose store can be looked into. */
export interface MemoryAckSink<R extends object> extends AckSink<R> {
  readonly store: MemoryStore<R>
}

/**
 * Writes into a store in memory as vector and document stores do: a page is one request, there to stay once it is
 * acknowledged, and the position is kept elsewhere. After a crash the last batches are written again.
 *
 * @throws `OPTION_INVALID`; while writing `RECORD_REFUSED` (`refuse`).
 */
export function memoryAckSink<R extends object = Row>(options: MemoryAckSinkOptions<R> = {}): MemoryAckSink<R> {
  checkOptionNames('memoryAckSink', options, ['name', 'store', 'guarantee', 'inFlight', 'refuse', 'tellsRow'])
  checkSinkOptions('memoryAckSink', options)
  checkWholeNumber('memoryAckSink', 'inFlight', options.inFlight, 1)
  const guarantee = options.guarantee ?? 'idempotent'
  if (guarantee !== 'idempotent' && guarantee !== 'at-least-once') {
    throw new DroverError(
      'OPTION_INVALID',
      `memoryAckSink: guarantee is 'idempotent' or 'at-least-once', not ${shown(guarantee)}.`,
    )
  }
  const table = tableOf('memoryAckSink', options.store)
  table.identify('memoryAckSink', guarantee === 'idempotent' ? 'record id' : 'nothing')
  return {
    specVersion: 1,
    name: options.name ?? 'memory',
    guarantee,
    inFlight: options.inFlight ?? 1,
    store: table,
    connect: async () => new MemoryAckSession(table, guarantee, options),
  }
}

class MemoryAckSession<R extends object> implements AckSession<R> {
  constructor(
    private readonly table: MemoryTable<R>,
    private readonly guarantee: 'idempotent' | 'at-least-once',
    private readonly options: MemoryAckSinkOptions<R>,
  ) {}

  async write(batch: Batch<R>, { signal }: Operation): Promise<Outcome> {
    let written = 0
    let inserted = 0
    for await (const page of batch) {
      if (signal.aborted) throw abortError(signal)
      const rows = this.#rowsOf(page, written)
      const before = this.table.rows.length
      this.table.apply(rows)
      inserted += this.table.rows.length - before
      written += rows.length
    }
    return { inserted, updated: written - inserted, skipped: 0 }
  }

  /** @throws `RECORD_REFUSED` before any row of the page is written */
  #rowsOf(page: Page<R>, before: number): KeyedRow<R>[] {
    const { refuse } = this.options
    const keys = this.guarantee === 'idempotent' ? page.keys() : null
    return page.rows().map((row, i) => {
      if (refuse?.(row) === true) throw refused('the row is one that it was told to refuse', before + i, this.options)
      return { row, key: keys === null ? null : recordId(keys[i] as RecordKey) }
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
