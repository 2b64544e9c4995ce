/**
 * `applied`: it is there. `begun`: outside of a transaction, or split by a backfill, and not at its end: `step` says how far. `reverting`: the
 * same on the way down. A revision that is not applied has no entry.
 */
export type JournalStatus = 'applied' | 'begun' | 'reverting'

/** One revision in the journal. */
export interface JournalEntry {
  readonly revision: string
  readonly status: JournalStatus
  /** How it came in: run by a migrator, said by `stamp` or `repair`, as a baseline, or adopted from another tool's journal. */
  readonly origin: 'run' | 'stamped' | 'baseline' | 'adopted'
  readonly dependsOn: readonly string[]
  readonly description: string
  readonly isCompatible: boolean
  /** Of its steps; empty where it was never recorded. */
  readonly checksum: string
  /** Its steps as text, to show the difference to an edited one. */
  readonly sql: string
  /** Steps done and committed, when it is not at its end; the hash of each, to know them again. */
  readonly steps: readonly string[]
  /** A step that was begun outside a transaction, and is not known to be done. */
  readonly openStep?: number
  readonly notes: readonly string[]
  /** Who: user, host and process. */
  readonly actor: string
  readonly startedAt: Date
  readonly appliedAt?: Date
  readonly durationMs: number
}

/** One line of what was ever done, kept for good. */
export interface JournalEvent {
  readonly at: Date
  readonly revision: string
  readonly action: 'up' | 'down' | 'stamp' | 'unstamp' | 'repair' | 'adopt' | 'baseline' | 'interrupted' | 'failed'
  readonly actor: string
  readonly durationMs: number
  /** The error's code and message, the losses that were accepted, notes. */
  readonly detail: string
}
