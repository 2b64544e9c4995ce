import type { Backfiller, BackfillResult } from '../contracts/backfiller.js'
import type { Counts, Partition, Position } from '../contracts/position.js'
import type { Count } from '../contracts/source.js'
import type { Lease, RunState, StateStore, TransactionalStateStore } from '../contracts/state-store.js'
import type { JsonValue } from '../contracts/values.js'
import { checkOptionNames, checkText } from '../errors/check-options.js'
import { DroverError } from '../errors/drover-error.js'
import { directoryStateStore } from '../state/directory-state-store.js'
import { Breather } from './breather.js'
import { addCounts, noCounts } from './counts.js'
import type { Rejection } from './held-page.js'
import type { Lane, LaneListener } from './lane.js'
import type { BackfillOptions } from './options.js'
import type { OpenedPlan, Plan, PlanHelp } from './plan.js'
import { backoffMs, isRetryable, pause } from './retry.js'
import type { RunControl } from './run-control.js'
import { checkRunOptions, runOptionNames } from './run-options.js'

const defaultBatchSize = 1_000
const defaultMaxRetries = 8

/** Whatever its transaction is: the plan only hands it on. */
type AnyBackfiller = Backfiller<never>

/** Checks the options of a backfill that was written by hand and makes its plan; connects to nothing. @throws `OPTION_INVALID` */
export function backfillPlan(options: BackfillOptions<never>): Plan {
  const backfiller: AnyBackfiller = options.backfiller
  checkText('backfill', 'backfiller.name', backfiller?.name)
  const where = `backfill ${backfiller.name}`
  checkOptionNames(where, options, [...runOptionNames, 'backfiller', 'dependsOn'])
  checkRunOptions(where, options)
  if (typeof backfiller.backfillBatch !== 'function')
    throw new DroverError('OPTION_INVALID', `${where}: its backfiller has no backfillBatch function.`)
  return {
    kind: 'backfill',
    name: backfiller.name,
    source: backfiller.name,
    sink: backfiller.name,
    guarantee: options.state !== undefined && isTransactional(options.state) ? 'exactly-once' : 'at-least-once',
    options,
    again: options.again ?? 'full',
    parallel: 1,
    fingerprint: {
      version: options.version ?? null,
      backfiller: backfiller.version === undefined ? backfiller.name : `${backfiller.name}@${backfiller.version}`,
    },
    countsWhatIsLeft: true,
    dependsOn: options.dependsOn ?? [],
    defaultState: () => directoryStateStore({ directory: '.drover' }),
    open: async (help) => {
      await backfiller.setup?.(help.operation)
      return new OpenedBackfill(backfiller, options, help)
    },
  }
}

/** Whether positions can be stored in the transaction that changes the records. */
export function isTransactional(store: StateStore): store is TransactionalStateStore<never> {
  return typeof (store as Partial<TransactionalStateStore<never>>).transaction === 'function'
}

class OpenedBackfill implements OpenedPlan {
  readonly deadLetters = undefined

  constructor(
    private readonly backfiller: AnyBackfiller,
    private readonly options: BackfillOptions<never>,
    private readonly help: PlanHelp,
  ) {}

  async partitions(): Promise<readonly Partition[]> {
    return [{ id: 'all', bounds: null }]
  }

  async count(): Promise<Count | undefined> {
    return this.backfiller.count?.(this.help.operation)
  }

  async begin(_run: RunState): Promise<void> {}

  async lane(lease: Lease): Promise<Lane> {
    return new BackfillLane(this.backfiller, this.options, lease, this.help)
  }

  async finish(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {
    await this.backfiller.teardown?.({ signal: new AbortController().signal })
  }
}

/** Batch after batch of a hand-written backfiller. */
class BackfillLane implements Lane {
  readonly start: Position
  readonly #breather = new Breather()

  constructor(
    private readonly backfiller: AnyBackfiller,
    private readonly options: BackfillOptions<never>,
    lease: Lease,
    private readonly help: PlanHelp,
  ) {
    const { run, partition, fence } = lease
    const fresh: Position = {
      run,
      partition,
      fence,
      sequence: 0,
      cursor: partition.start ?? null,
      done: false,
      counts: noCounts,
    }
    this.start = { ...(lease.position ?? fresh), fence }
  }

