import type { Control } from '../contracts/state-store.js'
import { checkWholeNumber } from '../errors/check-options.js'
import type { Throttle } from '../throttle/throttle.js'
import { pause } from './retry.js'

/** What can be changed of a run while it runs. */
export interface RunSettings {
  /** Records that become durable together. */
  readonly batchSize?: number
  /** Ceiling over all partitions; 0 lifts it. */
  readonly recordsPerSecond?: number
}

/** Longest wait in one piece, in milliseconds: `stop()`, a deadline and new settings are seen behind it. */
const slice = 100
/** Longest wait before another try of a run that is to stop, in milliseconds. */
const longestWaitToStop = 1_000

/** What was asked of a run, by its caller or by an operator elsewhere; lanes look here between batches. */
export class RunControl {
  batchSize: number | undefined
  #recordsPerSecond: number
  #stopReason: string | undefined
  #paused = false
  #pausedElsewhere = false
  #read = 0
  /** When what was read so far has used up its time under the ceiling. */
  #freeAt = 0

  constructor(
    settings: RunSettings,
    private readonly stopAfter: { readonly records?: number; readonly deadline?: Date } | undefined,
    private readonly onPause: (paused: boolean) => void,
    readonly throttle: Throttle,
  ) {
    this.batchSize = settings.batchSize
    this.#recordsPerSecond = settings.recordsPerSecond ?? 0
  }

  /** Why the run is to stop; undefined while it is not. */
  get stopReason(): string | undefined {
    if (this.#stopReason !== undefined) return this.#stopReason
    if (this.stopAfter?.deadline !== undefined && Date.now() >= this.stopAfter.deadline.getTime())
      return 'its deadline was reached'
    if (this.stopAfter?.records !== undefined && this.#read >= this.stopAfter.records)
      return `${this.#read} records were read, as many as it was to read`
    return this.throttle.stopReason
  }

  /** The batch in hand is to end: to stop, or to pause. */
  get interrupted(): boolean {
    return this.paused || this.throttle.isClosed || this.stopReason !== undefined
  }

  /** The size of the next batch, `usual` being what the lane would take. */
  sizeOf(usual: number): number {
    return this.throttle.batchSize(this.batchSize ?? usual)
  }

  get paused(): boolean {
    return this.#paused || this.#pausedElsewhere
  }

  /** Records per second that it does not exceed. */
  get ceiling(): number {
    return this.#recordsPerSecond > 0 ? this.#recordsPerSecond : Number.POSITIVE_INFINITY
  }

  /** When it stops by itself, whatever is left, in milliseconds from now. */
  get stopsInMs(): number {
    const deadline = this.stopAfter?.deadline
    const left = deadline === undefined ? Number.POSITIVE_INFINITY : deadline.getTime() - Date.now()
    return Math.max(0, Math.min(left, this.throttle.stopsInMs))
  }

  /** Records that the run may still read before `stopAfter.records`. */
  get recordsLeft(): number {
    return this.stopAfter?.records === undefined
      ? Number.POSITIVE_INFINITY
      : Math.max(0, this.stopAfter.records - this.#read)
  }

  stop(reason: string): void {
    this.#stopReason ??= reason
  }

  pause(): void {
    this.#setPaused(true, this.#pausedElsewhere)
  }

  resume(): void {
    this.#setPaused(false, this.#pausedElsewhere)
  }

  update(settings: RunSettings): void {
    checkWholeNumber('update', 'batchSize', settings.batchSize, 1)
    checkWholeNumber('update', 'recordsPerSecond', settings.recordsPerSecond, 0)
    if (settings.batchSize !== undefined) {
      this.batchSize = settings.batchSize
      this.throttle.atMost(settings.batchSize)
    }
    if (settings.recordsPerSecond !== undefined && settings.recordsPerSecond !== this.#recordsPerSecond) {
      this.#recordsPerSecond = settings.recordsPerSecond
      this.#freeAt = 0
    }
  }

  /** What a heartbeat brought from another process. */
  obey(wanted: Control): void {
    const { state, ...settings } = wanted
    this.update(settings)
    this.#setPaused(this.#paused, state === 'pause')
    if (state === 'stop') this.stop('an operator asked for it')
  }

  /** Counts what was read, for `stopAfter` and the ceiling. Time that nothing was read in is not made up for. */
  tally(records: number): void {
    this.#read += records
    if (this.#recordsPerSecond > 0)
      this.#freeAt = Math.max(this.#freeAt, performance.now()) + (records / this.#recordsPerSecond) * 1000
  }

  /** Resolves when the next batch may begin: not while paused, no faster than the ceiling, and not while the throttle lets it rest. Gives whether it had to wait. */
  async whenFree(lane: object, signal: AbortSignal): Promise<boolean> {
    let waited = false
    const gate = this.throttle.gate(lane)
    // A timer of its own: nothing else may keep the process alive while the run waits for somebody to resume it.
    while (this.paused && this.stopReason === undefined) {
      waited = true
      await pause(slice, signal)
    }
    const leftMs = () => Math.max(gate.leftMs, this.#recordsPerSecond > 0 ? this.#freeAt - performance.now() : 0)
    for (let left = leftMs(); left > 0 && this.stopReason === undefined; left = leftMs()) {
      waited = true
      await pause(Math.min(left, slice), signal)
    }
    gate.passed(waited)
    return waited
  }

  /** Waits before another try. A run that is to stop does not wait for long: its batch is either taken soon, or given up. */
  async patience(ms: number, signal: AbortSignal): Promise<void> {
    const begun = performance.now()
    for (;;) {
      const most = this.stopReason === undefined ? ms : Math.min(ms, longestWaitToStop)
      const left = begun + most - performance.now()
      if (left <= 0) return
      await pause(Math.min(left, slice), signal)
    }
  }

  #setPaused(here: boolean, elsewhere: boolean): void {
    const before = this.paused
    this.#paused = here
    this.#pausedElsewhere = elsewhere
    if (this.paused !== before) this.onPause(this.paused)
  }
}
