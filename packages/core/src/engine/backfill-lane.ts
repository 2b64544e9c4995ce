import type { Backfiller, BackfillResult } from '../contracts/backfiller.js'
import type { Position } from '../contracts/position.js'
import type { StoreWait, WaitingFor } from '../contracts/stall.js'
import type { Lease, StateStore, TransactionalStateStore } from '../contracts/state-store.js'
import type { JsonValue, Operation } from '../contracts/values.js'
import { DroverError } from '../errors/drover-error.js'
import { breather } from './breather.js'
import { addCounts, noCounts, subtractCounts } from './counts.js'
import type { CommittedBatch, Lane, LaneListener } from './lane.js'
import type { PlanHelp } from './plan.js'
import { backoffMs, isRetryable, type Retrying, retrying } from './retry.js'
import type { RunControl } from './run-control.js'

/** Whatever its transaction is: it is only handed on. */
export type AnyBackfiller = Backfiller<never>

export interface BackfillLaneOptions {
  /** Where the position goes: into the transaction that changes the records, or into a store of its own, after them. */
  readonly store: { readonly both: TransactionalStateStore<never> } | { readonly after: StateStore }
  readonly batchSize: number
  readonly help: PlanHelp
}

/** What one batch did, before it is told. */
type Done = Omit<CommittedBatch, 'durationMs'>

/** Where a batch ends, and what it did. */
type Work = Pick<CommittedBatch, 'counts' | 'rejections'> & {
  readonly cursor: JsonValue | null
  readonly done: boolean
}

/** Batch after batch of a hand-written backfiller. */
export class BackfillLane implements Lane {
  readonly start: Position
  #control!: RunControl
  #listener!: LaneListener
  #isHeldBack = false

  constructor(
    private readonly backfiller: AnyBackfiller,
    lease: Lease,
    private readonly options: BackfillLaneOptions,
  ) {
    const { run, partition, fence } = lease
    const cursor = partition.start ?? null
    const fresh: Position = { run, partition, fence, sequence: 0, cursor, done: false, counts: noCounts }
    this.start = { ...(lease.position ?? fresh), fence }
  }

