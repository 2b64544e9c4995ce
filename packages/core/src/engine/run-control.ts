import type { Control } from '../contracts/state-store.js'
import { checkWholeNumber, shown } from '../errors/check-options.js'
import { redactSecrets } from '../errors/redact.js'
import type { Throttle } from '../throttle/throttle.js'
import { pause } from './retry.js'
import { SideBySide } from './side-by-side.js'

/** What can be changed of a run while it runs. */
export interface RunSettings {
  /** Records that become durable together. */
  readonly batchSize?: number
  /** Partitions worked on side by side; at the most as many as there are in the run. */
  readonly concurrency?: number
  /** Ceiling over all partitions; 0 lifts it. */
  readonly recordsPerSecond?: number
}

/** Names of the settings, and the least that each can be. */
const leastSettings: Readonly<Record<keyof RunSettings, number>> = { batchSize: 1, concurrency: 1, recordsPerSecond: 0 }

export const runSettingNames = Object.keys(leastSettings) as readonly (keyof RunSettings)[]

/** @throws `OPTION_INVALID` */
export function checkRunSettings(where: string, settings: RunSettings): void {
  for (const name of runSettingNames) checkWholeNumber(where, name, settings[name], leastSettings[name])
}

/** Told of what is asked of a run. */
export interface ControlListener {
  paused(paused: boolean): void
  /** Something that an operator asked for makes no sense. */
  ignored(message: string): void
}

/** Longest wait in one piece, in milliseconds: `stop()`, a deadline and new settings are seen behind it. */
const slice = 100
/** Longest wait before another try of a run that is to stop, in milliseconds. */
const longestWaitToStop = 1_000

/** What was asked of a run, by its caller or by an operator elsewhere; lanes look here between batches. */
export class RunControl {
  batchSize: number | undefined
  readonly lanes = new SideBySide()
  #recordsPerSecond: number
  #stopReason: string | undefined
  #paused = false
  #pausedElsewhere = false
  /** What operators elsewhere asked for, as far as it was heard; `undefined` before the first heartbeat. */
  #heard: Control | undefined
  /** When that was asked for, by the clock that never goes back. */
  #heardAt = 0
  /** The request to stop that was made before this call, which takes it back. */
  #stopBefore: string | undefined
  #read = 0
  /** When what was read so far has used up its time under the ceiling. */
  #freeAt = 0

  constructor(
    settings: RunSettings,
    private readonly stopAfter: { readonly records?: number; readonly deadline?: Date } | undefined,
    private readonly listener: ControlListener,
    readonly throttle: Throttle,
  ) {
    this.batchSize = settings.batchSize
    this.lanes.wanted = settings.concurrency ?? 1
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
    checkRunSettings('update', settings)
    if (settings.concurrency !== undefined) this.lanes.wanted = settings.concurrency
    if (settings.batchSize !== undefined) {
      this.batchSize = settings.batchSize
      this.throttle.atMost(settings.batchSize)
    }
    if (settings.recordsPerSecond !== undefined && settings.recordsPerSecond !== this.#recordsPerSecond) {
      this.#recordsPerSecond = settings.recordsPerSecond
      this.#freeAt = 0
    }
  }

  /** What stood in the state store before this call: a request to stop was made of an earlier one. */
  takeBack(before: Control | undefined): void {
    this.#stopBefore = before?.stopRequest
  }

  /**
   * What a heartbeat brought from another process, sent at that time. Settings count when they change: what was asked for here since
   * stays. So does a request to stop that others have obeyed: whoever waited for them is not to take their place.
   */
  obey(wanted: Control, sentAt: number): void {
    if (sentAt < this.#heardAt) return
    const before = this.#heard
    this.#heard = wanted
    this.#heardAt = sentAt
    for (const name of runSettingNames) if (wanted[name] !== before?.[name]) this.#change(name, wanted[name])
    this.#setPaused(this.#paused, wanted.state === 'pause')
    const { state, reason, stopRequest } = wanted
    if (state !== 'stop' && ((stopRequest ?? '') === '' || stopRequest === this.#stopBefore)) return
    const why = state === 'stop' && reason !== undefined ? `: ${redactSecrets(reason)}` : ''
    this.stop(`an operator asked for it${why}`)
  }

  /** What operators elsewhere asked for, as far as it was heard. */
  get heard(): Control['state'] {
    return this.#heard?.state ?? 'run'
  }

  /** Paused by its own process. */
  get pausedHere(): boolean {
    return this.#paused
  }

  /** Files and tables can be written by hand. */
  #change(name: keyof RunSettings, value: unknown): void {
    if (value === undefined) return
    if (Number.isSafeInteger(value) && (value as number) >= leastSettings[name]) this.update({ [name]: value })
    else
      this.listener.ignored(
        `an operator asked for ${name} ${shown(value)}, which is no whole number of at least ${leastSettings[name]}; it stays as it was.`,
      )
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
    const leftMs = () => {
      if (this.paused || this.lanes.rests(lane)) return slice
      return Math.max(gate.leftMs, this.#recordsPerSecond > 0 ? this.#freeAt - performance.now() : 0)
    }
    // A timer of its own: nothing else may keep the process alive while the run waits for somebody to resume it.
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
    if (this.paused !== before) this.listener.paused(this.paused)
  }
}
