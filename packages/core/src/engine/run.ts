import pLimit from 'p-limit'
import type { Progress } from '../contracts/events.js'
import type { Partition } from '../contracts/position.js'
import type { RejectedRecord, Report, Warning } from '../contracts/report.js'
import type { Count } from '../contracts/source.js'
import type { RunState, Settlement, StateStore } from '../contracts/state-store.js'
import { DroverError } from '../errors/drover-error.js'
import { redactSecrets } from '../errors/redact.js'
import { attachProgress } from '../report/progress-line.js'
import { closing } from './closing.js'
import { continuedPartitions } from './continued-partitions.js'
import { differences, refuseChange } from './fingerprint.js'
import type { Rejection } from './held-page.js'
import type { CommittedBatch, LaneListener } from './lane.js'
import { holderName, Leases } from './leases.js'
import type { LiveRun } from './live-run.js'
import type { OpenedPlan, Plan } from './plan.js'
import { ProgressMeter } from './progress-meter.js'
import { abortError, type RetryNotice, retrying } from './retry.js'
import { RunAccount } from './run-account.js'
import { RunControl, type RunSettings } from './run-control.js'
import { RunEmitter } from './run-emitter.js'

const defaultLeaseMs = 30_000
const defaultMaxRetries = 8
const progressEveryMs = 1_000

/** One attempt at a run: finds out where it stands, works on its partitions, and accounts for what happened. */
export class Run implements LiveRun, LaneListener {
  readonly events: RunEmitter
  readonly #result: Promise<Report>
  #isAwaited = false
  readonly #plan: Plan
  readonly #control: RunControl
  readonly #hard = new AbortController()
  readonly #holder = holderName()
  readonly #account: RunAccount
  #meter: ProgressMeter | undefined

