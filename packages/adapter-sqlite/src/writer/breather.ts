import { setImmediate as nextTurn } from 'node:timers/promises'

const longestMs = 20

/** Gives the event loop a turn when ours has lasted long, over however many batches: better-sqlite3 works on it. */
export class Breather {
  #since = performance.now()

  async breathe(): Promise<void> {
    if (performance.now() - this.#since < longestMs) return
    await nextTurn()
    this.#since = performance.now()
  }
}
