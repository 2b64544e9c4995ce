import type { Lease } from '../contracts/state-store.js'
import { DroverError } from '../errors/drover-error.js'
import { redactSecrets } from '../errors/redact.js'
import type { LeaseTerms } from './leases.js'
import { isRetryable, retrying } from './retry.js'

/** An operator waits for no longer until the run hears him. */
const longestBeatMs = 2_000
/** Nor for what came of it: that is told as soon as it is so. */
const newsMs = 100

/** Renews a lease while its partition is worked on, and gives up the work when it is lost. */
export class LeaseKeeper implements AsyncDisposable {
  readonly #timer: NodeJS.Timeout
  readonly #whenLost: Promise<void>
  #markLost!: () => void
  #isLost = false
  #expiresAt: number
  #beating: Promise<void> = Promise.resolve()
  #isBeating = false
  readonly #everyMs: number
  #dueAt: number
  /** What was asked of an earlier call is not heard before it has been taken back. */
  #hears = false
  /** How the run stood when it was told last. */
  #told: string | undefined
  /** What a heartbeat failed with since the last one that did not. */
  #refused = ''

  constructor(
    private readonly lease: Lease,
    private readonly terms: LeaseTerms,
    /** It tells what the run does, and brings what is asked of it; the others of the same run are renewed only. */
    private readonly isSpeaker: boolean,
  ) {
    this.#expiresAt = performance.now() + terms.ttlMs
    this.#whenLost = new Promise((resolve) => {
      this.#markLost = resolve
    })
    this.#everyMs = Math.max(5, Math.min(terms.ttlMs / 3, isSpeaker ? longestBeatMs : Number.POSITIVE_INFINITY))
    this.#dueAt = performance.now() + this.#everyMs
    this.#timer = setInterval(() => this.#renew(), isSpeaker ? Math.min(newsMs, this.#everyMs) : this.#everyMs)
    this.#timer.unref()
  }

  #renew(): void {
    const now = performance.now()
    if (this.#isBeating) {
      if (now >= this.#expiresAt) this.#lost(this.#unanswered())
      return
    }
    const { posture } = this.terms
    const hasNews = this.isSpeaker && this.#hears && posture !== undefined && posture() !== this.#told
    // A timer may be a little early.
    if (hasNews || now >= this.#dueAt - 5) this.#beating = this.#beat()
  }

  /** Hears from now on what is asked of the run. */
  async begin(): Promise<void> {
    this.#hears = true
    await this.#ask()
  }

  async #ask(): Promise<void> {
    const hears = this.#hears
    const { store, hear, tell, posture, operation, ttlMs } = this.terms
    const telling = this.isSpeaker ? tell?.() : undefined
    this.#told = posture?.()
    const asked = performance.now()
    this.#dueAt = asked + this.#everyMs
    const wanted = await store.heartbeat(this.lease, {
      ...operation,
      ttlMs,
      ...(telling === undefined ? {} : { telling }),
    })
    this.#expiresAt = asked + ttlMs
    if (hears) hear?.(wanted, asked)
  }

  async #beat(): Promise<void> {
    this.#isBeating = true
    try {
      await this.#ask()
      this.#refused = ''
    } catch (error) {
      // A store that is busy for a moment costs nothing as long as the lease lasts.
      if (isRetryable(error) && performance.now() < this.#expiresAt) {
        const { code, message } = DroverError.from(error, 'the lease could not be renewed')
        this.#refused = ` Before that it failed with ${code}: ${redactSecrets(message)}`
        return
      }
      this.#lost(DroverError.from(error, 'the lease could not be renewed', 'LEASE_LOST'))
    } finally {
      this.#isBeating = false
    }
  }

  #lost(error: DroverError): void {
    clearInterval(this.#timer)
    this.#isLost = true
    this.#markLost()
    this.terms.onLost(error)
  }

  #unanswered(): DroverError {
    const { name, store, ttlMs } = this.terms
    return new DroverError(
      'LEASE_LOST',
      `${name}: the state store ${store.name} has not answered for as long as a lease lasts (${ttlMs} ms), so that another process may have partition "${this.lease.partition.id}" by now.${this.#refused} See to the store, then call again.`,
    )
  }

  /** Stops renewing and gives the lease back, unless it is lost. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer.ref() // it ends a heartbeat that is never answered
    await Promise.race([this.#beating, this.#whenLost])
    clearInterval(this.#timer)
    if (this.#isLost) return
    // Not given up with the run: a lease that is not given back makes everybody wait for its end.
    const { signal } = new AbortController()
    await retrying(() => this.terms.store.release(this.lease, { signal }), { ...this.terms.retrying, signal })
  }
}
