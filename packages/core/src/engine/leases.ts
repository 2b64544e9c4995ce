import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Partition } from '../contracts/position.js'
import type { Control, Held, Lease, RunState, StateStore } from '../contracts/state-store.js'
import type { JsonValue, Operation } from '../contracts/values.js'
import { DroverError } from '../errors/drover-error.js'
import { type AlsoFailed, closeAll } from './closing.js'
import { LeaseKeeper } from './lease-keeper.js'
import { pause, type Retrying, retrying } from './retry.js'
import type { RunControl } from './run-control.js'

/** How long a lease lasts without a heartbeat, where nobody says. */
export const defaultLeaseMs = 30_000
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
  /** What operators ask for, and when that was asked. */
  readonly hear?: (wanted: Control, sentAt: number) => void
  /** What the run tells of itself to who looks at it from elsewhere. */
  readonly tell?: () => JsonValue | undefined
  /** As short as can be, how it stands: another text is told at once. */
  readonly posture?: () => string
  readonly operation: Operation
  readonly retrying: Retrying
  /** A lease was lost: the work must be given up. */
  readonly onLost: (error: DroverError) => void
  /** What goes wrong besides. */
  readonly alsoFailed: AlsoFailed
}

/** The leases of one attempt. They are kept until the attempt has been settled, so that nobody finishes the same run meanwhile. */
export class Leases implements AsyncDisposable {
  readonly #keepers: LeaseKeeper[] = []
  /** By run: once, whichever partition comes first. */
  readonly #begun = new Map<string, Promise<void>>()

  constructor(private readonly terms: LeaseTerms) {}

  /** Whether this attempt owns any part of the run. */
  get any(): boolean {
    return this.#keepers.length > 0
  }

  /**
   * Gets the lease of a partition; null if the run was stopped while it waited.
   *
   * @param onHeld Told who has it, again and again, and in the end that nobody else has.
   * @throws `RUN_HELD`
   */
  async acquire(
    run: Pick<RunState, 'run' | 'control'>,
    partition: Partition,
    onHeld: (held: Held | undefined) => void = () => {},
  ): Promise<Lease | null> {
    const { store, name, holder, ttlMs, whenHeld, control, operation } = this.terms
    for (;;) {
      const lease = await this.#again(() => store.acquire({ run: run.run, partition, holder, ttlMs }, operation))
      onHeld('heldBy' in lease ? lease : undefined)
      if (!('heldBy' in lease)) {
        const keeper = new LeaseKeeper(lease, this.terms, this.#keepers.length === 0)
        this.#keepers.push(keeper)
        await this.#takeBackStop(lease, run.control)
        await this.#again(() => keeper.begin())
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

  /** An earlier request to stop was obeyed by the attempt it was made of: calling again takes it back. One that comes later holds. */
  async #takeBackStop(lease: Lease, before: Control | undefined): Promise<void> {
    if (before !== undefined && before.state !== 'stop') return
    const { store, operation, ttlMs } = this.terms
    const begun =
      this.#begun.get(lease.run) ??
      this.#again(async () => {
        const wanted = await store.heartbeat(lease, { ...operation, ttlMs })
        if (wanted.state === 'stop' && (before === undefined || wanted.stopRequest === before.stopRequest))
          await store.control(lease.run, { state: 'run' }, operation)
      })
    this.#begun.set(lease.run, begun)
    await begun
  }

  #again<T>(work: () => Promise<T>): Promise<T> {
    return retrying(work, this.terms.retrying)
  }

  /** Gives all of them back. */
  async [Symbol.asyncDispose](): Promise<void> {
    const keepers = this.#keepers.splice(0)
    await closeAll(
      keepers.map((keeper) => () => keeper[Symbol.asyncDispose]()),
      this.terms.alsoFailed,
    )
  }
}
