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

export interface LeaseWant {
  readonly store: StateStore
  readonly name: string
  readonly run: string
  readonly partition: Partition
  readonly holder: string
  readonly ttlMs: number
  readonly whenHeld: 'fail' | 'wait'
}

/** Gets the lease of a partition; null if the run was stopped while it waited. @throws `RUN_HELD` */
export async function acquireLease(want: LeaseWant, control: RunControl, operation: Operation): Promise<Lease | null> {
  for (;;) {
    const { run, partition, holder, ttlMs } = want
    const lease = await want.store.acquire({ run, partition, holder, ttlMs }, operation)
    if (!('heldBy' in lease)) return lease
    if (want.whenHeld === 'fail') {
      throw new DroverError(
        'RUN_HELD',
        `${want.name}: ${lease.heldBy} works on it, with a lease until ${lease.expiresAt.toISOString()}. Wait for it, stop that process, or pass whenHeld: 'wait'.`,
      )
    }
    if (control.stopReason !== undefined) return null
    await pause(Math.max(10, Math.min(pollMs, lease.expiresAt.getTime() - Date.now())), operation.signal)
  }
}

/** Renews a lease while its partition is worked on, and gives up the work when it is lost. */
export class LeaseKeeper implements AsyncDisposable {
  readonly #timer: NodeJS.Timeout
  #expiresAt: number
  #beating: Promise<void> = Promise.resolve()
  #busy = false

  constructor(
    private readonly store: StateStore,
    private readonly lease: Lease,
    private readonly ttlMs: number,
    private readonly control: RunControl,
    private readonly operation: Operation,
    private readonly onLost: (error: DroverError) => void,
  ) {
    this.#expiresAt = performance.now() + ttlMs
    this.#timer = setInterval(
      () => {
        if (!this.#busy) this.#beating = this.#beat()
      },
      Math.max(5, ttlMs / 3),
    )
    this.#timer.unref()
  }

  async #beat(): Promise<void> {
    this.#busy = true
    const asked = performance.now()
    try {
      this.control.obey(await this.store.heartbeat(this.lease, { ...this.operation, ttlMs: this.ttlMs }))
      this.#expiresAt = asked + this.ttlMs
    } catch (error) {
      // A store that is busy for a moment costs nothing as long as the lease lasts.
      if (isRetryable(error) && performance.now() < this.#expiresAt) return
      this.onLost(DroverError.from(error, 'the lease could not be renewed', 'LEASE_LOST'))
    } finally {
      this.#busy = false
    }
  }

  /** Stops renewing and gives the lease back. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    await this.#beating
    await this.store.release(this.lease, { signal: new AbortController().signal })
  }
}
