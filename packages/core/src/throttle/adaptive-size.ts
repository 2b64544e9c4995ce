/** A target time for batches, and what their size may become. */
export interface AdaptiveOptions {
  /** How long a batch is to take, in milliseconds. */
  readonly targetBatchMs: number
  /**
   * What each batch costs apart from its records is paid more often with smaller ones, and a store that is slow gets slower by it.
   *
   * @default a tenth of the size it begins with
   */
  readonly minBatchSize?: number
  /** @default 100000 */
  readonly maxBatchSize?: number
}

const defaultMaxBatchSize = 100_000
const defaultLeastShare = 0.1
/** A size never grows or shrinks by more from one batch to the next. */
const largestStep = 1.2
/** Nearer to the target nothing is changed: each new size makes a lane read anew. */
const deadBand = 0.1
/** How much the last batch says of the next one; the ones before it share the rest. */
const weight = 0.25

/** The size of batches, from a moving average of the time that a record takes. */
export class AdaptiveSize {
  readonly #target: number
  readonly #least: number | undefined
  readonly #most: number
  #ceiling = Number.POSITIVE_INFINITY
  #usual: number | undefined
  #size: number | undefined
  #msPerRecord: number | undefined

  constructor({ targetBatchMs, minBatchSize, maxBatchSize = defaultMaxBatchSize }: AdaptiveOptions) {
    this.#target = targetBatchMs
    this.#least = minBatchSize
    this.#most = maxBatchSize
  }

  /** What somebody asked for while it runs: no batch is larger from now on. */
  atMost(records: number): void {
    this.#ceiling = records
  }

  /** The size of the next batch; `usual` is where it begins. */
  size(usual: number): number {
    this.#usual ??= usual
    this.#size ??= usual
    return Math.round(this.#bounded(this.#size))
  }

  measured(records: number, durationMs: number): void {
    if (records === 0 || this.#size === undefined) return
    const ms = Math.max(durationMs, 0.001) / records
    this.#msPerRecord = this.#msPerRecord === undefined ? ms : this.#msPerRecord + weight * (ms - this.#msPerRecord)
    const now = this.#bounded(this.#size)
    const wanted = this.#target / this.#msPerRecord
    if (Math.abs(wanted / now - 1) <= deadBand) return
    const next = Math.min(now * largestStep, Math.max(now / largestStep, wanted))
    // A step of less than a record would leave a small batch as it is for ever.
    this.#size = this.#bounded(next > now ? Math.max(next, Math.min(wanted, now + 1)) : next)
  }

  #bounded(size: number): number {
    const least = this.#least ?? (this.#usual ?? 1) * defaultLeastShare
    return Math.max(1, Math.min(this.#ceiling, this.#most, Math.max(least, size)))
  }
}
