import type { Throttled } from '../../contracts/events.js'
import { Throttle } from '../throttle.js'
import type { ThrottleOptions } from '../throttle-options.js'

/** A store of which it is known what work does to it. */
export interface SimulatedStore {
  /** Time goes on, in milliseconds. */
  pass(ms: number, isWorkedOn: boolean): void
  /** What its signal says now. */
  load(): number
  /** How long a batch takes now, in milliseconds. */
  batchMs(records: number): number
}

/** What was seen at a reading, once a second. */
export interface Sample {
  readonly second: number
  readonly load: number
  /** Of the second before it, the part that was worked. */
  readonly worked: number
  readonly batchSize: number
}

const stepMs = 5

/** One lane and its throttle on a clock of their own: hours take no time, and every run is the same. */
export class SimulatedRun {
  readonly samples: Sample[] = []
  readonly told: (Throttled | undefined)[] = []
  readonly batches: { readonly records: number; readonly ms: number }[] = []
  readonly #lane = {}
  readonly #throttle: Throttle
  #now = 0
  #worked = 0
  #size = 0

  constructor(
    private readonly store: SimulatedStore,
    options: ThrottleOptions = {},
    private readonly usualSize = 1_000,
    private readonly readingMs = 1_000,
  ) {
    this.#throttle = new Throttle(
      options,
      { throttled: (now) => this.told.push(now), signalFailed: () => {} },
      'simulated',
      { steady: () => this.#now, wall: () => this.#now },
    )
  }

  run(seconds: number): this {
    const end = this.#now + seconds * 1000
    while (this.#now < end) {
      const gate = this.#throttle.gate(this.#lane)
      let waited = false
      while (gate.leftMs > 0 && this.#now < end) {
        waited = true
        this.#pass(false)
      }
      gate.passed(waited)
      this.#size = this.#throttle.batchSize(this.usualSize)
      const begun = this.#now
      const takes = this.store.batchMs(this.#size)
      while (this.#now - begun < takes) this.#pass(true)
      this.#throttle.measured(this.#size, this.#now - begun)
      this.batches.push({ records: this.#size, ms: this.#now - begun })
    }
    return this
  }

  #pass(isWorkedOn: boolean): void {
    this.#now += stepMs
    this.store.pass(stepMs, isWorkedOn)
    if (isWorkedOn) this.#worked += stepMs
    if (this.#now % this.readingMs !== 0) return
    const load = this.store.load()
    this.#throttle.read('store', { load, reason: `load ${load}` })
    this.samples.push({ second: this.#now / 1000, load, worked: this.#worked / this.readingMs, batchSize: this.#size })
    this.#worked = 0
  }
}

/** What others do to the store, and what a lane does to it that works without a rest; told as the mean since the last question. */
export function rateStore(others: () => number, ours: number, batchMs = 100): SimulatedStore {
  let sum = 0
  let time = 0
  return {
    pass(ms, isWorkedOn) {
      sum += ms * (others() + (isWorkedOn ? ours : 0))
      time += ms
    },
    load() {
      const mean = sum / time
      sum = 0
      time = 0
      return mean
    },
    batchMs: () => batchMs,
  }
}

/** A standby that replays less in a second than a lane writes that works without a rest: what is left over is its lag. */
export function laggingStore(writes: number, replays: number, batchMs = 100): SimulatedStore {
  let lag = 0
  return {
    pass(ms, isWorkedOn) {
      lag = Math.max(0, lag + (ms / 1000) * ((isWorkedOn ? writes : 0) - replays))
    },
    load: () => lag,
    batchMs: () => batchMs,
  }
}

/** How much a series swings: how often it turns, and how far it goes between the turns, as a part of its mean. */
export function swing(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return (Math.max(...values) - Math.min(...values)) / mean
}

/** Means over so many values each: a rest may be longer than a second. */
export function means(values: readonly number[], of: number): number[] {
  return Array.from({ length: Math.floor(values.length / of) }, (_, i) => {
    const part = values.slice(i * of, (i + 1) * of)
    return part.reduce((sum, value) => sum + value, 0) / part.length
  })
}
