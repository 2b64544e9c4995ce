import type { Count } from './source.js'
import type { Cursor, JsonValue, Operation } from './values.js'

/** What one batch of a backfill did. */
export interface BackfillResult {
  /** Records looked at. */
  readonly scanned: number
  /** Records whose value is another one now; the others were right already, or changed meanwhile. */
  readonly changed: number
  /** Stands after the last record looked at. */
  readonly cursor: Cursor | null
  /** No record is left after `cursor`. */
  readonly done: boolean
}

/**
 * Changes records where they live. Four methods at the most, written by hand; `Tx` is the transaction of the state
 * store in the same database, or void.
 */
export interface Backfiller<Tx = void> {
  readonly name: string
  /** Part of the run's fingerprint. Raise it when what the backfill computes changes. */
  readonly version?: string
  setup?(operation: Operation): Promise<void>
  /** Records that wait for it: the total of the progress line. */
  count?(operation: Operation): Promise<Count>
  /** Handle up to `limit` records after `after`. Write through `tx`: the position is stored in it, so the batch happens once. */
  readonly backfillBatch: (
    options: Operation & { readonly after: Cursor | null; readonly limit: number; readonly tx: Tx },
  ) => Promise<BackfillResult>
  /** The place after the one record that fails, and its key. Without it a poison record stops the run. */
  skip?(
    options: Operation & { readonly after: Cursor | null; readonly tx: Tx },
  ): Promise<{ readonly key: readonly JsonValue[]; readonly cursor: Cursor }>
  teardown?(operation: Operation): Promise<void>
}
