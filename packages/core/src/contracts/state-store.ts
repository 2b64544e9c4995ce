import type { Claim, Commit, Partition, Position } from './position.js'
import type { StoreWait } from './stall.js'
import type { JsonValue, Operation } from './values.js'

/** `open` until every partition is done; then `completed`. A run that stopped or failed is open, with the last outcome noted. */
export type RunStatus = 'open' | 'completed'

/** One execution of a named pipeline or backfill. */
export interface RunState {
  /** The run's own id, a UUID. */
  readonly run: string
  readonly name: string
  readonly fingerprint: JsonValue
  /** By the store's clock, when the run was created: the only clock a built-in transformer uses. */
  readonly startedAt: Date
  readonly status: RunStatus
  /** When `status` became `completed`. */
  readonly completedAt?: Date
  /** How the last attempt ended, where one has. */
  readonly lastOutcome?: Settlement
  readonly partitions: readonly Partition[]
  /** Committed through this store, or through a sink that keeps its positions in it. */
  readonly positions: readonly Position[]
  /** What operators ask for; a store that is asked by operators gives it. */
  readonly control?: Control
  /** Who works on it, as far as leases were not given back; those that are over, too. */
  readonly leases?: readonly RunLease[]
}

/** Who holds a partition of a run, as others see it. */
export interface RunLease {
  /** The partition's id. */
  readonly partition: string
  readonly holder: string
  readonly expiresAt: Date
  /** How long it still lasts without a heartbeat, in milliseconds by the store's clock; 0 if it is over, or its process known to be gone. */
  readonly leftMs: number
  /** What its holder told with a heartbeat, the last time it told anything. */
  readonly telling?: JsonValue
}

/** How an attempt ended. */
export interface Settlement {
  readonly outcome: 'completed' | 'stopped' | 'failed'
  /** A sentence without secrets: why it stopped, the error's code and message. */
  readonly reason?: string
  /** Where the partitions stood: an exact sink keeps them elsewhere than this store. The store keeps it as it keeps the rest, unread. */
  readonly positions?: readonly Position[]
}

/** A new run to create. */
export interface NewRun {
  readonly name: string
  readonly fingerprint: JsonValue
  readonly partitions: readonly Partition[]
  /** The id of the run that it follows, as `load` gave it; null for the first. If another process was quicker, its run is given instead. */
  readonly follows: string | null
}

/** The right to work on a partition until `expiresAt`. */
export interface Lease extends Claim {
  readonly holder: string
  readonly expiresAt: Date
  /** Where this store says the partition stands, read in the step that granted the lease. */
  readonly position: Position | null
}

/** Somebody else works on it. */
export interface Held {
  readonly heldBy: string
  readonly expiresAt: Date
}

/** What an operator, in this process or another, wants of a run. */
export interface Control {
  readonly state: 'run' | 'pause' | 'stop'
  /** Why, in a few words. */
  readonly reason?: string
  /** The last request to stop, told from others by this, or empty; it stays when the request was obeyed, for those who wait for the lease. */
  readonly stopRequest?: string
  /** Records that become durable together. */
  readonly batchSize?: number
  /** Partitions worked on side by side. */
  readonly concurrency?: number
  /** Ceiling over all partitions; 0 lifts it. */
  readonly recordsPerSecond?: number
}

/** Keeps what must outlive a run: its identity, leases, positions and what operators asked for. */
export interface StateStore extends AsyncDisposable {
  readonly specVersion: 1
  readonly name: string
  /**
   * Creates what it needs. Idempotent; safe in several processes at once. The engine calls it once a run's source and sink could be
   * connected, before `open`; `load` and `list` may have been asked before.
   */
  setup?(operation: Operation): Promise<void>
  /** Creates the run, or gives the one another process created after `follows`. */
  open(run: NewRun, operation: Operation): Promise<RunState>
  /**
   * The newest run of that name; null if there is none. May come before `setup`, and creates nothing: null then, unless
   * another process has set up the same place.
   */
  load(name: string, operation: Operation): Promise<RunState | null>
  /** The newest run of every name. May come before `setup`, as `load` may. */
  list(options: Operation & { readonly status?: RunStatus }): AsyncIterable<RunState>
  /** By the store's clock. The fence grows with each acquisition, per partition. A holder on this host whose process is gone counts as expired. */
  acquire(
    want: { readonly run: string; readonly partition: Partition; readonly holder: string; readonly ttlMs: number },
    operation: Operation,
  ): Promise<Lease | Held>
  /**
   * Renews for `ttlMs` and brings what operators asked for. `telling` is what the run tells of itself, which the store keeps unread
   * until it is told something else, or somebody else has the lease.
   *
   * @throws `LEASE_LOST`
   */
  heartbeat(
    lease: Lease,
    options: Operation & { readonly ttlMs: number; readonly telling?: JsonValue },
  ): Promise<Control>
  /** Gives the lease back, if it is still held. */
  release(lease: Lease, operation: Operation): Promise<void>
  /**
   * Notes what an operator wants. What he does not name stays as it was: of two who want different things at once, both are heard.
   * Another `state` takes the `reason` of the one before with it.
   */
  control(run: string, wanted: Partial<Control>, operation: Operation): Promise<void>
  /** Compare-and-set on fence and sequence. @throws `FENCED` */
  commit(commit: Commit, operation: Operation): Promise<void>
  /** Notes how an attempt ended; `completed` completes the run. */
  settle(run: string, settlement: Settlement, operation: Operation): Promise<void>
}

/** A state store in a database that the user writes to: one transaction for both. */
export interface TransactionalStateStore<Tx> extends StateStore {
  /** Runs `work`, stores the commit it gives with the same fence and sequence check, and commits both or neither. @throws `FENCED` */
  transaction<T>(
    work: (tx: Tx) => Promise<{ readonly commit: Commit; readonly value: T }>,
    operation: Operation,
  ): Promise<T>
  /** What statements in its transactions wait for; asked as a sink's `waitsFor` is. */
  waitsFor?(operation: Operation): Promise<readonly StoreWait[]>
}
