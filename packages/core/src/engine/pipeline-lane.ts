import type { Position } from '../contracts/position.js'
import type { AckSession, CommitBatch, ExactSession, Outcome } from '../contracts/sink.js'
import type { StateStore } from '../contracts/state-store.js'
import type { Operation, Row } from '../contracts/values.js'
import { DroverError } from '../errors/drover-error.js'
import type { Rejection } from './held-page.js'
import { isolate } from './isolate.js'
import type { Lane, LaneListener } from './lane.js'
import { OpenBatch } from './open-batch.js'
import { PageReader, type PageReaderOptions } from './page-reader.js'
import { backoffMs, isRetryable, pause, retrying } from './retry.js'
import type { RunControl } from './run-control.js'

/** A batch ends after so long even if it is not full, so that a slow source or transformer loses little. */
const longestBatchMs = 5_000
/** How often a refusal may come back that no single record is to blame for. */
const unexplainedRefusals = 2

export interface PipelineLaneOptions {
  readonly operation: Operation
  readonly position: Position
  readonly reader: Omit<PageReaderOptions, 'after' | 'page' | 'onRetry'>
  readonly batchSize: number
  /** Bytes that this lane may hold, pages and the sink's buffers together. */
  readonly bytes: number
  readonly maxRetries: number
  readonly heldBytes: () => number
  /** Makes the sink ready for records like these; only the first call of a run does anything. */
  readonly prepare: (sample: () => Promise<readonly Row[]>) => Promise<void>
  /** Makes rejections durable; refuses them once too many were. */
  readonly bury: (rejections: readonly Rejection[]) => Promise<void>
}

/** What exact and acknowledging lanes share: reading, batches, and the search for a refused record. */
abstract class PipelineLane implements Lane {
  protected reader!: PageReader
  protected listener!: LaneListener
  protected control!: RunControl
  #pageRecords = 1

  constructor(protected readonly options: PipelineLaneOptions) {}

  get start(): Position {
    return this.options.position
  }

  async run(control: RunControl, listener: LaneListener): Promise<Position> {
    this.control = control
    this.listener = listener
    this.#open(this.options.position)
    try {
      return await this.work(this.options.position)
    } finally {
      await this.reader.close()
    }
  }

  protected abstract work(position: Position): Promise<Position>

  #open(position: Position): void {
    const records = this.#batchSize()
    // Pages of about a thousand that fill a batch without a rest; a batch never exceeds its size.
    this.#pageRecords = Math.max(1, Math.min(Math.floor(records / Math.ceil(records / 1000)), this.control.recordsLeft))
    const bytes = Math.min(512 * 1024, Math.max(16 * 1024, Math.floor(this.options.bytes / 16)))
    this.reader = new PageReader({
      ...this.options.reader,
      after: position.cursor,
      page: { records: this.#pageRecords, bytes },
      onRetry: (notice) => this.listener.retried(position.partition.id, notice),
    })
  }

  /** Reads anew from a position, where pages of the former size would no longer fit. */
  protected async adjust(position: Position): Promise<void> {
    const fits = this.#pageRecords <= Math.min(this.#batchSize(), this.control.recordsLeft)
    if (fits || this.reader.exhausted) return
    await this.reader.close()
    this.#open(position)
  }

  #batchSize(): number {
    return Math.max(1, this.control.batchSize ?? this.options.batchSize)
  }

  protected newBatch(position: Position, sequence: number): OpenBatch {
    const size = this.#batchSize()
    return new OpenBatch({
      reader: this.reader,
      position,
      sequence,
      bury: this.options.bury,
      onPage: (page) => this.control.tally(page.source.count),
      isFull: (held, since) => {
        if (held.length === 0) return false
        let records = 0
        let bytes = this.reader.queuedBytes + this.options.heldBytes()
        for (const page of held) {
          records += page.source.count
          bytes += page.bytes
        }
        return (
          records + this.#pageRecords > size ||
          this.#pageRecords > this.control.recordsLeft ||
          bytes >= this.options.bytes / 2 ||
          performance.now() - since >= longestBatchMs ||
          this.control.interrupted
        )
      },
    })
  }

  protected tell(batch: OpenBatch, position: Position, outcome: Outcome): void {
    const counts = batch.counts(outcome)
    this.listener.committed({
      position,
      counts,
      rejections: batch.rejections(),
      durationMs: performance.now() - batch.openedAt,
    })
  }

  /** Gives the batch to `write` until it went through: again after transient errors, without the records that are refused. */
  protected async persist<T>(
    batch: OpenBatch,
    write: () => Promise<T>,
    probe: (part: CommitBatch<Row>) => Promise<void>,
    committedBefore: () => Promise<T | undefined>,
  ): Promise<T> {
    let failures = 0
    let unexplained = 0
    for (;;) {
      try {
        return await write()
      } catch (error) {
        const { signal } = this.options.operation
        signal.throwIfAborted()
        if (batch.ownFailure !== undefined) throw batch.ownFailure
        const already = await committedBefore()
        if (already !== undefined) return already
        if (DroverError.isInstance(error, 'RECORD_REFUSED')) {
          const found = await isolate(batch, error, (part) =>
            retrying(() => probe(part), { maxRetries: this.options.maxRetries, signal }),
          )
          if (!found && ++unexplained > unexplainedRefusals) throw error
          continue
        }
        if (!isRetryable(error) || ++failures > this.options.maxRetries) throw error
        const waitMs = backoffMs(failures, error)
        this.listener.retried(batch.partition.id, { attempt: failures, waitMs, error })
        await pause(waitMs, signal)
      }
    }
  }
}

