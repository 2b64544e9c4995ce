import type { Page, RecordKey } from './page.js'
import type { Claim, Commit, Partition, Position } from './position.js'
import type { SinkAccount } from './report.js'
import type { FidelityIssue, RecordSchema } from './schema.js'
import type { Source } from './source.js'
import type { ConnectOperation, StoreWait } from './stall.js'
import type { StateStore } from './state-store.js'
import type { Operation, Row } from './values.js'

/** What a run may promise, given its sink. */
export type Guarantee = 'exactly-once' | 'idempotent' | 'at-least-once'

/** What became of the rows of one batch: `inserted + updated + skipped` is their number. */
export interface Outcome {
  readonly inserted: number
  readonly updated: number
  readonly skipped: number
}

/**
 * What becomes durable together. Pull pages as they come; leave the loop to end the batch after the page in hand.
 * A batch may be empty, or hold pages without rows: it then only moves the position. Iterating a second time
 * is not possible; the engine makes a new batch to replay one.
 */
export interface Batch<out R> extends AsyncIterable<Page<R>> {
  readonly partition: Partition
  readonly sequence: number
}

export interface CommitBatch<out R> extends Batch<R> {
  /** Call once, after the loop and inside the transaction: makes dead letters durable first, then gives the position to store with the rows. */
  commit(outcome: Outcome): Promise<Commit>
}

interface SinkInfo {
  readonly specVersion: 1
  /** Part of the run's fingerprint; shown in reports. Carries no secret. */
  readonly name: string
  readonly version?: string
  /** Writing a record again leaves one row: by an upsert, by a deterministic id. A source that repeats needs it. @default guarantee is 'idempotent' */
  readonly keyed?: boolean
  /** Records of one batch that the store does best with: the engine's default. @default 1000 */
  readonly batchSize?: number
  /** A run that begins takes the output from one that has not completed, as with files. Another may then not begin. @default false */
  readonly takesOneRun?: boolean
  /** Ceilings of one batch, and how many partitions may be written side by side (one file: 1). */
  readonly limits?: { readonly records?: number; readonly bytes?: number; readonly partitions?: number }
}

/** How a sink is connected to: with the means to speak to whoever follows the run, where there is a run. */
export interface SinkOperation extends ConnectOperation {
  /** For the log alone. */
  readonly info?: (message: string) => void
  /** For a dry run: nothing is created by connecting, and nothing but `check`, `takes` and `rehearse` is called. */
  readonly rehearses?: boolean
}

/** What came of a rehearsal. */
export interface Rehearsal {
  /** What a run would create, each as a person would name it: `table "messages"`. */
  readonly creates: readonly string[]
  /** Rows that were written and taken back. */
  readonly rows: number
  /** How long writing them took. */
  readonly durationMs: number
  /** Why nothing was written, where writing could not have been taken back. */
  readonly notWritten?: string
}