  constructor(plan: Plan) {
    this.#plan = plan
    this.#account = new RunAccount(plan)
    this.events = new RunEmitter((event, error) => {
      this.#warn(
        'HANDLER_FAILED',
        `a handler of ${event} failed: ${error instanceof Error ? error.message : String(error)}`,
      )
    })
    const { options } = plan
    this.#control = new RunControl(
      {
        ...(options.batchSize === undefined ? {} : { batchSize: options.batchSize }),
        ...(options.recordsPerSecond === undefined ? {} : { recordsPerSecond: options.recordsPerSecond }),
      },
      options.stopAfter,
      (paused) => this.events.emit(paused ? 'run:paused' : 'run:resumed', { name: plan.name }),
    )
    // Begins in a later turn, so that the caller can listen first.
    this.#result = Promise.resolve().then(() => this.#runToEnd())
  }

  get result(): Promise<Report> {
    this.#isAwaited = true
    return this.#result
  }

  pause(): void {
    this.#control.pause()
  }

  resume(): void {
    this.#control.resume()
  }

  stop(reason = 'stop() was called'): Promise<Report> {
    this.#control.stop(reason)
    return this.result
  }

  update(settings: RunSettings): void {
    this.#control.update(settings)
  }

  status(): Progress | undefined {
    return this.#meter?.measure(this.#account.counts)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#control.stop('its scope ended')
    // Who asked for the result hears of its failure there; thrown here too, `await using` would make a SuppressedError of both.
    await (this.#isAwaited ? this.#result.catch(() => {}) : this.#result)
  }

  // ── what lanes tell ──

  committed(batch: CommittedBatch): void {
    const { position, counts } = batch
    const id = position.partition.id
    const after = this.#account.cursorOf(id)
    this.#account.add(batch)
    for (const rejection of batch.rejections) {
      const told = rejectedRecord(id, rejection)
      this.#account.reject(told)
      this.events.emit('record:rejected', told)
    }
    this.events.emit('batch:committed', {
      partition: id,
      sequence: position.sequence,
      batch: counts,
      after,
      cursor: position.cursor,
      durationMs: batch.durationMs,
    })
  }

  retried(partition: string, { attempt, waitMs, error }: RetryNotice): void {
    this.#account.retries++
    const { code, message } = DroverError.from(error, 'a transient error')
    this.#plan.options.logger?.warn(
      `${this.#plan.name}: ${code}, trying again in ${waitMs} ms (attempt ${attempt}): ${redactSecrets(message)}`,
    )
    this.events.emit('batch:retried', { partition, attempt, waitMs, code, message: redactSecrets(message) })
  }

  // ── the attempt ──

  async #runToEnd(): Promise<Report> {
    const plan = this.#plan
    const unhook = this.#hookSignals()
    const detach = plan.options.progress
      ? attachProgress(this.events, plan.options.progress === true ? process.stderr : plan.options.progress)
      : undefined
    try {
      const report = await this.#withState()
      plan.options.logger?.info(
        `${plan.name}: ${report.status}${report.reason === undefined ? '' : ` (${report.reason})`}, ${report.counts.read} records read, ${report.counts.written} written, ${report.counts.rejected} rejected`,
      )
      this.events.emit('run:finished', report)
      return report
    } catch (cause) {
      const error = DroverError.from(cause, `${plan.name} failed`)
      plan.options.logger?.error(`${plan.name}: ${error.code}: ${redactSecrets(error.message)}`)
      this.events.emit('run:failed', { name: plan.name, error })
      throw error
    } finally {
      unhook()
      detach?.()
    }
  }

  async #withState(): Promise<Report> {
    const { options } = this.#plan
    const operation = { signal: this.#hard.signal }
    const state = options.state ?? this.#plan.defaultState()
    return closing(options.state === undefined ? state : undefined, async () => {
      if (state.setup !== undefined) await this.#retrying(() => state.setup?.(operation) ?? Promise.resolve())
      await this.#requireFinished(state)
      const stored = await this.#retrying(() => state.load(this.#plan.name, operation))
      if (stored?.status === 'completed' && this.#plan.again === 'nothing') return this.#nothingToDo(stored)
      const opened = await this.#retrying(() =>
        this.#plan.open({ operation, state, bear: (rejections) => this.#bear(rejections) }),
      )
      return closing(opened, () => this.#withPlan(state, stored, opened))
    })
  }

  async #requireFinished(state: StateStore): Promise<void> {
    for (const name of this.#plan.dependsOn) {
      const needed = await state.load(name, { signal: this.#hard.signal })
      if (needed?.status === 'completed') continue
      const stands = needed === null ? 'has never run' : 'has not completed yet'
      throw new DroverError(
        'DEPENDENCY_UNFINISHED',
        `${this.#plan.name} depends on ${name}, which ${stands} in the state store ${state.name}; run ${name} first.`,
      )
    }
  }

  async #withPlan(state: StateStore, stored: RunState | null, opened: OpenedPlan): Promise<Report> {
    const run = await this.#findRun(state, stored, opened)
    this.#account.recall(run)
    const before = this.#account.counts
    const meter = new ProgressMeter(this.#plan.name, run.run, before.read)
    this.#meter = meter
    await opened.begin(run)
    meter.total = await this.#total(opened, before.read)
    this.events.emit('run:started', {
      name: this.#plan.name,
      run: run.run,
      guarantee: this.#plan.guarantee,
      resumed: before.read > 0,
      estimated: meter.total !== undefined && !meter.total.exact,
      ...(meter.total === undefined ? {} : { total: meter.total.value }),
    })
    const timer = setInterval(
      () => this.events.emit('run:progress', meter.measure(this.#account.counts)),
      progressEveryMs,
    )
    timer.unref()
    const leases = this.#leases(state)
    try {
      return await closing(leases, () => this.#withLeases(state, run, opened, leases))
    } finally {
      clearInterval(timer)
      this.events.emit('run:progress', meter.measure(this.#account.counts))
    }
  }

  #leases(store: StateStore): Leases {
    const { name, options } = this.#plan
    return new Leases({
      store,
      name,
      holder: this.#holder,
      ttlMs: options.leaseMs ?? defaultLeaseMs,
      whenHeld: options.whenHeld ?? 'fail',
      control: this.#control,
      operation: { signal: this.#hard.signal },
      onLost: (error) => this.#hard.abort(error),
    })
  }

  /** Works, and notes how it ended; what another process owns is neither finished nor settled here. */
  async #withLeases(state: StateStore, run: RunState, opened: OpenedPlan, leases: Leases): Promise<Report> {
    try {
      await this.#workOn(run, opened, leases)
      const outcome = this.#account.isDone(run) ? 'completed' : 'stopped'
      const reason = outcome === 'stopped' ? (this.#control.stopReason ?? 'it was stopped') : undefined
      if (leases.any) {
        await opened.finish(outcome)
        await this.#settle(state, run, { outcome, ...(reason === undefined ? {} : { reason }) })
      }
      return this.#report(run, outcome, opened.deadLetters, reason)
    } catch (error) {
      if (leases.any && !DroverError.isInstance(error, 'FENCED', 'LEASE_LOST') && !this.#hard.signal.aborted) {
        await this.#settleFailure(state, run, opened, error)
      }
      throw this.#hard.signal.aborted ? abortError(this.#hard.signal) : error
    }
  }

  /** The stored run to go on with, or a new one. */
  async #findRun(state: StateStore, stored: RunState | null, opened: OpenedPlan): Promise<RunState> {
    const { name, fingerprint, options, again } = this.#plan
    if (stored?.status === 'open') {
      if (options.whenChanged === undefined || options.whenChanged === 'refuse')
        refuseChange(name, stored.fingerprint, fingerprint)
      const restart = options.whenChanged === 'restart' && differences(stored.fingerprint, fingerprint).length > 0
      if (!restart) return stored
    }
    const partitions =
      stored !== null && stored.status === 'completed' && again === 'incremental'
        ? continuedPartitions(stored)
        : await opened.partitions(this.#plan.parallel)
    const opening = { name, fingerprint, partitions, follows: stored?.run ?? null }
    const run = await this.#retrying(() => state.open(opening, { signal: this.#hard.signal }))
    refuseChange(name, run.fingerprint, fingerprint) // another process may have been quicker, with another definition
    return run
  }

  async #total(opened: OpenedPlan, readBefore: number): Promise<Count | undefined> {
    const { progress } = this.#plan.options
    const wanted =
      (progress !== undefined && progress !== false) ||
      this.events.hasListeners('run:progress') ||
      this.events.hasListeners('run:started')
    if (!wanted) return undefined
    const count = await opened.count()
    if (count === undefined || !this.#plan.countsWhatIsLeft) return count
    return { value: count.value + readBefore, exact: count.exact }
  }

  /** Every partition in its lane, `parallel` at a time. One that fails stops the others after their batch in hand. */
  async #workOn(run: RunState, opened: OpenedPlan, leases: Leases): Promise<void> {
    const lanes = Math.max(1, Math.min(this.#plan.parallel, run.partitions.length))
    const limit = pLimit(lanes)
    const failures: unknown[] = []
    await Promise.all(
      run.partitions.map((partition) =>
        limit(async () => {
          try {
            await this.#workOnOne(run, partition, opened, leases, lanes)
          } catch (error) {
            failures.push(error)
            this.#control.stop('another partition failed')
          }
        }),
      ),
    )
    if (failures.length > 0) throw failures[0]
  }

  async #workOnOne(
    run: RunState,
    partition: Partition,
    opened: OpenedPlan,
    leases: Leases,
    lanes: number,
  ): Promise<void> {
    if (this.#control.stopReason !== undefined) return
    const lease = await this.#retrying(() => leases.acquire(run.run, partition))
    if (lease === null) return
    const lane = await this.#retrying(() => opened.lane(lease, lanes))
    this.#account.begin(lane.start)
    this.#account.place(await lane.run(this.#control, this))
  }

  #bear(rejections: readonly Rejection[]): void {
    const most = this.#plan.options.maxRejected ?? 0
    const rejected = this.#account.counts.rejected + rejections.length
    const [first] = rejections
    if (rejected <= most || first === undefined) return
    const error = DroverError.from(first.error, 'it failed')
    const key =
      first.key === null ? 'a record without a readable key' : `the record with the key ${JSON.stringify(first.key)}`
    const bears = most === 0 ? 'maxRejected is 0' : `${rejected} records are rejected by now and maxRejected is ${most}`
    throw new DroverError(
      'RECORD_REJECTED',
      `${this.#plan.name}: ${key} was rejected (${first.stage}, ${error.code}): ${redactSecrets(error.message)} Nothing of its batch was committed; ${bears}. Mend the record or the step and call again, or raise maxRejected to send such records to the dead letters.`,
      { cause: error },
    )
  }

  // ── accounting ──

  async #settle(state: StateStore, run: RunState, settlement: Settlement): Promise<void> {
    const { positions } = this.#account
    await this.#retrying(() => state.settle(run.run, { ...settlement, positions }, { signal: this.#hard.signal }))
  }

  /** Says in the store that the attempt failed. What goes wrong meanwhile is said too, but must not hide why it failed. */
  async #settleFailure(state: StateStore, run: RunState, opened: OpenedPlan, error: unknown): Promise<void> {
    const { code, message } = DroverError.from(error, `${this.#plan.name} failed`)
    try {
      await opened.finish('failed')
      const { positions } = this.#account
      await state.settle(
        run.run,
        { outcome: 'failed', reason: `${code}: ${redactSecrets(message)}`, positions },
        { signal: new AbortController().signal },
      )
    } catch (second) {
      const said = second instanceof Error ? second.message : String(second)
      this.#plan.options.logger?.error(`${this.#plan.name}: and its failure could not be noted: ${redactSecrets(said)}`)
    }
  }

  #nothingToDo(stored: RunState): Report {
    this.#account.recall(stored)
    this.#meter = new ProgressMeter(this.#plan.name, stored.run, this.#account.counts.read)
    const since =
      stored.completedAt === undefined ? 'it has completed' : `it completed at ${stored.completedAt.toISOString()}`
    const changes = differences(stored.fingerprint, this.#plan.fingerprint)
    if (changes.length > 0)
      this.#warn(
        'NOT_RESUMABLE',
        `the completed run had another definition (${changes.join('; ')}); again: 'full' would run the new one.`,
      )
    return this.#report(stored, 'nothing', undefined, since)
  }

  #report(run: RunState, status: Report['status'], deadLetters: string | undefined, reason?: string): Report {
    const { rejected } = this.#account.counts
    if (rejected > 0 && deadLetters !== undefined)
      this.#warn('DEAD_LETTERS', `${rejected} records were rejected; they are in ${deadLetters}.`)
    return this.#account.report(run, status, { deadLetters, reason })
  }

  #warn(code: Warning['code'], message: string): void {
    const warning: Warning = { code, message }
    this.#account.warn(warning)
    this.#plan.options.logger?.warn(`${this.#plan.name}: ${message}`)
    // A failing handler of run:warning must not call itself for ever.
    if (code !== 'HANDLER_FAILED' || !message.startsWith('a handler of run:warning '))
      this.events.emit('run:warning', warning)
  }

  #retrying<T>(work: () => Promise<T>): Promise<T> {
    return retrying(work, {
      maxRetries: this.#plan.options.maxRetries ?? defaultMaxRetries,
      signal: this.#hard.signal,
      onRetry: (notice) => this.retried('', notice),
    })
  }

  /** Stops on the caller's signal, and on SIGINT and SIGTERM if asked; a second one does what it always does. */
  #hookSignals(): () => void {
    const { signal, stopOnSignals } = this.#plan.options
    const onAbort = (): void => this.#control.stop('its signal was aborted')
    if (signal?.aborted === true) onAbort()
    signal?.addEventListener('abort', onAbort, { once: true })
    const onSignal = (name: NodeJS.Signals): void => {
      unhook()
      this.#control.stop(`the process got ${name}`)
    }
    const unhook = (): void => {
      process.off('SIGINT', onSignal)
      process.off('SIGTERM', onSignal)
    }
    if (stopOnSignals === true) {
      process.on('SIGINT', onSignal)
      process.on('SIGTERM', onSignal)
    }
    return () => {
      signal?.removeEventListener('abort', onAbort)
      unhook()
    }
  }
}

function rejectedRecord(partition: string, { key, stage, error }: Rejection): RejectedRecord {
  const { code, message } = DroverError.from(error, 'it failed')
  return { partition, key, stage, code, message: redactSecrets(message) }
}