  async run(control: RunControl, listener: LaneListener): Promise<Position> {
    this.#control = control
    this.#listener = listener
    const { signal } = this.options.help.operation
    let position = this.start
    while (!position.done) {
      this.#isHeldBack = true
      const waited = await control.whenFree(this, signal)
      this.#isHeldBack = false
      if (waited) listener.heldBack()
      if (control.stopReason !== undefined) break
      if (breather.due) await breather.breathe()
      const wanted = Math.min(control.sizeOf(this.options.batchSize), control.recordsLeft)
      const limit = Math.max(1, wanted)
      const before = position
      try {
        position = await this.#told(() => this.#patiently(before, () => this.#batch(before, limit)))
      } catch (error) {
        if (!this.#mayBeARecord(error)) throw this.#said(error)
        position = await this.#oneByOne(before, limit)
      }
    }
    return position
  }

  get waitsFor(): WaitingFor | null {
    return this.#isHeldBack ? null : 'backfiller'
  }

  async askStore(operation: Operation): Promise<readonly StoreWait[]> {
    const { store } = this.options
    return 'both' in store ? ((await store.both.waitsFor?.(operation)) ?? []) : []
  }

  /** A batch failed and its records can be skipped: each in a batch of its own, until the failing one is left out. */
  async #oneByOne(start: Position, limit: number): Promise<Position> {
    let position = start
    for (let tried = 0; tried < limit && !position.done; tried++) {
      const before = position
      let skipped = false
      position = await this.#told(async () => {
        try {
          return await this.#patiently(before, () => this.#batch(before, 1))
        } catch (error) {
          if (!this.#mayBeARecord(error)) throw this.#said(error)
          skipped = true
          return this.#patiently(before, () => this.#skipOne(before, error))
        }
      })
      if (skipped) break
    }
    return position
  }

  /** Whether a record may be to blame, and can be left out. */
  #mayBeARecord(error: unknown): boolean {
    return (
      this.backfiller.skip !== undefined &&
      !isRetryable(error) &&
      !this.options.help.operation.signal.aborted &&
      !DroverError.isInstance(error, 'FENCED', 'CONTRACT_BROKEN', 'RECORD_REJECTED')
    )
  }

  async #told(work: () => Promise<Done>): Promise<Position> {
    const begun = performance.now()
    const done = await work()
    this.#control.tally(done.counts.read)
    this.#listener.committed({ ...done, durationMs: performance.now() - begun })
    return done.position
  }

  /** Again after transient errors, unless what failed went through all the same. */
  async #patiently(before: Position, work: () => Promise<Done>): Promise<Done> {
    const { signal } = this.options.help.operation
    for (let failures = 0; ; ) {
      try {
        return await work()
      } catch (error) {
        signal.throwIfAborted()
        const moved = await this.#moved(before)
        if (moved !== undefined)
          return { position: moved, counts: subtractCounts(moved.counts, before.counts), rejections: [] }
        if (!isRetryable(error) || ++failures > this.#retrying.maxRetries) throw error
        const waitMs = backoffMs(failures, error)
        this.#retrying.onRetry?.({ attempt: failures, waitMs, error })
        await this.#control.patience(waitMs, signal)
      }
    }
  }

  #batch(before: Position, limit: number): Promise<Done> {
    return this.#commit(before, async (tx) => {
      const { operation } = this.options.help
      const result = await this.backfiller.backfillBatch({ ...operation, after: before.cursor, limit, tx: tx as never })
      return { ...this.#checked(result, before, limit), rejections: [] }
    })
  }

  #skipOne(before: Position, error: unknown): Promise<Done> {
    const { operation, limit } = this.options.help
    return this.#commit(before, async (tx) => {
      const skipped = await this.backfiller.skip?.({ ...operation, after: before.cursor, tx: tx as never })
      if (skipped === undefined) throw this.#said(error)
      const { key, cursor } = skipped
      const rejections = [{ key, stage: 'write' as const, error: this.#said(error), record: null }]
      limit.reserve(before.partition.id, rejections)
      return { cursor, done: false, counts: { ...noCounts, read: 1, rejected: 1 }, rejections }
    })
  }

  /** Work and position in one transaction if the state store has one, else one after the other. */
  async #commit(before: Position, work: (tx: unknown) => Promise<Work>): Promise<Done> {
    const { store, help } = this.options
    const both = async (tx: unknown) => {
      const { cursor, done, counts, rejections } = await work(tx)
      const sequence = before.sequence + 1
      const commit: Position = { ...before, sequence, cursor, done, counts: addCounts(before.counts, counts) }
      return { commit, value: { position: commit, counts, rejections } }
    }
    if ('both' in store) return store.both.transaction((tx) => both(tx), help.operation)
    const { commit, value } = await both(undefined)
    await store.after.commit(commit, help.operation)
    return value
  }

  /** Where the store says it stands, if that is one batch further: a commit whose outcome was unknown went through. */
  async #moved({ run, partition, fence, sequence }: Position): Promise<Position | undefined> {
    const { state, operation } = this.options.help
    const stored = await retrying(() => state.load(this.backfiller.name, operation), this.#retrying)
    if (stored?.run !== run) return undefined
    return stored.positions.find(
      (now) => now.partition.id === partition.id && now.fence === fence && now.sequence === sequence + 1,
    )
  }

  get #retrying(): Retrying {
    const { retrying } = this.options.help
    return { ...retrying, onRetry: (notice) => this.#listener.retried(this.start.partition.id, notice) }
  }

  #checked(
    { scanned, changed, cursor, done }: BackfillResult,
    before: Position,
    limit: number,
  ): Pick<Work, 'cursor' | 'done' | 'counts'> {
    const isCount = (value: number) => Number.isSafeInteger(value) && value >= 0
    if (!isCount(scanned) || !isCount(changed) || changed > scanned)
      throw this.#broken(`says it looked at ${String(scanned)} records and changed ${String(changed)}`)
    if (scanned > limit) throw this.#broken(`looked at ${scanned} records and was to stop at ${limit}`)
    if (!done && JSON.stringify(cursor ?? null) === JSON.stringify(before.cursor))
      throw this.#broken('is not done and gave back the cursor it got: it would never end')
    return {
      cursor: cursor ?? null,
      done,
      counts: {
        ...noCounts,
        read: scanned,
        written: scanned,
        emitted: scanned,
        updated: changed,
        skipped: scanned - changed,
      },
    }
  }

  #broken(what: string): DroverError {
    return new DroverError(
      'CONTRACT_BROKEN',
      `backfill ${this.backfiller.name}: backfillBatch ${what}. Nothing of this batch was committed; the backfiller is to be mended.`,
    )
  }

  #said(error: unknown): DroverError {
    return DroverError.from(error, `backfill ${this.backfiller.name} failed`)
  }
}