interface SinkSession extends AsyncDisposable {
  /** What would be lost of such records. Called before the first write; one issue refuses the run. */
  check?(schema: RecordSchema): readonly FidelityIssue[]
  /**
   * Where source and steps do not say what records look like: how many of them are looked at to find out, before `check` and `prepare`. It
   * is the whole first batch if that has fewer. @default those of the first page that has some
   */
  readonly sampleRecords?: number
  /** Make ready for such records: create the table, find the columns. Idempotent; called before the first write of every attempt. */
  prepare?(schema: RecordSchema, operation: Operation): Promise<void>
  /**
   * For a dry run: creates what is missing, writes the pages, and takes all of it back, so that nothing is different afterwards.
   * Others who work with the store may be held up by no more than one batch would. May be called several times.
   *
   * @throws what `prepare` and `write` throw, so that a right that is missing is named before the run.
   */
  rehearse?(schema: RecordSchema, pages: readonly Page<Row>[], operation: Operation): Promise<Rehearsal>
  /** What is there now, for a verification. */
  readBack?(): Source
  /**
   * The row that `readBack` gives for a record, where that is not the record itself: an export keeps of it what a person reads.
   *
   * @throws `RECORD_REFUSED`, `RECORD_UNREADABLE` for a record that was not written
   */
  readsBackAs?(record: Row, key: RecordKey): Row
  /**
   * Names of forms of page that it takes as they are, such as a range of keys in a file that it can attach. They may have no
   * rows: where it needs some after all, it throws `PAGE_STALE` before `commit()`, and gets the batch again as rows.
   */
  readonly forms?: readonly string[] | undefined
  /**
   * It is through with a page once it asks for the next one. Pages that nothing is made of may then forget their rows
   * (`Page.release`); should the batch have to be given once more, it is read again. @default false
   */
  readonly takesPagesOnce?: boolean
  /**
   * Whether it writes this page in the form in which it came, as bytes or by column, and does not ask for its records. Steps that say
   * which fields they read and set (`reads`, `writes`) are then given these fields alone, and it gets a page of the same form.
   */
  takes?(page: Page): boolean
  /** What it did since it was connected, beyond what the counts say. Asked once the run has ended. */
  account?(): SinkAccount | undefined
  /** Bytes buffered beyond the batch (row groups, open writers); they count against `maxInFlightBytes`. */
  heldBytes?(): number
  /**
   * What statements of a partition wait for, beside the run: asked when nothing of it was committed for long. It must not stand in the
   * run's way, and ends when the signal is aborted.
   */
  waitsFor?(partition: Partition, operation: Operation): Promise<readonly StoreWait[]>
  /** Called once all partitions have ended. Idempotent: after a crash it is called again. */
  finish?(outcome: 'completed' | 'stopped' | 'failed', operation: Operation): Promise<void>
}

/** SQL, Redis on one node, files with a manifest: rows and position become durable together, so the position is read back from here. */
export interface ExactSink<in R = Row> extends SinkInfo {
  readonly guarantee: 'exactly-once'
  readonly connect: (operation: SinkOperation) => Promise<ExactSession<R>>
  /** A state store that lives where the rows do: the run's default. */
  readonly stateStore?: () => StateStore
  /**
   * A sink that takes rows of the same store away, exactly once as this one writes them. Its records have the fields of the key, and
   * the field that is set, if one is; those that no row fits any more are skipped. Its positions are kept with this one's.
   */
  readonly remover?: (removing: Removing) => ExactSink<Row>
}

/** What is to become of rows whose records are gone. */
export type Removing = { readonly kind: 'delete' } | { readonly kind: 'mark'; readonly field: string }

export interface ExactSession<in R = Row> extends SinkSession {
  /**
   * Raise the fence of this partition and say where it stands, in one step. Files: what no manifest names is dropped.
   * Null, or a position with sequence 0, if nothing was ever committed.
   *
   * @throws `FENCED` if a higher fence stands there.
   */
  claim(claim: Claim, operation: Operation): Promise<Position | null>
  /**
   * Rows, position and fence in one transaction. `probe` finds out whether the batch would be refused, deferred
   * constraints too, leaves nothing, and never calls `commit`.
   *
   * @throws `FENCED` if another claimed the partition or the sequence has moved; `RECORD_REFUSED` if the store will
   * not take a record, with `row` where the store says which; `BATCH_AGAIN`, before `commit()`, if the batch has shown what the sink has
   * to be prepared for: it is given again at once, and that is no failure.
   */
  readonly write: (batch: CommitBatch<R>, operation: Operation & { readonly mode: 'commit' | 'probe' }) => Promise<void>
}

/** Qdrant, Cosmos, a Redis cluster, a function: all rows are durable when `write` returns; a state store keeps the position. */
export interface AckSink<in R = Row> extends SinkInfo {
  readonly guarantee: 'idempotent' | 'at-least-once'
  /** Batches of one partition that may be open at once; their positions are committed in order. @default 1 */
  readonly inFlight?: number
  readonly connect: (operation: SinkOperation) => Promise<AckSession<R>>
}

export interface AckSession<in R = Row> extends SinkSession {
  /** @throws `RECORD_REFUSED` if the store will not take a record, with `row` where the store says which. */
  readonly write: (batch: Batch<R>, operation: Operation) => Promise<Outcome>
}

/** Where records go. */
export type Sink<R = Row> = ExactSink<R> | AckSink<R>
