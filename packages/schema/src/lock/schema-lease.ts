import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { DroverError, type Held, type Lease, type Logger, type Operation, type StateStore } from '@drover/core'
import type { Claimed } from '../journal/journal.js'

export interface LeaseTerms {
  readonly state: StateStore
  /** What is locked, as the state store knows it. */
  readonly name: string
  readonly ttlMs: number
  readonly logger?: Logger
}

const partition = { id: 'all', bounds: null }

/**
 * The right to migrate a database: a lease of core, renewed until it is disposed of. A heartbeat that finds the store busy loses nothing, as
 * SQLite takes none while a transaction is open: who may write is decided by the fence.
 */
export class SchemaLease implements AsyncDisposable {
  readonly #terms: LeaseTerms
  readonly #lease: Lease
  readonly #lost = new AbortController()
  readonly #timer: NodeJS.Timeout
  #beating: Promise<void> | undefined
  #onBeat: (() => void) | undefined

  private constructor(terms: LeaseTerms, lease: Lease) {
    this.#terms = terms
    this.#lease = lease
    this.#timer = setInterval(
      () => {
        this.#onBeat?.()
        this.#beating ??= this.#beat().finally(() => {
          this.#beating = undefined
        })
      },
      Math.max(5, terms.ttlMs / 3),
    )
    this.#timer.unref()
  }

  /** Who has it, if it is not to be had. */
  static async take(terms: LeaseTerms, operation: Operation): Promise<SchemaLease | Held> {
    const { state, name, ttlMs } = terms
    try {
      // Who waits only reads: to ask for the lease is to write, and in SQLite that is in the way of the one who works.
      const [standing] = (await state.load(name, operation))?.leases ?? []
      if (standing !== undefined && standing.leftMs > 0)
        return { heldBy: standing.holder, expiresAt: new Date(Date.now() + standing.leftMs) }
      const { run } = await state.open({ name, fingerprint: null, partitions: [partition], follows: null }, operation)
      const holder = `${hostname()}:${process.pid}:${randomUUID()}`
      const lease = await state.acquire({ run, partition, holder, ttlMs }, operation)
      return 'heldBy' in lease ? lease : new SchemaLease(terms, lease)
    } catch (error) {
      // Of SQLite somebody has the write lock: most likely the one who migrates.
      if (DroverError.isInstance(error, 'STORE_BUSY') && error.isRetryable) return lockedByOthers()
      throw error
    }
  }

  get claimed(): Claimed {
    return { run: this.#lease.run, fence: this.#lease.fence }
  }

  /** Aborted when somebody else has it. */
  get signal(): AbortSignal {
    return this.#lost.signal
  }

  /** Called with each heartbeat. */
  set onBeat(call: () => void) {
    this.#onBeat = call
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    await this.#beating
    if (this.#lost.signal.aborted) return
    const { state, name, logger } = this.#terms
    try {
      await state.release(this.#lease, { signal: new AbortController().signal })
    } catch (error) {
      const { code, message } = DroverError.from(error, 'the lease could not be given back')
      logger?.warn(`${name}: the lease was not given back, so others wait until it ends: ${code}: ${message}`)
    }
  }

  async #beat(): Promise<void> {
    const { state, ttlMs } = this.#terms
    try {
      await state.heartbeat(this.#lease, { signal: this.#lost.signal, ttlMs })
    } catch (error) {
      const failure = DroverError.from(error, 'the lease could not be renewed', 'LEASE_LOST')
      if (!failure.isRetryable) this.#lost.abort(failure)
    }
  }
}

/** Somebody has the database locked, and nobody can ask who. */
export function lockedByOthers(): Held {
  return { heldBy: 'a process that has the database locked', expiresAt: new Date() }
}
