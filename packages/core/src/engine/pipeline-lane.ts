import type { Page } from '../contracts/page.js'
import type { Position } from '../contracts/position.js'
import type { CommitBatch, Outcome } from '../contracts/sink.js'
import type { StoreWait, WaitingFor } from '../contracts/stall.js'
import type { Operation, Row } from '../contracts/values.js'
import { DroverError } from '../errors/drover-error.js'
import type { HeldPage, Rejection } from './held-page.js'
import { isolate } from './isolate.js'
import type { Lane, LaneListener } from './lane.js'
import { OpenBatch } from './open-batch.js'
import { PageReader, type PageReaderOptions } from './page-reader.js'
import { backoffMs, isRetryable, type Retrying, retrying } from './retry.js'
import type { RunControl } from './run-control.js'

/** A batch ends after so long even if it is not full, so that a slow source or transformer loses little. */
const longestBatchMs = 5_000
/** How often a sink may ask for one batch once more: for each of its fields, say. */
const mostAgain = 1_000
/** How often a refusal may come back that no single record is to blame for. */
const unexplainedRefusals = 2
/** After so many batches that no form but rows would do for, rows are asked for at once. */
const mostRereadInARow = 3
const largestPage = { records: 1_000, bytes: 512 * 1024 }
const smallestPageBytes = 16 * 1024
/** Pages in a batch whose size adapts: one more of five is a step of a fifth. */
const pagesOfAdaptive = { least: 5, begun: 7, most: 11 }

export interface PipelineLaneOptions {
  readonly operation: Operation
  readonly position: Position
  /** Run and sink, as messages name them. */
  readonly where: string
  readonly reader: Omit<PageReaderOptions, 'retrying' | 'after' | 'page' | 'aheadBytes'>
  /** Used until the run is told another size. */
  readonly batchSize: number
  /** What the sink takes at once, whatever the run is told. */
  readonly ceiling: { readonly records: number; readonly bytes: number }
  /** Bytes that this lane may hold, pages and the sink's buffers together. */
  readonly bytes: number
  readonly maxRetries: number
  readonly heldBytes: () => number
  /** What source or sink says that its statements wait for. */
  readonly ask: (side: 'source' | 'sink', operation: Operation) => Promise<readonly StoreWait[]>
  readonly takesPagesOnce: boolean
  /** Makes the sink ready for records like these; only the first call of a run does anything. */
  readonly prepare: (sample: (rows: number) => Promise<readonly Page<Row>[]>) => Promise<void>
  /** Asks the state store whether the lease holds. @throws `LEASE_LOST` */
  readonly confirm: () => Promise<void>
  /** Throws if the run does not bear these rejections. */
  readonly bear: (rejections: readonly Rejection[]) => void
  /** The same, and makes them durable. */
  readonly bury: (sequence: number, rejections: readonly Rejection[]) => Promise<void>
}

/** What exact and acknowledging lanes share: reading, batches, and the search for a refused record. */
export abstract class PipelineLane implements Lane {
  protected reader!: PageReader
  protected listener!: LaneListener
  protected control!: RunControl
  /** Those that are not committed yet, the oldest first. */
  readonly #open = new Set<OpenBatch>()
  /** Nothing is read until the next `adjust`. */
  protected hasLetGo = false
  #isHeldBack = false
  /** The batch is read again, because its pages had no rows. */
  #readsRows = false
  /** Batches one behind the other that had to be read again as rows. */
  #rereadInARow = 0
  #pageRecords = 1
  /** Smaller where few records become many, or large ones. */
  #largestPage = largestPage.records

  constructor(
    protected readonly options: PipelineLaneOptions,
    private readonly openBatches: number,
  ) {}

