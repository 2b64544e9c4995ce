import type { Counts } from './position.js'
import type { Guarantee } from './sink.js'
import type { JsonValue } from './values.js'

/** Something a person should know, though nothing failed. */
export interface Warning {
  readonly code:
    | 'HANDLER_FAILED'
    | 'DEAD_LETTERS'
    /** Dead letters that are sent again were written by another version of the pipeline. */
    | 'OTHER_VERSION'
    | 'ESTIMATED_COUNT'
    | 'NOT_RESUMABLE'
    /** Something that was asked of the run from elsewhere makes no sense, and was left aside. */
    | 'CONTROL_IGNORED'
    /** A partition stood still for longer than `stalledAfterMs`. */
    | 'STALLED'
    /** Something that was to say how a store is doing threw, did not answer, or made no sense. */
    | 'SIGNAL_FAILED'
    /** Records have a field that the sink has no place for and was told to leave out. */
    | 'FIELD_LEFT_OUT'
    /** Indexes of the sink's table were taken off, or stay where they might have been, or are missing. */
    | 'INDEXES'
    /** A pool of the application has fewer connections than the run may hold at once. */
    | 'POOL_TOO_SMALL'
    /** Rows that the run did not give stay, because it gave too little to tell. */
    | 'DELETES'
    /** A file sink's output of earlier runs is gone, and an incremental run writes only what came since. */
    | 'OUTPUT_MISSING'
    /** A sink lost batches that it had confirmed, and their rows with them: they were written once more. */
    | 'STORE_WENT_BACK'
    /** Something of a database is not copied, or not as it was. */
    | 'TABLES'
    /** Keys of a store were not read: they are of a type that was not asked for, or Drover's own. */
    | 'KEYS_LEFT_OUT'
    /** Keys were gone, or of another type, when they were read, or changed while they were. */
    | 'KEYS_CHANGED'
    /** Parts of records expire by themselves in the source's store, and when they do is not read. */
    | 'EXPIRY_LEFT_OUT'
    /** Nothing matches what was to be read. */
    | 'SOURCE_EMPTY'
    /** A key or password goes over a connection that others can listen to. */
    | 'SECRET_EXPOSED'
    /** Records that share a value brought it in several forms: the first one is kept. */
    | 'VALUES_DIFFER'
    /** The store has no place for values that whoever reads it makes again. */
    | 'VALUES_LEFT_OUT'
  readonly message: string
}

/** Where one partition ended up. */
export interface PartitionReport {
  readonly id: string
  readonly done: boolean
  readonly batches: number
  readonly counts: Counts
}

/** The account of a run. All counts are the run's own, from its first attempt on, unless `attempt` says otherwise. */
export interface Report {
  readonly name: string
  readonly run: string
  /**
   * `completed`: every partition is done. `stopped`: by a signal, `stop()` or a budget; the same call goes on. `nothing`: it
   * had completed before, at `completedAt`; this call did nothing, and `counts` are those of then.
   */
  readonly status: 'completed' | 'stopped' | 'nothing'
  /** Why it stopped. */
  readonly reason?: string
  readonly guarantee: Guarantee
  readonly source: string
  readonly sink: string
  /** When the run began, in its first attempt. */
  readonly startedAt: Date
  /** When this call ended. */
  readonly finishedAt: Date
  /** Since when the run is completed; absent while it is not. Of a run that had completed before: when that was. */
  readonly completedAt?: Date
  readonly counts: Counts
  /** This call alone. */
  readonly attempt: {
    readonly counts: Counts
    readonly batches: number
    readonly durationMs: number
    /** Whether it went on from a position that an earlier attempt left. */
    readonly resumed: boolean
    readonly retries: number
  }
  readonly partitions: readonly PartitionReport[]
  /** The first rejected records of this attempt, ten at the most. */
  readonly rejected: readonly RejectedRecord[]
  /** What the sink says of this call besides, such as how many rows an archive found equal, and which it kept. */
  readonly account?: SinkAccount
  /** What became of rows that the run did not give, where `deletes` asks for it; not among the counts. */
  readonly deletes?: {
    /** Deleted, or marked, or no longer marked because their records are back. */
    readonly rows: number
    /** The store would not let them go, for example because other rows refer to them. */
    readonly kept: number
  }
  /** Where the dead letters went, if there are any. */
  readonly deadLetters?: string
  readonly warnings: readonly Warning[]
}

/** What a sink did in one call beyond what the counts say. */
export interface SinkAccount {
  /** Numbers under names of its own. */
  readonly figures: Readonly<Record<string, number>>
  /** The first records that it left as they were, and why, twenty at the most. */
  readonly kept: readonly KeptRecord[]
  /** What it did that is no number, such as which columns it added, each in a few words. */
  readonly notes?: readonly string[]
}

/** A record that stays as it is, though it was asked for. */
export interface KeptRecord {
  readonly key: readonly JsonValue[]
  readonly reason: string
}

/** A record that went to the dead letters. */
export interface RejectedRecord {
  readonly partition: string
  readonly key: readonly JsonValue[] | null
  readonly stage: RejectStage
  readonly code: string
  readonly message: string
}

/** Where on its way a record was rejected: while it was decoded, in a step, or by the sink. */
export type RejectStage = 'read' | 'transform' | 'filter' | 'validate' | 'write'
