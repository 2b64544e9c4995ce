import { setMaxListeners } from 'node:events'
import pLimit from 'p-limit'
import type { Progress } from '../contracts/events.js'
import type { Partition } from '../contracts/position.js'
import type { Report, Warning } from '../contracts/report.js'
import type { Count } from '../contracts/source.js'
import type { Lease, RunState, Settlement, StateStore, TransactionalStateStore } from '../contracts/state-store.js'
import { isDeletes } from '../deletes/deletes-partition.js'
import { DroverError } from '../errors/drover-error.js'
import { redactSecrets } from '../errors/redact.js'
import { grouped } from '../report/text.js'
import { closing } from './closing.js'
import { differences, refuseChange } from './fingerprint.js'
import type { Lane } from './lane.js'
import { defaultLeaseMs, holderName, Leases, type LeaseTerms } from './leases.js'
import { Opening } from './opening.js'
import type { Beginning, OpenedPlan, Plan } from './plan.js'
import { ProgressMeter } from './progress-meter.js'
import type { RejectionLimit } from './rejection-limit.js'
import { abortError, type Retrying, retrying } from './retry.js'
import type { RunAccount } from './run-account.js'
import type { RunControl } from './run-control.js'
import type { RunTeller } from './run-teller.js'
import { StallWatch } from './stall-watch.js'
import { chooseRun, isRepeated } from './stored-run.js'
import { type Telling, telling } from './telling.js'

const defaultMaxRetries = 8
const progressEveryMs = 1_000
const defaultStalledAfterMs = 60_000

export interface AttemptOptions {
  readonly plan: Plan
  readonly control: RunControl
  readonly account: RunAccount
  readonly limit: RejectionLimit
  readonly teller: RunTeller
}

/** One attempt at a run: finds out where it stands, works on its partitions, and settles how it ended. */
export class Attempt {
  readonly #plan: Plan
  readonly #control: RunControl
  readonly #account: RunAccount
  readonly #teller: RunTeller
  /** Aborted when the work must be given up at once: a lease was lost. */
  readonly #hard = new AbortController()
  readonly #operation = { signal: this.#hard.signal }
  readonly #holder = holderName()
  readonly #retrying: Retrying
  readonly #opening = new Opening()
  #meter: ProgressMeter | undefined
  /** Those that work, or rest. */
  readonly #lanes = new Set<Lane>()
  /** All lanes have ended: what is still written, no pause holds up. */
  #isEnding = false

  constructor(private readonly options: AttemptOptions) {
    const { plan, control, account, teller } = options
    this.#plan = plan
    this.#control = control
    this.#account = account
    this.#teller = teller
    setMaxListeners(0, this.#hard.signal) // as many as there are lanes, and calls of theirs
    this.#retrying = {
      maxRetries: plan.options.maxRetries ?? defaultMaxRetries,
      signal: this.#hard.signal,
      wait: (ms, signal) => control.patience(ms, signal),
      onRetry: (notice) => teller.retried('', notice),
    }
  }

  progress(): Progress | undefined {
    return this.#meter?.measure(this.#account.counts, this.#account.attempt.read)
  }

