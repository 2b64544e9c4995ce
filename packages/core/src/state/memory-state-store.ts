import { randomUUID } from 'node:crypto'
import type { Commit, Partition } from '../contracts/position.js'
import type {
  Control,
  Held,
  Lease,
  NewRun,
  RunLease,
  RunState,
  RunStatus,
  Settlement,
  StateStore,
} from '../contracts/state-store.js'
import type { JsonValue, Operation } from '../contracts/values.js'
import { checkOptionNames, shown } from '../errors/check-options.js'
import { DroverError } from '../errors/drover-error.js'
import { changedControl, settledControl } from './changed-control.js'
import { isHolderGone } from './holder.js'
import { PositionLedger } from './position-ledger.js'
import { leaseLost, noSuchRun, notFollowed } from './state-errors.js'

/** Options of {@link memoryStateStore}. */
export interface MemoryStateStoreOptions {
  /** The store's clock, in milliseconds since 1970: for tests of what happens when a lease ends. @default Date.now */
  readonly clock?: () => number
}

/**
 * Keeps runs in memory: for tests, and for runs that need not survive the process. Disposing of it keeps what it holds,
 * so that several runs can use it one after the other.
 *
 * @throws `OPTION_INVALID`
 *
 * @example
 * await runPipeline({ name: 'copy', source, sink, state: memoryStateStore() })
 */
export function memoryStateStore(options: MemoryStateStoreOptions = {}): StateStore {
  checkOptionNames('memoryStateStore', options, ['clock'])
  checkClock('memoryStateStore', options.clock)
  return new MemoryStateStore(new PositionLedger(), options.clock ?? Date.now)
}

/** Refuses a clock that is no function. */
export function checkClock(where: string, clock: unknown): void {
  if (clock === undefined || typeof clock === 'function') return
  throw new DroverError('OPTION_INVALID', `${where}: clock is a function that gives milliseconds, not ${shown(clock)}.`)
}

interface Grant {
  readonly fence: number
  readonly holder: string
  readonly expiresAt: number
  readonly telling?: JsonValue
}

interface StoredRun {
  readonly run: string
  readonly name: string
  readonly fingerprint: NewRun['fingerprint']
  readonly startedAt: number
  readonly partitions: readonly Partition[]
  control: Control
  completedAt?: number
  lastOutcome?: Settlement
  /** By partition, while it is held. */
  readonly grants: Map<string, Grant>
}

/** The store behind `memoryStateStore()`, and beside the rows of a memory sink, with whose positions it shares a ledger. */
export class MemoryStateStore implements StateStore {
  readonly specVersion = 1
  readonly name = 'memory'
  readonly #runs = new Map<string, StoredRun>()
  readonly #newest = new Map<string, StoredRun>()

  constructor(
    private readonly ledger: PositionLedger,
    private readonly clock: () => number,
  ) {}

  async open(wanted: NewRun): Promise<RunState> {
    const { name, fingerprint, partitions, follows } = structuredClone(wanted)
    const newest = this.#newest.get(name)
    if ((newest?.run ?? null) !== follows) {
      if (newest === undefined) throw notFollowed(name, follows, 'the memory state store')
      return this.#stateOf(newest)
    }
    const run: StoredRun = {
      run: randomUUID(),
      name,
      fingerprint,
      partitions,
      startedAt: this.clock(),
      control: { state: 'run' },
      grants: new Map(),
    }
    this.#runs.set(run.run, run)
    this.#newest.set(name, run)
    return this.#stateOf(run)
  }

  async load(name: string): Promise<RunState | null> {
    const newest = this.#newest.get(name)
    return newest === undefined ? null : this.#stateOf(newest)
  }

  async *list({ status }: { readonly status?: RunStatus }): AsyncGenerator<RunState> {
    for (const run of [...this.#newest.values()]) {
      const state = this.#stateOf(run)
      if (status === undefined || state.status === status) yield state
    }
  }

  async acquire(want: {
    readonly run: string
    readonly partition: Partition
    readonly holder: string
    readonly ttlMs: number
  }): Promise<Lease | Held> {
    const { grants } = this.#runOf(want.run)
    const partition = structuredClone(want.partition)
    const standing = grants.get(partition.id)
    if (standing !== undefined && standing.holder !== want.holder && this.#isAlive(standing)) {
      return { heldBy: standing.holder, expiresAt: new Date(standing.expiresAt) }
    }
    const fence = this.ledger.fenceOf(want.run, partition) + 1
    const position = this.ledger.claim({ run: want.run, partition, fence })
    const expiresAt = this.clock() + want.ttlMs
    grants.set(partition.id, { fence, holder: want.holder, expiresAt })
    return { run: want.run, partition, fence, holder: want.holder, expiresAt: new Date(expiresAt), position }
  }

  async heartbeat(
    lease: Lease,
    { ttlMs, telling }: Operation & { readonly ttlMs: number; readonly telling?: JsonValue },
  ): Promise<Control> {
    const { grants, control } = this.#runOf(lease.run)
    const standing = grants.get(lease.partition.id)
    if (standing?.fence !== lease.fence) throw leaseLost(lease, standing?.holder)
    const told = telling === undefined ? {} : { telling: structuredClone(telling) }
    grants.set(lease.partition.id, { ...standing, expiresAt: this.clock() + ttlMs, ...told })
    return control
  }

  async release(lease: Lease): Promise<void> {
    const { grants } = this.#runOf(lease.run)
    if (grants.get(lease.partition.id)?.fence === lease.fence) grants.delete(lease.partition.id)
  }

  async control(run: string, wanted: Partial<Control>): Promise<void> {
    const stored = this.#runOf(run)
    stored.control = changedControl(stored.control, wanted)
  }

  async commit(commit: Commit): Promise<void> {
    this.#runOf(commit.run)
    this.ledger.commit(commit)
  }

  async settle(run: string, settlement: Settlement): Promise<void> {
    const stored = this.#runOf(run)
    stored.control = settledControl(stored.control)
    if (stored.completedAt !== undefined) return
    stored.lastOutcome = structuredClone(settlement)
    if (settlement.outcome === 'completed') stored.completedAt = this.clock()
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #isAlive(grant: Grant): boolean {
    return grant.expiresAt > this.clock() && !isHolderGone(grant.holder)
  }

  #leaseOf(partition: string, grant: Grant): RunLease {
    const { holder, expiresAt, telling } = grant
    return {
      partition,
      holder,
      expiresAt: new Date(expiresAt),
      leftMs: this.#isAlive(grant) ? expiresAt - this.clock() : 0,
      ...(telling === undefined ? {} : { telling }),
    }
  }

  #runOf(run: string): StoredRun {
    const stored = this.#runs.get(run)
    if (stored === undefined) throw noSuchRun(run, 'the memory state store')
    return stored
  }

  #stateOf(stored: StoredRun): RunState {
    const { run, name, fingerprint, partitions, control, grants, completedAt, lastOutcome } = stored
    return {
      run,
      name,
      fingerprint,
      partitions,
      startedAt: new Date(stored.startedAt),
      status: completedAt === undefined ? 'open' : 'completed',
      positions: this.ledger.positions(run),
      control,
      leases: [...grants].map(([partition, grant]) => this.#leaseOf(partition, grant)),
      ...(completedAt === undefined ? {} : { completedAt: new Date(completedAt) }),
      ...(lastOutcome === undefined ? {} : { lastOutcome }),
    }
  }
}