  async run(control: RunControl, listener: LaneListener): Promise<Position> {
    const { signal } = this.help.operation
    let position = this.start
    let failures = 0
    while (!position.done) {
      await control.whenFree(signal)
      if (control.stopReason !== undefined) break
      if (this.#breather.due) await this.#breather.breathe()
      const begun = performance.now()
      const limit = Math.max(
        1,
        Math.min(control.batchSize ?? this.options.batchSize ?? defaultBatchSize, control.recordsLeft),
      )
      try {
        const done = await this.#batch(position, limit)
        failures = 0
        position = done.position
        control.tally(done.counts.read)
        listener.committed({ ...done, durationMs: performance.now() - begun })
      } catch (error) {
        signal.throwIfAborted()
        const moved = await this.#moved(position)
        if (moved !== undefined) {
          const counts = difference(moved.counts, position.counts)
          position = moved
          listener.committed({ position, counts, rejections: [], durationMs: performance.now() - begun })
          continue
        }
        if (isRetryable(error) && ++failures <= (this.options.maxRetries ?? defaultMaxRetries)) {
          const waitMs = backoffMs(failures, error)
          listener.retried(position.partition.id, { attempt: failures, waitMs, error })
          await pause(waitMs, signal)
          continue
        }
        if (
          isRetryable(error) ||
          DroverError.isInstance(error, 'FENCED', 'CONTRACT_BROKEN') ||
          this.backfiller.skip === undefined
        )
          throw this.#said(error)
        position = await this.#oneByOne(position, error, limit, control, listener)
      }
    }
    return position
  }

  /** A batch failed and its records can be skipped: each in a batch of its own, until the failing one is left out. */
  async #oneByOne(
    start: Position,
    first: unknown,
    limit: number,
    control: RunControl,
    listener: LaneListener,
  ): Promise<Position> {
    let position = start
    for (let tried = 0; tried < limit && !position.done; tried++) {
      const begun = performance.now()
      let done: { position: Position; counts: Counts; rejections: readonly Rejection[] }
      try {
        done = await this.#batch(position, 1)
      } catch (error) {
        if (isRetryable(error)) throw error
        done = await this.#skipOne(position, error)
      }
      position = done.position
      control.tally(done.counts.read)
      listener.committed({ ...done, durationMs: performance.now() - begun })
      if (done.rejections.length > 0) return position
    }
    if (position.done || limit > 1) return position
    throw this.#said(first)
  }

  async #batch(
    position: Position,
    limit: number,
  ): Promise<{ position: Position; counts: Counts; rejections: readonly Rejection[] }> {
    return this.#commit(position, async (tx) => {
      const result = await this.backfiller.backfillBatch({
        ...this.help.operation,
        after: position.cursor,
        limit,
        tx: tx as never,
      })
      return { ...this.#checked(result, position, limit), rejections: [] }
    })
  }

  async #skipOne(
    position: Position,
    error: unknown,
  ): Promise<{ position: Position; counts: Counts; rejections: readonly Rejection[] }> {
    return this.#commit(position, async (tx) => {
      const skipped = await this.backfiller.skip?.({ ...this.help.operation, after: position.cursor, tx: tx as never })
      if (skipped === undefined) throw this.#said(error)
      const rejections: readonly Rejection[] = [
        { key: skipped.key, stage: 'write', error: this.#said(error), record: null },
      ]
      this.help.bear(rejections)
      return { cursor: skipped.cursor, done: false, counts: { ...noCounts, read: 1, rejected: 1 }, rejections }
    })
  }

  /** Work and position in one transaction if the state store has one, else one after the other. */
  async #commit(
    position: Position,
    work: (
      tx: unknown,
    ) => Promise<{ cursor: JsonValue | null; done: boolean; counts: Counts; rejections: readonly Rejection[] }>,
  ): Promise<{ position: Position; counts: Counts; rejections: readonly Rejection[] }> {
    const { state, operation } = this.help
    const both = async (tx: unknown) => {
      const { cursor, done, counts, rejections } = await work(tx)
      const commit: Position = {
        ...position,
        sequence: position.sequence + 1,
        cursor,
        done,
        counts: addCounts(position.counts, counts),
      }
      return { commit, value: { position: commit, counts, rejections } }
    }
    if (isTransactional(state) && this.options.state !== undefined)
      return state.transaction((tx) => both(tx), operation)
    const { commit, value } = await both(undefined)
    await state.commit(commit, operation)
    return value
  }

  /** Where the store says it stands, if that is one batch further: a commit whose outcome was unknown went through. */
  async #moved(position: Position): Promise<Position | undefined> {
    const stored = await this.help.state.load(this.backfiller.name, this.help.operation)
    const now =
      stored?.run === position.run
        ? stored.positions.find((candidate) => candidate.partition.id === position.partition.id)
        : undefined
    return now !== undefined && now.fence === position.fence && now.sequence === position.sequence + 1 ? now : undefined
  }

  #checked(
    { scanned, changed, cursor, done }: BackfillResult,
    position: Position,
    limit: number,
  ): { cursor: JsonValue | null; done: boolean; counts: Counts } {
    const broken = (what: string): DroverError =>
      new DroverError(
        'CONTRACT_BROKEN',
        `backfill ${this.backfiller.name}: backfillBatch ${what}; nothing of this batch was committed.`,
      )
    if (
      !Number.isSafeInteger(scanned) ||
      scanned < 0 ||
      !Number.isSafeInteger(changed) ||
      changed < 0 ||
      changed > scanned
    ) {
      throw broken(`says it looked at ${String(scanned)} records and changed ${String(changed)}`)
    }
    if (scanned > limit) throw broken(`looked at ${scanned} records and was to stop at ${limit}`)
    if (!done && JSON.stringify(cursor ?? null) === JSON.stringify(position.cursor))
      throw broken('is not done and gave back the cursor it got: it would never end')
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

  #said(error: unknown): DroverError {
    return DroverError.from(error, `backfill ${this.backfiller.name} failed`)
  }
}

function difference(after: Counts, before: Counts): Counts {
  const negative = Object.fromEntries(
    Object.entries(before).map(([name, value]) => [name, -(value as number)]),
  ) as unknown as Counts
  return addCounts(after, negative)
}
