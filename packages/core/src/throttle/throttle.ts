import type { Throttled } from '../contracts/events.js'
import type { HealthReading } from '../contracts/health.js'
import { redactSecrets } from '../errors/redact.js'
import { duration } from '../report/text.js'
import { AdaptiveSize } from './adaptive-size.js'
import { Duty } from './duty.js'
import { HealthWatch } from './health-watch.js'
import type { ThrottleOptions } from './throttle-options.js'
import { Windows } from './windows.js'

/** A shorter rest is left for later: timers are no finer, and many small rests are no rest. */
const shortestRestMs = 20
const longestRestMs = 10_000
/** Work that counts for a rest: a lane that has not rested for an hour owes no hour. */
const longestWorkMs = 5_000
/** How soon it is looked again whether a store that must not be touched may be again. */
const haltedMs = 100

/** With a larger share of its time, nobody would call it held back. */
const withoutRest = 0.99
/** How long nothing must have held it back before that is said: a load about its limit would be told of again and again. */
const calmMs = 5_000
const closed = Symbol('no window is open')

/** Both kinds of time, in milliseconds. */
export interface Clock {
  /** Never goes back. */
  steady(): number
  /** Since 1970. */
  wall(): number
}

const systemClock: Clock = { steady: () => performance.now(), wall: () => Date.now() }

export interface ThrottleListener {
  /** It has another reason; undefined: it holds nothing back any more. */
  throttled(now: Throttled | undefined): void
  /** A signal that does not work. */
  signalFailed(message: string): void
}

/** One lane that is about to begin a batch. */
export interface Gate {
  /** How long it still has to wait, in milliseconds; 0: it may begin. Asked again and again. */
  readonly leftMs: number
  /** It begins. */
  passed(waited: boolean): void
}

/** Holds a run back, by its windows and by the health of what it works on, and finds the size of its batches. */
export class Throttle {
  readonly #size: AdaptiveSize | undefined
  readonly #windows: Windows | undefined
  readonly #duty = new Duty()
  readonly #watch: HealthWatch | undefined
  readonly #readings = new Map<string, HealthReading>()
  /** Since when each lane works without a rest. */
  readonly #working = new WeakMap<object, number>()
  /** How long a batch takes, about. */
  #batchMs = 0
  /** The signal, or that no window is open. */
  #told: string | typeof closed | undefined
  /** Since when nothing holds it back, while that has not been told. */
  #calmSince: number | undefined

  constructor(
    private readonly options: ThrottleOptions,
    private readonly listener: ThrottleListener,
    where: string,
    private readonly clock: Clock = systemClock,
  ) {
    const { adaptive, signals, windows } = options
    this.#size = adaptive === undefined ? undefined : new AdaptiveSize(adaptive)
    this.#windows = windows === undefined ? undefined : new Windows(windows, where)
    this.#watch =
      signals === undefined || signals.length === 0
        ? undefined
        : new HealthWatch(signals, {
            read: (signal, reading) => this.read(signal, reading),
            failed: (signal, why) =>
              listener.signalFailed(
                `The signal ${signal} failed: ${why.replace(/\.?$/, '.')} While it does, the run gets neither faster nor slower by it. It is told once, however often it fails.`,
              ),
          })
  }

