import { setImmediate as nextTurn } from 'node:timers/promises'

/** Longest stretch, in milliseconds, that Drover's own work keeps the event loop; half of what is promised. */
const sliceMs = 25

/**
 * Lets timers, signals and the application's requests through. A synchronous driver and synchronous transformers
 * would otherwise run a whole copy in one turn: promises alone never give the loop back.
 */
export class Breather {
  #since = performance.now()

  /** Whether it is time to let others run. */
  get due(): boolean {
    return performance.now() - this.#since >= sliceMs
  }

  async breathe(): Promise<void> {
    await nextTurn()
    this.#since = performance.now()
  }
}