  /** Bytes of one batch: what the lane may hold, shared among the batches that are open and the page read ahead. */
  get #batchBytes(): number {
    return this.options.bytes / (this.openBatches + 1)
  }

  get start(): Position {
    return this.options.position
  }

  async run(control: RunControl, listener: LaneListener): Promise<Position> {
    this.control = control
    this.listener = listener
    this.#read(this.options.position)
    try {
      return await this.work(this.options.position)
    } finally {
      await this.reader.close()
    }
  }

  get waitsFor(): WaitingFor | null {
    const [oldest] = this.#open
    if (this.#isHeldBack && oldest === undefined) return null
    if (oldest === undefined || oldest.isPulling) return this.reader.waitsFor
    return oldest.isWritten ? 'state' : 'sink'
  }

  async askStore(operation: Operation): Promise<readonly StoreWait[]> {
    const { waitsFor } = this
    return waitsFor === 'sink' || waitsFor === 'source' ? this.options.ask(waitsFor, operation) : []
  }

  /** Resolves when the next batch may begin. */
  protected async whenFree(): Promise<void> {
    this.#isHeldBack = true
    // A read that stayed open for hours would keep the store from tidying up behind it.
    if (this.control.throttle.isClosed && this.#open.size === 0 && !this.reader.exhausted) {
      this.hasLetGo = true
      await this.reader.close()
    }
    const waited = await this.control.whenFree(this, this.options.operation.signal)
    this.#isHeldBack = false
    if (waited) this.listener.heldBack()
  }

  protected abstract work(position: Position): Promise<Position>

  /** How calls out are tried again. */
  protected get patience(): Retrying {
    const { options, control, listener } = this
    return {
      maxRetries: options.maxRetries,
      signal: options.operation.signal,
      wait: (ms, signal) => control.patience(ms, signal),
      onRetry: (notice) => listener.retried(options.position.partition.id, notice),
    }
  }

  /** Whether pages of the present size suit what was asked for meanwhile; else the lane is to `adjust` between batches. */
  protected get fits(): boolean {
    const wanted = this.#pageSize()
    if (this.control.throttle.isAdaptive && !this.reader.exhausted) return this.#fitsAdaptive(wanted)
    return this.reader.exhausted || (this.#pageRecords <= wanted && this.#pageRecords * 2 > wanted)
  }

  /** A size that adapts is followed by more or fewer pages, as long as one more is a small step. */
  #fitsAdaptive(wanted: number): boolean {
    const pages = this.#batchSize() / this.#pageRecords
    const isLargest = this.#pageRecords * 2 > this.#largestPage
    const isFew = pages >= pagesOfAdaptive.least && (isLargest || pages <= pagesOfAdaptive.most)
    return this.#pageRecords <= this.control.recordsLeft && (isFew || this.#pageRecords === wanted)
  }

  /** Reads anew from a position, with pages of the size that is wanted now. */
  protected async adjust(position: Position): Promise<void> {
    if (this.fits && !this.#readsRows && !this.hasLetGo) return
    await this.#reopen(position, false)
  }

  /** Reads a batch again whose pages had no rows to give. @throws the error, if rows were what was asked for */
  protected async readRows(batch: OpenBatch, position: Position, error: unknown): Promise<void> {
    if (!DroverError.isInstance(error, 'PAGE_STALE') || this.#readsRows) throw error
    this.control.tally(-batch.records)
    this.#open.delete(batch)
    this.#rereadInARow++
    await this.#reopen(position, true)
  }

  /** Goes on from where the store stands, which is some batches ago; or where it was, where the store has lost no batch. */
  protected async goBack(batch: OpenBatch, from: Position, to: Position): Promise<Position> {
    this.control.tally(to.counts.read - from.counts.read - batch.records)
    this.#open.delete(batch)
    await this.#reopen(to, this.#readsRows)
    if (to.sequence < from.sequence) this.listener.wentBack(from, to)
    return to
  }

  async #reopen(position: Position, readsRows: boolean): Promise<void> {
    await this.reader.close()
    this.#readsRows = readsRows
    this.#read(position)
  }

  #read(position: Position): void {
    this.hasLetGo = false
    this.#pageRecords = this.#pageSize()
    this.reader = new PageReader({
      ...this.options.reader,
      ...(this.#readsRows || this.#rereadInARow >= mostRereadInARow ? { forms: () => [] } : {}),
      retrying: this.patience,
      after: position.cursor,
      page: {
        records: this.#pageRecords,
        bytes: this.#pageBytes,
      },
      aheadBytes: this.#batchBytes,
    })
  }

  #batchSize(): number {
    return Math.max(1, Math.min(this.control.sizeOf(this.options.batchSize), this.options.ceiling.records))
  }

  /** Pages of about a thousand that fill a batch without a rest; a batch never exceeds its size. */
  #pageSize(): number {
    const records = this.#batchSize()
    const least = this.control.throttle.isAdaptive ? pagesOfAdaptive.begun : 1
    const even = Math.floor(records / Math.max(least, Math.ceil(records / this.#largestPage)))
    return Math.max(1, Math.min(even, this.control.recordsLeft))
  }

  protected newBatch(position: Position, sequence: number): OpenBatch {
    const { where, bury } = this.options
    const size = this.#batchSize()
    const batch = new OpenBatch({
      reader: this.reader,
      position,
      sequence,
      where,
      bury: (rejections) => bury(sequence, rejections),
      // Where one batch after the other has to be read again, pages had better be kept.
      takesPagesOnce: this.options.takesPagesOnce && !this.#readsRows && this.#rereadInARow < mostRereadInARow,
      onPage: (page) => this.#pulled(page),
      isFull: (batch) =>
        batch.records + this.#pageRecords > size ||
        this.#pageRecords > this.control.recordsLeft ||
        batch.bytes + this.reader.queuedBytes + this.options.heldBytes() >= this.#batchBytes ||
        batch.bytes + this.#pageBytes > this.options.ceiling.bytes ||
        performance.now() - batch.openedAt >= longestBatchMs ||
        this.control.interrupted,
    })
    this.#open.add(batch)
    return batch
  }

  #pulled(page: HeldPage): void {
    const { count, bytes } = page.source
    this.control.tally(count)
    // One page that is half a batch: the next ones are to be a tenth of that.
    if (count > 1 && page.bytes > this.#batchBytes / 2)
      this.#atMost(Math.floor((count * this.#batchBytes) / (20 * page.bytes)))
    // One that ended by its bytes long before its records: the next ones are to say so, or no second one would seem to fit.
    else if (bytes > this.#pageBytes / 2 && count < this.#pageRecords / 2) this.#atMost(Math.ceil(count * 1.25))
  }

  #atMost(records: number): void {
    this.#largestPage = Math.max(1, Math.min(this.#largestPage, records))
  }

  get #pageBytes(): number {
    const { bytes, ceiling } = this.options
    const share = Math.max(smallestPageBytes, Math.floor(bytes / 16))
    return Math.min(largestPage.bytes, share, Math.max(1, Math.floor(ceiling.bytes / 4)))
  }

  protected tell(batch: OpenBatch, position: Position, outcome: Outcome): void {
    const counts = batch.counts(outcome)
    this.#open.delete(batch)
    if (!this.#readsRows && this.#rereadInARow < mostRereadInARow) this.#rereadInARow = 0
    this.listener.committed({
      position,
      counts,
      rejections: batch.rejections(),
      durationMs: performance.now() - batch.openedAt,
      bytes: batch.bytes,
    })
  }

  /** Gives the batch to `write` until it went through: again after transient errors, without the records that are refused. */
  protected async persist<T>(
    batch: OpenBatch,
    write: () => Promise<T>,
    probe: (part: CommitBatch<Row>) => Promise<void>,
    committedBefore: (error: unknown) => Promise<T | undefined>,
  ): Promise<T> {
    const { patience } = this
    const { signal } = this.options.operation
    let failures = 0
    let unexplained = 0
    for (;;) {
      try {
        return await preparing(write)
      } catch (error) {
        signal.throwIfAborted()
        batch.throwOwnFailure()
        const already = await committedBefore(error)
        if (already !== undefined) return already
        if (DroverError.isInstance(error, 'RECORD_REFUSED')) {
          const found = await isolate(batch, error, {
            probe: (part) => retrying(() => preparing(() => probe(part)), patience),
            onRefused: () => this.options.bear(batch.rejections()),
          })
          if (!found && ++unexplained > unexplainedRefusals) throw this.#unexplained(batch, error)
          continue
        }
        if (!isRetryable(error) || ++failures > patience.maxRetries) throw error
        const waitMs = backoffMs(failures, error)
        patience.onRetry?.({ attempt: failures, waitMs, error })
        await this.control.patience(waitMs, signal)
      }
    }
  }

  #unexplained(batch: OpenBatch, refusal: DroverError): DroverError {
    return new DroverError(
      'RECORD_REFUSED',
      `${this.options.where} takes each of ${batch.recordsWithRows().length} records alone and not all of them together; none was left out, and nothing of their batch was committed. A smaller batchSize may help. It says: ${refusal.message}`,
      { cause: refusal },
    )
  }
}

/** Does it once more whenever the sink, by what it met, has been prepared for it only now. */
async function preparing<T>(work: () => Promise<T>): Promise<T> {
  for (let again = 0; ; again++) {
    try {
      return await work()
    } catch (error) {
      if (!DroverError.isInstance(error, 'BATCH_AGAIN') || again >= mostAgain) throw error
    }
  }
}
