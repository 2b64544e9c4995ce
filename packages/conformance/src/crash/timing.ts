import type { Child } from './child.js'

/** Where kills landed. */
export interface Landed {
  /** Before a life had made a batch durable. */
  readonly before: number
  /** Behind at least one batch of that life. */
  readonly between: number
  /** Behind the last batch of the run. */
  readonly after: number
}

/** When to kill: so many milliseconds after a life has made so many batches durable. */
export interface Moment {
  readonly batches: number
  readonly thenMs: number
}

/** How much of what is left of a run one life may do: short lives, so that there are many, and long ones, so that they reach the end. */
const scales = [0.7, 0.35, 0.2]

/** This share of the kills lands while a life finds out where the run stands. */
const early = 0.2

/** Chooses the moments of kills so that they land all over a run, however fast the machine is at the moment. */
export class Timing {
  /** From the beginning of a life to its first batch, from one batch to the next, from the last one to the end. */
  #startMs = 1
  #batchMs = 1
  #endMs = 1
  #allBatches = 1
  #batchesOfTrial = 0
  #scale = 1
  #before = 0
  #between = 0
  #after = 0

  constructor(private readonly random: () => number) {}

  get landed(): Landed {
    return { before: this.#before, between: this.#between, after: this.#after }
  }

  /** Takes the measure of a life that nobody disturbed. */
  measure(child: Child): void {
    this.#allBatches = Math.max(1, child.batches)
    if (child.batches === 0) return
    this.#startMs = child.firstBatchAt - child.beganAt
    this.#batchMs = (child.lastBatchAt - child.firstBatchAt) / child.batches
    this.#endMs = child.endedAt - child.lastBatchAt
  }

  beginTrial(): void {
    this.#batchesOfTrial = 0
    this.#scale = scales[Math.floor(this.random() * scales.length)] ?? 1
  }

  /** When to kill the next life. */
  moment(): Moment {
    const { random } = this
    const left = this.#allBatches - this.#batchesOfTrial
    if (left <= 0) return { batches: 0, thenMs: random() * (this.#startMs + this.#endMs) }
    if (random() < early) return { batches: 0, thenMs: random() * this.#startMs }
    const batches = 1 + Math.floor(random() * Math.max(1, Math.ceil(left * this.#scale)))
    return { batches, thenMs: random() * (batches >= left ? this.#endMs : this.#batchMs) }
  }

  /** Notes how far a life came. */
  pass({ batches }: Child): void {
    this.#batchesOfTrial += batches
  }

  /** Notes where a kill landed. */
  land(child: Child): void {
    this.pass(child)
    if (this.#batchesOfTrial >= this.#allBatches) this.#after++
    else if (child.batches > 0) this.#between++
    else this.#before++
    // The machine may be busier by now than it was, or less busy.
    if (child.batches > 0) this.#startMs += (child.firstBatchAt - child.beganAt - this.#startMs) / 4
    if (child.batches > 1) {
      const batchMs = (child.lastBatchAt - child.firstBatchAt) / (child.batches - 1)
      this.#batchMs += (batchMs - this.#batchMs) / 4
    }
  }
}
