import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Partition } from '../contracts/position.js'
import type { Lease, StateStore } from '../contracts/state-store.js'
import type { Operation } from '../contracts/values.js'
import { DroverError } from '../errors/drover-error.js'
import { isRetryable, pause } from './retry.js'
import type { RunControl } from './run-control.js'

const pollMs = 500

/** Names this process and run: a state store on the same host can tell by it that the process is gone. */
export function holderName(): string {
  return `${hostname()}:${process.pid}:${randomUUID()}`
}

export interface LeaseTerms {
  readonly store: StateStore
  readonly name: string
  readonly holder: string
  readonly ttlMs: number
  readonly whenHeld: 'fail' | 'wait'
  readonly control: RunControl
  readonly operation: Operation
  /** A lease was lost: the work must be given up. */
  readonly onLost: (error: DroverError) => void
}

/** The leases of one attempt. They are kept until the attempt has been settled, so that nobody finishes the same run meanwhile. */
export class Leases implements AsyncDisposable {
  readonly #keepers: LeaseKeeper[] = []

  constructor(private readonly terms: LeaseTerms) {}

  /** Whether this attempt owns any part of the run. */
  get any(): boolean {
    return this.#keepers.length > 0
  }

  /** Gets the lease of a partition; null if the run was stopped while it waited. @throws `RUN_HELD` */
  async acquire(run: string, partition: Partition): Promise<Lease | null> {
    const { store, name, holder, ttlMs, whenHeld, control, operation } = this.terms
    for (;;) {
      const lease = await store.acquire({ run, partition, holder, ttlMs }, operation)
      if (!('heldBy' in lease)) {
        const keeper = new LeaseKeeper(lease, this.terms)
        this.#keepers.push(keeper)
        await keeper.begin()
        return lease
      }
      if (whenHeld === 'fail') {
        throw new DroverError(
          'RUN_HELD',
          `${name}: ${lease.heldBy} works on it, with a lease until ${lease.expiresAt.toISOString()}. Wait for it, stop that process, or pass whenHeld: 'wait'.`,
        )
      }
      if (control.stopReason !== undefined) return null
      await pause(Math.max(10, Math.min(pollMs, lease.expiresAt.getTime() - Date.now())), operation.signal)
    }
  }

  /** Gives all of them back. */
  async [Symbol.asyncDispose](): Promise<void> {
    const results = await Promise.allSettled(this.#keepers.splice(0).map((keeper) => keeper[Symbol.asyncDispose]()))
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }
}

/** Renews a lease while its partition is worked on, and gives up the work when it is lost. */
class LeaseKeeper implements AsyncDisposable {
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

  /** Asks for the first time. An earlier request to stop was obeyed by the attempt it was made of: calling again takes it back. */
  async begin(): Promise<void> {
    const { store, control, operation, ttlMs } = this.terms
    const wanted = await store.heartbeat(this.lease, { ...operation, ttlMs })
    if (wanted.state === 'stop') await store.control(this.lease.run, { ...wanted, state: 'run' }, operation)
    control.obey(wanted.state === 'stop' ? { ...wanted, state: 'run' } : wanted)
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
    await this.terms.store.release(this.lease, { signal: new AbortController().signal })
  }
}