  async run(): Promise<Report> {
    const given = this.#plan.options.state
    const state = given ?? this.#plan.defaultState()
    return this.#closing(given === undefined ? state : undefined, async () => {
      await using watch = this.#watch({ run: '' }, null)
      watch.working(this.#opening)
      const { waitsFor } = state as Partial<Pick<TransactionalStateStore<never>, 'waitsFor'>>
      if (waitsFor !== undefined) this.#opening.learn('state', (operation) => waitsFor.call(state, operation))
      await this.#requireFinished(state)
      const stored = await this.#again(() => state.load(this.#plan.name, this.#operation))
      if (stored?.status === 'completed' && this.#plan.again === 'nothing') return this.#nothingToDo(stored)
      const beginning = stored?.status === 'open' ? undefined : await this.#beginning(state, stored)
      if (beginning !== undefined && 'nothing' in beginning) return this.#nothing(stored, beginning.nothing)
      const { limit } = this.options
      const opened = await this.#again(() =>
        this.#plan.open({
          operation: this.#operation,
          state,
          limit,
          retrying: this.#retrying,
          opening: this.#opening,
          alsoFailed: (error) => this.#teller.alsoFailed(error),
          warn: this.#warn,
          info: (message) => this.#teller.info(redactSecrets(message)),
        }),
      )
      return await this.#closing(opened, () =>
        this.#withPlan(state, stored, opened, { partitions: beginning?.partitions, opening: watch }),
      )
    })
  }

  async #requireFinished(state: StateStore): Promise<void> {
    for (const name of this.#plan.dependsOn) {
      const needed = await this.#again(() => state.load(name, this.#operation))
      if (needed?.status === 'completed') continue
      const stands = needed === null ? 'has never run' : 'has not completed yet'
      throw new DroverError(
        'DEPENDENCY_UNFINISHED',
        `${this.#plan.name} depends on ${name}, which ${stands} in the state store ${state.name}; run ${name} first.`,
      )
    }
  }

  readonly #warn = ({ code, message }: Warning): void => this.#teller.warn(code, redactSecrets(message))

  async #beginning(state: StateStore, before: RunState | null): Promise<Beginning | undefined> {
    const operation = this.#operation
    return this.#again(async () => this.#plan.begins?.({ operation, state, before, warn: this.#warn }))
  }

  async #withPlan(
    state: StateStore,
    stored: RunState | null,
    opened: OpenedPlan,
    {
      partitions,
      opening,
    }: { readonly partitions: readonly Partition[] | undefined; readonly opening: AsyncDisposable },
  ): Promise<Report> {
    // What cannot be opened leaves nothing behind, not even where its run would be kept.
    this.#opening.at('state')
    await this.#again(async () => state.setup?.(this.#operation))
    const run = await this.#findRun(state, stored, opened, partitions)
    this.#account.recall(run)
    const before = this.#account.counts.read
    const meter = new ProgressMeter(this.#plan.name, run.run, this.#control)
    this.#meter = meter
    await opened.begin(run)
    meter.total = await this.#total(opened, before)
    await opening[Symbol.asyncDispose]()
    this.#teller.started({
      name: this.#plan.name,
      run: run.run,
      guarantee: this.#plan.guarantee,
      resumed: before > 0,
      estimated: meter.total !== undefined && !meter.total.exact,
      ...(meter.total === undefined ? {} : { total: meter.total.value }),
    })
    const tell = () => this.#teller.progress(meter.measure(this.#account.counts, this.#account.attempt.read))
    const timer = setInterval(tell, progressEveryMs)
    timer.unref()
    this.#control.takeBack(run.control)
    const leases = this.#leases(state, {
      hear: (wanted, sentAt) => this.#control.obey(wanted, sentAt),
      tell: () =>
        telling({ progress: meter.measure(this.#account.counts, this.#account.attempt.read), ...this.#posture() }),
      posture: () => JSON.stringify(this.#posture()),
    })
    try {
      return await this.#closing(leases, () => this.#withLeases(state, run, opened, leases))
    } finally {
      clearInterval(timer)
      tell()
    }
  }

  #posture(): Omit<Telling, 'progress'> {
    const control = this.#control
    return {
      heard: control.heard,
      pausedHere: control.pausedHere,
      isResting: control.paused && !this.#isEnding && [...this.#lanes].every((lane) => lane.waitsFor === null),
      concurrency: control.lanes.wanted,
      ...(control.batchSize === undefined ? {} : { batchSize: control.batchSize }),
      ...(Number.isFinite(control.ceiling) ? { recordsPerSecond: control.ceiling } : {}),
      leaseMs: this.#leaseMs,
    }
  }

  get #leaseMs(): number {
    return this.#plan.options.leaseMs ?? defaultLeaseMs
  }

  /** Of a run that is left where it stands, nothing is told, and nothing heard. */
  #leases(store: StateStore, speech: Pick<LeaseTerms, 'hear' | 'tell' | 'posture'> = {}): Leases {
    const { name, options } = this.#plan
    return new Leases({
      store,
      name,
      holder: this.#holder,
      ttlMs: this.#leaseMs,
      ...speech,
      whenHeld: options.whenHeld ?? 'fail',
      control: this.#control,
      operation: this.#operation,
      retrying: this.#retrying,
      onLost: (error) => this.#hard.abort(error),
      alsoFailed: (error) => this.#teller.alsoFailed(error),
    })
  }

  /** Works, and notes how it ended; what another process owns is neither finished nor settled here. */
  async #withLeases(state: StateStore, run: RunState, opened: OpenedPlan, leases: Leases): Promise<Report> {
    try {
      await this.#closing(this.#control.throttle.watch(), () => this.#workOn(run, opened, leases))
      this.#isEnding = true
      const outcome = this.#account.isDone(run) ? 'completed' : 'stopped'
      const reason = outcome === 'stopped' ? (this.#control.stopReason ?? 'it was stopped') : undefined
      if (leases.any) {
        await this.#again(() => opened.finish(outcome, this.#account.positions))
        await this.#settle(state, run, { outcome, ...(reason === undefined ? {} : { reason }) })
      }
      return this.#report(run, outcome, opened, reason)
    } catch (error) {
      const isGivenUp = this.#hard.signal.aborted
      this.#control.stop('it failed') // what is still to be done is not waited for long
      if (leases.any && !isGivenUp && !DroverError.isInstance(error, 'FENCED', 'LEASE_LOST'))
        await this.#settleFailure(state, run, opened, error)
      throw isGivenUp ? abortError(this.#hard.signal) : error
    }
  }

  /** The stored run to go on with, or a new one. */
  async #findRun(
    state: StateStore,
    stored: RunState | null,
    opened: OpenedPlan,
    begun: readonly Partition[] | undefined,
  ): Promise<RunState> {
    const { name, fingerprint } = this.#plan
    const choice = chooseRun(stored, this.#plan)
    if (choice.kind === 'resume') return choice.run
    if (choice.kind === 'restart' && !(await this.#takeOver(state, choice.abandoned))) return choice.abandoned
    const partitions =
      (choice.kind === 'begin' ? choice.partitions : null) ??
      begun ??
      (await this.#again(() => opened.partitions(this.#plan.parallel, isRepeated(stored, this.#plan))))
    const opening = { name, fingerprint, partitions, follows: stored?.run ?? null }
    this.#opening.at('state')
    const run = await this.#again(() => state.open(opening, this.#operation))
    refuseChange(name, run.fingerprint, fingerprint) // another process may have been quicker, with another definition
    return run
  }

  /** Makes sure that nobody works on a run any more that is to be left where it stands. False if this one was stopped meanwhile. */
  async #takeOver(state: StateStore, abandoned: RunState): Promise<boolean> {
    const leases = this.#leases(state)
    this.#opening.at('lease')
    return this.#closing(leases, async () => {
      for (const partition of abandoned.partitions)
        if ((await leases.acquire(abandoned, partition)) === null) return false
      return true
    })
  }

  async #total(opened: OpenedPlan, readBefore: number): Promise<Count | undefined> {
    const { progress } = this.#plan.options
    const { events } = this.#teller
    const isShown = progress !== undefined && progress !== false
    if (!isShown && !events.hasListeners('run:progress') && !events.hasListeners('run:started')) return undefined
    const count = await this.#again(() => opened.count())
    if (count === undefined || !this.#plan.countsWhatIsLeft) return count
    return { value: count.value + readBefore, exact: count.exact }
  }

  /** Every partition in its lane, `parallel` at a time. One that fails stops the others after their batch in hand. */
  async #workOn(run: RunState, opened: OpenedPlan, leases: Leases): Promise<void> {
    // The first one alone, before all others: attempts that each held another partition would wait for each other, or all give up.
    const [first] = run.partitions
    const leading = first === undefined ? null : await this.#leading(run, first, leases)
    if (leading === null) return
    const { lanes } = this.#control
    const limit = pLimit(lanes.wanted)
    lanes.onChange = (wanted) => {
      limit.concurrency = wanted
    }
    const most = () => Math.max(1, Math.min(lanes.most, run.partitions.length))
    const failures: unknown[] = []
    const workOnAll = (partitions: readonly Partition[]): Promise<unknown> =>
      Promise.all(
        partitions.map((partition) =>
          limit(async () => {
            try {
              await using watch = this.#watch(run, partition)
              const lease = partition === first ? leading : await this.#lease(run, partition, leases, watch)
              if (lease !== null) await this.#workOnOne(lease, opened, most, watch)
            } catch (error) {
              failures.push(error)
              this.#control.stop('another partition failed')
            }
          }),
        ),
      )
    await workOnAll(run.partitions.filter((partition) => !isDeletes(partition)))
    // What is gone is known once all that is there has come.
    const isLast = this.#account.isDone({ partitions: run.partitions.filter((partition) => !isDeletes(partition)) })
    if (isLast) await workOnAll(run.partitions.filter(isDeletes))
    const [worst, ...others] = failures
    if (!this.#hard.signal.aborted) for (const error of others) this.#teller.alsoFailed(error)
    if (failures.length > 0) throw worst
  }

  async #leading(run: RunState, first: Partition, leases: Leases): Promise<Lease | null> {
    await using watch = this.#watch(run, first)
    return await this.#lease(run, first, leases, watch)
  }

  async #lease(run: RunState, partition: Partition, leases: Leases, watch: StallWatch): Promise<Lease | null> {
    if (this.#control.stopReason !== undefined) return null
    let told: string | undefined
    return leases.acquire(run, partition, (held) => {
      watch.heldBy(held)
      if (held === undefined || held.heldBy === told || this.#plan.options.whenHeld !== 'wait') return
      told = held.heldBy
      this.#teller.info(`waits for ${told}, which works on it`)
    })
  }

  #watch({ run }: Pick<RunState, 'run'>, partition: Partition | null): StallWatch {
    const { name, options } = this.#plan
    return new StallWatch(partition, {
      afterMs: options.stalledAfterMs ?? defaultStalledAfterMs,
      control: this.#control,
      listener: this.#teller,
      onStall: (stall) => this.#teller.stalled({ name, run, ...stall }),
    })
  }

  async #workOnOne(lease: Lease, opened: OpenedPlan, lanes: () => number, watch: StallWatch): Promise<void> {
    watch.working(this.#opening)
    const lane = await this.#again(() => opened.lane(lease, lanes))
    this.#account.begin(lane.start)
    watch.working(lane)
    this.#lanes.add(lane)
    try {
      this.#account.place(await lane.run(this.#control, watch))
    } finally {
      this.#lanes.delete(lane)
      this.#control.lanes.left(lane)
    }
  }

  async #settle(state: StateStore, run: RunState, settlement: Settlement): Promise<void> {
    const { positions } = this.#account
    await this.#again(() => state.settle(run.run, { ...settlement, positions }, this.#operation))
  }

  /** Says in the store that the attempt failed. What goes wrong meanwhile must not hide why it failed. */
  async #settleFailure(state: StateStore, run: RunState, opened: OpenedPlan, error: unknown): Promise<void> {
    const { code, message } = DroverError.from(error, `${this.#plan.name} failed`)
    const reason = `${code}: ${redactSecrets(message)}`
    try {
      await opened.finish('failed', this.#account.positions)
    } catch (second) {
      this.#teller.alsoFailed(second)
    }
    try {
      await this.#settle(state, run, { outcome: 'failed', reason })
    } catch (second) {
      this.#teller.alsoFailed(second)
    }
  }

  #nothingToDo(stored: RunState): Report {
    this.#account.recall(stored)
    this.#meter = new ProgressMeter(this.#plan.name, stored.run, this.#control)
    const since =
      stored.completedAt === undefined ? 'it has completed' : `it completed at ${stored.completedAt.toISOString()}`
    const changes = differences(stored.fingerprint, this.#plan.fingerprint)
    if (changes.length > 0)
      this.#teller.warn(
        'NOT_RESUMABLE',
        `the completed run had another definition (${changes.join('; ')}); again: 'full' would run the new one.`,
      )
    return this.#report(stored, 'nothing', {}, since)
  }

  /** There is nothing to begin a run for: the account is that of the run before, if there was one. */
  #nothing(before: RunState | null, reason: string): Report {
    const { name, fingerprint } = this.#plan
    const none = { run: '', name, fingerprint, status: 'completed', partitions: [], positions: [] } as const
    const run: RunState = before ?? { ...none, startedAt: new Date() }
    this.#account.recall(run)
    this.#meter = new ProgressMeter(name, run.run, this.#control)
    return this.#report(run, 'nothing', {}, reason)
  }

  #report(
    run: RunState,
    status: Report['status'],
    { deadLetters, account }: Partial<Pick<OpenedPlan, 'deadLetters' | 'account'>>,
    reason?: string,
  ): Report {
    const { rejected } = this.#account.counts
    if (rejected > 0 && deadLetters !== undefined)
      this.#teller.warn(
        'DEAD_LETTERS',
        rejected === 1
          ? `1 record was rejected; it is in ${deadLetters}.`
          : `${grouped(rejected)} records were rejected; they are in ${deadLetters}.`,
      )
    return this.#account.report(run, status, { deadLetters, account, reason })
  }

  #again<T>(work: () => Promise<T>): Promise<T> {
    return retrying(work, this.#retrying)
  }

  #closing<T>(resource: AsyncDisposable | undefined, work: () => Promise<T>): Promise<T> {
    return closing(resource, work, (error) => this.#teller.alsoFailed(error))
  }
}
