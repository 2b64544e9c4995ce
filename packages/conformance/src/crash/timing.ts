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
const scales = [1, 0.6, 0.3]

/** Chooses the moments of kills so that they land all over a run, however fast the machine is at the moment. */
export class Timing {
  #fullMs = 0
  #firstBatchMs = 0
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
    this.#fullMs = child.endedAt - child.beganAt
    this.#allBatches = Math.max(1, child.batches)
    this.#firstBatchMs = this.#fullMs / (this.#allBatches + 1)
  }

  beginTrial(chance: number): void {
    this.#batchesOfTrial = 0
    this.#scale = scales[Math.floor(chance * scales.length)] ?? 1
  }

  /** How long the next life has, from the moment it begins. */
  delay(chance: number): number {
    const left = 1 - Math.min(1, this.#batchesOfTrial / this.#allBatches)
    // The start and the end of a run take time in every life, however little is left to do.
    const remainingMs = Math.max(left * this.#fullMs, this.#fullMs * 0.15, this.#firstBatchMs * 2)
    return chance * remainingMs * 1.15 * this.#scale
  }

  /** Notes where a kill landed. */
  land(child: Child): void {
    this.#batchesOfTrial += child.batches
    if (this.#batchesOfTrial >= this.#allBatches) this.#after++
    else if (child.batches > 0) this.#between++
    else this.#before++
    // A machine that is busier than it was leaves lives too short to come to anything.
    if (child.batches === 0) this.#scale *= 1.25
  }
}
