import { setImmediate as nextTurn } from 'node:timers/promises'

/** Longest stretch, in milliseconds, that Drover's own work keeps the event loop; half of what is promised. */
const sliceMs = 25
/** Records may run for so long, in milliseconds, before the clock is looked at: looking costs more than most steps. */
const blindMs = 5
const longestStretch = 16

/**
 * Lets timers, signals and the application's requests through. A synchronous driver and synchronous transformers
 * would otherwise run a whole copy in one turn: promises alone never give the loop back.
 */
export class Breather {
  #since = performance.now()
  #looked = this.#since
  #stretch = longestStretch
  #turn: Promise<void> | undefined

  /** Whether it is time to let others run. */
  get due(): boolean {
    return performance.now() - this.#since >= sliceMs
  }

  /** Whether others are let run at this moment: who goes on meanwhile lengthens the slice. */
  get isBreathing(): boolean {
    return this.#turn !== undefined
  }

  /** How many records may run before the next `look`: fewer, where each takes long. */
  get stretch(): number {
    return this.#stretch
  }

  /** Whether it is time to let others run, `records` having run since the last look. */
  look(records: number): boolean {
    const now = performance.now()
    const fit = Math.floor((blindMs * records) / (now - this.#looked))
    this.#stretch = Math.max(1, Math.min(longestStretch, fit, this.#stretch * 2))
    this.#looked = now
    return now - this.#since >= sliceMs
  }

  /** Resolves once others have run. Who waits beside others may find their slice used up by them, and waits again. */
  async breathe(): Promise<void> {
    do {
      this.#turn ??= this.#nextTurn()
      await this.#turn
    } while (this.due)
  }

  async #nextTurn(): Promise<void> {
    await nextTurn()
    this.#turn = undefined
    this.#since = performance.now()
    this.#looked = this.#since
  }
}

/** There is one event loop: all lanes of all runs share what they keep it busy for. */
export const breather = new Breather()
