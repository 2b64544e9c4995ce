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

/** What a trial's delays are fractions of: long lives, so that kills reach the end, and short ones, so that there are many. */
const scales = [1, 0.5, 0.25]

/** This share of the kills lands while a life finds out where the run stands. */
const early = 0.2

/** Chooses the moments of kills so that they land all over a run, however fast the machine is at the moment. */
export class Timing {
  /** From the beginning of a life to its first batch. */
  #startMs = 1
  /** From there to its end. */
  #workMs = 1
  #allBatches = 1
  #batchesOfTrial = 0
  #scale = 1
  #before = 0
  #between = 0
  #after = 0

  get landed(): Landed {
    return { before: this.#before, between: this.#between, after: this.#after }
  }

  /** Takes the measure of a life that nobody disturbed. */
  measure(child: Child): void {
    const firstBatchAt = child.batches > 0 ? child.firstBatchAt : child.endedAt
    this.#startMs = Math.max(1, firstBatchAt - child.beganAt)
    this.#workMs = Math.max(1, child.endedAt - firstBatchAt)
    this.#allBatches = Math.max(1, child.batches)
  }

  beginTrial(chance: number): void {
    this.#batchesOfTrial = 0
    this.#scale = scales[Math.floor(chance * scales.length)] ?? 1
  }

  /** How long the next life has, from the moment it begins. */
  delay(chance: number): number {
    if (chance < early) return (chance / early) * this.#startMs
    const left = 1 - Math.min(1, this.#batchesOfTrial / this.#allBatches)
    // The end of a run takes time too, however little is left to do before it.
    const remainingMs = Math.max(left, 0.15) * this.#workMs * this.#scale
    return this.#startMs + ((chance - early) / (1 - early)) * remainingMs * 1.1
  }

  /** Notes where a kill landed. */
  land(child: Child): void {
    this.#batchesOfTrial += child.batches
    if (this.#batchesOfTrial >= this.#allBatches) this.#after++
    else if (child.batches > 0) this.#between++
    else this.#before++
    // A machine that is busier, or less busy, than it was takes another time to start.
    if (child.batches > 0) this.#startMs += (child.firstBatchAt - child.beganAt - this.#startMs) / 4
    else if (child.endedAt - child.beganAt > this.#startMs) this.#startMs *= 1.2
  }
}