  /** Asks the signals until it is disposed. */
  watch(): AsyncDisposable {
    this.#watch?.start()
    return { [Symbol.asyncDispose]: async () => this.#watch?.[Symbol.asyncDispose]() }
  }

  /** What a signal said. */
  read(signal: string, { load, reason }: HealthReading): void {
    this.#readings.set(signal, { load, reason: redactSecrets(reason) })
    this.#duty.read(signal, load, this.clock.steady(), this.#batchMs / this.#duty.share)
    this.tell()
  }

  /** Why the run is to stop; undefined while it is not. */
  get stopReason(): string | undefined {
    return this.options.whenClosed === 'stop' && this.isClosed ? `no window is open, ${this.#opening}` : undefined
  }

  /** No window is open: the batch in hand is to end. */
  get isClosed(): boolean {
    return this.#windows !== undefined && !this.#windows.isOpen(this.clock.wall())
  }

  /** Sizes change while it runs. */
  get isAdaptive(): boolean {
    return this.#size !== undefined
  }

  /** The size of the next batch, `usual` being what it is without adapting. */
  batchSize(usual: number): number {
    return this.#size?.size(usual) ?? usual
  }

  /** Somebody asked for batches of this size while it runs. */
  atMost(records: number): void {
    this.#size?.atMost(records)
  }

  /** A batch is durable. */
  measured(records: number, durationMs: number): void {
    this.#size?.measured(records, durationMs)
    this.#batchMs = this.#batchMs === 0 ? durationMs : this.#batchMs + (durationMs - this.#batchMs) / 4
  }

  /** The lane is to have nothing under way when it asks for the next batch: it rests then. */
  wantsRest(lane: object): boolean {
    return this.#duty.isHalted || this.#restMs(lane) >= shortestRestMs
  }

  /** The lane has ended a batch and would begin the next one. */
  gate(lane: object): Gate {
    const restUntil = this.clock.steady() + this.#restMs(lane)
    const hasRest = this.wantsRest(lane)
    const throttle = this
    return {
      get leftMs() {
        const rest = hasRest ? restUntil - throttle.clock.steady() : 0
        return Math.max(0, rest, throttle.#standstillMs)
      },
      passed(waited) {
        if (waited || throttle.#duty.share === 1 || !throttle.#working.has(lane))
          throttle.#working.set(lane, throttle.clock.steady())
      },
    }
  }

  /** What holds the run back now. */
  get now(): Throttled | undefined {
    if (this.isClosed) return { reason: `no window is open, ${this.#opening}`, restMs: this.#closedMs }
    const cause = this.#cause
    if (cause === undefined || cause === closed) return undefined
    const { load, reason } = this.#readings.get(cause) ?? { load: 1, reason: '' }
    const said = reason === '' ? cause : reason
    if (this.#duty.isHalted) return { reason: said, restMs: haltedMs }
    const restMs = Math.round(this.#restOf(this.#batchMs))
    return { reason: load < 0.8 ? `${said}, getting faster again` : said, restMs }
  }

  /** When work is done that takes so long while a window is open, in milliseconds from now. */
  durationOf(workMs: number): number {
    if (this.#windows === undefined) return workMs
    const now = this.clock.wall()
    return this.#windows.endOf(now, workMs) - now
  }

  /** When it stops by itself because its window closes, in milliseconds from now. */
  get stopsInMs(): number {
    if (this.#windows === undefined || this.options.whenClosed !== 'stop') return Number.POSITIVE_INFINITY
    return this.isClosed ? 0 : this.#windows.changesAt(this.clock.wall()) - this.clock.wall()
  }

  /** Tells the listener if something else holds the run back than before. */
  tell(): void {
    const cause = this.#cause
    const isOver = cause === undefined && this.#told !== undefined && this.#told !== closed
    this.#calmSince = isOver ? (this.#calmSince ?? this.clock.steady()) : undefined
    if (cause === this.#told || (isOver && this.clock.steady() - (this.#calmSince ?? 0) < calmMs)) return
    this.#told = cause
    this.listener.throttled(this.now)
  }

  get #cause(): string | typeof closed | undefined {
    if (this.isClosed) return closed
    const { worst, culprit, isHalted, share } = this.#duty
    if (isHalted) return worst?.signal
    return share > withoutRest ? undefined : culprit
  }

  /** How long nothing may be begun at all. */
  get #standstillMs(): number {
    if (this.isClosed) {
      this.tell()
      return Math.max(1, this.#closedMs)
    }
    if (this.#told === closed) this.tell()
    return this.#duty.isHalted || this.#watch?.isReady === false ? haltedMs : 0
  }

  get #closedMs(): number {
    const now = this.clock.wall()
    return (this.#windows?.changesAt(now) ?? now) - now
  }

  get #opening(): string {
    const opens = this.clock.wall() + this.#closedMs
    return Number.isFinite(opens)
      ? `the next one opens in ${duration(this.#closedMs)}, at ${new Date(opens).toISOString()}`
      : 'and none opens within two weeks'
  }

  #restMs(lane: object): number {
    const since = this.#working.get(lane)
    return since === undefined ? 0 : this.#restOf(Math.min(longestWorkMs, this.clock.steady() - since))
  }

  #restOf(workedMs: number): number {
    const { share } = this.#duty
    return Math.min(longestRestMs, (workedMs * (1 - share)) / share)
  }
}
