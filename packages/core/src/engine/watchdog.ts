const tickMs = 250

interface Guarded {
  readonly deadline: number
  readonly expire: () => void
}

/** Gives up on promises that do not settle in time, with one timer for all of them: a timer per record would cost more than the record. */
export class Watchdog {
  readonly #guarded = new Set<Guarded>()
  #timer: NodeJS.Timeout | undefined

  /** The promise's own outcome, or what `fail` gives once `ms` have passed; checked four times a second. */
  guard<T>(promise: PromiseLike<T>, ms: number, fail: () => Error): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const guarded: Guarded = { deadline: performance.now() + ms, expire: () => reject(fail()) }
      this.#guarded.add(guarded)
      this.#timer ??= setInterval(() => this.#tick(), tickMs)
      promise.then(
        (value) => {
          this.#guarded.delete(guarded)
          resolve(value)
        },
        (error: unknown) => {
          this.#guarded.delete(guarded)
          reject(error)
        },
      )
    })
  }

  #tick(): void {
    const now = performance.now()
    for (const guarded of this.#guarded) {
      if (now < guarded.deadline) continue
      this.#guarded.delete(guarded)
      guarded.expire()
    }
    if (this.#guarded.size === 0) this.close()
  }

  /** Stops the timer; a promise guarded later starts it again. */
  close(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