/** Rows and position become durable in one step of the sink; one batch is open at a time. */
export class ExactLane extends PipelineLane {
  constructor(
    private readonly session: ExactSession<Row>,
    options: PipelineLaneOptions,
  ) {
    super(options)
  }

  protected async work(start: Position): Promise<Position> {
    let position = start
    while (!position.done) {
      await this.control.whenFree(this.options.operation.signal)
      if (this.control.stopReason !== undefined) break
      await this.adjust(position)
      position = await this.#commitOne(position)
    }
    return position
  }

  async #commitOne(position: Position): Promise<Position> {
    const { operation } = this.options
    const batch = this.newBatch(position, position.sequence + 1)
    await this.options.prepare(() => batch.fillToFirstRow())
    const committed = await this.persist(
      batch,
      async () => {
        await this.session.write(batch.pass(), { ...operation, mode: 'commit' })
        if (batch.committed === undefined) {
          throw new DroverError('CONTRACT_BROKEN', 'a sink returned from write() without having committed its batch.')
        }
        return batch.committed
      },
      (part) => this.session.write(part, { ...operation, mode: 'probe' }),
      async () => {
        if (!batch.commitCalled) return undefined
        // The write may have succeeded all the same: only the sink knows.
        const { run, partition, fence } = position
        const now = await retrying(() => this.session.claim({ run, partition, fence }, operation), {
          maxRetries: this.options.maxRetries,
          signal: operation.signal,
        })
        return now !== null && now.sequence === batch.sequence ? batch.committed : undefined
      },
    )
    this.tell(batch, committed.position, committed.outcome)
    return committed.position
  }
}

/** Rows are durable when the sink returns; positions follow through the state store, in order, several batches being under way. */
export class AckLane extends PipelineLane {
  constructor(
    private readonly session: AckSession<Row>,
    private readonly state: { readonly store: StateStore; readonly name: string },
    private readonly inFlight: number,
    options: PipelineLaneOptions,
  ) {
    super(options)
  }

  protected async work(start: Position): Promise<Position> {
    const { signal } = this.options.operation
    const open = new Set<Promise<unknown>>()
    let last: Promise<Position> = Promise.resolve(start)
    let sequence = start.sequence
    let ended = start.done
    let failed = false
    while (!ended && !failed) {
      if (open.size >= this.inFlight) await Promise.race(open)
      if (open.size === 0 || this.control.interrupted) await last.catch(() => {}) // rejects below
      await this.control.whenFree(signal)
      if (failed || this.control.stopReason !== undefined) break
      if (open.size === 0) await this.adjust(await last)
      const batch = this.newBatch(start, ++sequence)
      await this.options.prepare(() => batch.fillToFirstRow())
      const written = this.#write(batch)
      const committed = this.#commitAfter(last, batch, written)
      last = committed
      const settled: Promise<unknown> = committed
        .catch(() => {
          failed = true
        })
        .finally(() => open.delete(settled))
      open.add(settled)
      await Promise.race([batch.whenFilled, settled])
      ended = batch.ended
    }
    await Promise.all(open)
    return last
  }

  #write(batch: OpenBatch): Promise<Outcome> {
    const { operation } = this.options
    return this.persist(
      batch,
      () => this.session.write(batch.pass(), operation),
      async (part) => {
        await this.session.write(part, operation)
      },
      async () => undefined,
    )
  }

  async #commitAfter(before: Promise<Position>, batch: OpenBatch, written: Promise<Outcome>): Promise<Position> {
    const [position, outcome] = await Promise.all([before, written])
    const commit = batch.positionAfter(position, outcome, batch.ended)
    await this.options.bury(batch.rejections())
    const { operation, maxRetries } = this.options
    let unsure = false
    await retrying(
      async () => {
        if (unsure && (await this.#stands(commit))) return
        unsure = true
        await this.state.store.commit(commit, operation)
      },
      { maxRetries, signal: operation.signal },
    )
    this.tell(batch, commit, outcome)
    return commit
  }

  /** Whether a commit whose outcome is unknown went through. */
  async #stands(commit: Position): Promise<boolean> {
    const stored = await this.state.store.load(this.state.name, this.options.operation)
    return (
      stored?.positions.some(
        (position) =>
          position.partition.id === commit.partition.id &&
          position.fence === commit.fence &&
          position.sequence === commit.sequence,
      ) ?? false
    )
  }
}
