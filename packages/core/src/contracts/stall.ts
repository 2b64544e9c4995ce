import type { Warning } from './report.js'
import type { RecordSchema } from './schema.js'
import type { Operation } from './values.js'

/** What a partition, or a run that is not open yet, waits for: another process that holds it, what gives its records, a step, what writes them, or what keeps its position. */
export type WaitingFor = 'lease' | 'source' | 'transform' | 'sink' | 'state' | 'backfiller'

/** Somebody whom a statement waits for. What a store does not say, or not to this user, is missing. */
export interface Blocker {
  /** The store's number of the connection; 0 is a prepared transaction. */
  readonly pid: number
  readonly applicationName?: string
  /** What it does, such as `idle in transaction`. */
  readonly state?: string
  /** When its last statement began. */
  readonly queryStart?: Date
  /** When its transaction began. */
  readonly transactionStart?: Date
}

/** A statement of the run that is under way, as the store tells. */
export interface StoreWait {
  /** The store's number of the connection. */
  readonly pid: number
  /** Without the values in it. */
  readonly statement: string
  readonly queryStart?: Date
  /** What it waits for, in the store's words, such as `Lock: transactionid`; missing while it works. */
  readonly waitEvent?: string
  readonly blockedBy: readonly Blocker[]
  /** All this in a sentence. */
  readonly message: string
}

/** Gives what statements wait for. It must not stand in the run's way, and ends when the signal is aborted. */
export type Ask = (operation: Operation) => Promise<readonly StoreWait[]>

/** How a source or sink is connected to by a run. */
export interface ConnectOperation extends Operation {
  /**
   * For a session whose statements may have to wait: how it can be asked, from now on, for those that belong to no batch of a sink. It is
   * asked when a run has not been opened for long, or when its source has given nothing for long.
   */
  readonly whenStalled?: (ask: Ask) => void
  /** How many partitions may be worked on side by side. */
  readonly lanes?: number
  /** Something that a person should know, though nothing failed: it becomes a `run:warning`, and is in the log and in the report. */
  readonly warn?: (warning: Warning) => void
  /** Of a verification, for the side that is there: what rows look like on the other side. A store without types gives its values as those. */
  readonly expected?: RecordSchema
}

/** A partition of which nothing was committed for long, or a run that was not open after as long. */
export interface Stall {
  readonly name: string
  /** Empty while the run is opened: it may not be known yet. */
  readonly run: string
  /** Empty while the run is opened. */
  readonly partition: string
  /** Since its last commit, or since it was begun or the run was called; pauses, and waits for the ceiling of records per second, do not count. */
  readonly sinceMs: number
  readonly waitsFor: WaitingFor
  /** What the store says of the partition's statements, where it was asked. */
  readonly statements: readonly StoreWait[]
  /** All this in a sentence, without secrets. */
  readonly message: string
}
