import { setTimeout as wait } from 'node:timers/promises'

/** Lets so many in at once, and so many in a second. */
export class Turnstile {
  readonly #waiting: (() => void)[] = []
  #free: number
  #opensAt = 0

  constructor(
    atOnce: number,
    private readonly perSecond: number | undefined,
  ) {
    this.#free = atOnce
  }

  /** Runs `work` when it is its turn. @throws the signal's reason if that is aborted before */
  async through<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this.#enter()
    try {
      signal.throwIfAborted()
      await this.#pace(signal)
      return await work()
    } finally {
      this.#leave()
    }
  }

  async #enter(): Promise<void> {
    if (this.#free > 0) {
      this.#free--
      return
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  /** Whoever waits longest takes the place. */
  #leave(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#free++
    else next()
  }

  async #pace(signal: AbortSignal): Promise<void> {
    if (this.perSecond === undefined) return
    const now = performance.now()
    const turn = Math.max(now, this.#opensAt)
    this.#opensAt = turn + 1000 / this.perSecond
    if (turn > now) await wait(turn - now, undefined, { signal })
  }
}
