import type { Lease } from '../contracts/state-store.js'
import { DroverError } from '../errors/drover-error.js'
import type { LeaseTerms } from './leases.js'
import { isRetryable, retrying } from './retry.js'

/** Renews a lease while its partition is worked on, and gives up the work when it is lost. */
export class LeaseKeeper implements AsyncDisposable {
  readonly #timer: NodeJS.Timeout
  #expiresAt: number
  #beating: Promise<void> = Promise.resolve()
  #busy = false

  constructor(
    private readonly lease: Lease,
    private readonly terms: LeaseTerms,
  ) {
    this.#expiresAt = performance.now() + terms.ttlMs
    this.#timer = setInterval(
      () => {
        if (!this.#busy) this.#beating = this.#beat()
      },
      Math.max(5, terms.ttlMs / 3),
    )
    this.#timer.unref()
  }

  async #beat(): Promise<void> {
    const { store, control, operation, ttlMs, onLost } = this.terms
    this.#busy = true
    const asked = performance.now()
    try {
      control.obey(await store.heartbeat(this.lease, { ...operation, ttlMs }))
      this.#expiresAt = asked + ttlMs
    } catch (error) {
      // A store that is busy for a moment costs nothing as long as the lease lasts.
      if (isRetryable(error) && performance.now() < this.#expiresAt) return
      onLost(DroverError.from(error, 'the lease could not be renewed', 'LEASE_LOST'))
    } finally {
      this.#busy = false
    }
  }

  /** Stops renewing and gives the lease back. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    await this.#beating
    // Not given up with the run: a lease that is not given back makes everybody wait for its end.
    const { signal } = new AbortController()
    await retrying(() => this.terms.store.release(this.lease, { signal }), { ...this.terms.retrying, signal })
  }
}
