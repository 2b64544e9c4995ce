import type { Cursor, JsonValue, Row } from './values.js'

/** What identifies a row: the key of the source record it came from, and which child of that record it is (0 without fan-out). */
export interface RecordKey {
  readonly source: readonly JsonValue[]
  readonly child: number
}

/** A record that the source could not decode. */
export interface SourceReject {
  readonly key: readonly JsonValue[] | null
  readonly error: unknown
  /** The bytes as they stand in the store, where they can be had. */
  readonly raw?: Uint8Array
}

/**
 * What a source reads at once. Nothing is decoded until `rows()` is called, so a sink that knows the page's own
 * class can pass it on as it is.
 */
export interface Page<out R = Row> {
  /** Source records the page stands for: `rows().length + rejected.length` as a source makes it. 0 if only the cursor moves on. */
  readonly count: number
  /** Bytes held, measured or estimated by who made the page. */
  readonly bytes: number
  /** Stands after the last source record of the page, whatever became of that record. */
  readonly cursor: Cursor
  readonly rejected?: readonly SourceReject[]
  /**
   * The decoded records. Asked twice, it answers with the same records.
   *
   * @throws `PAGE_STALE` if it has none: only where the reader named a form that allows it
   */
  rows(): readonly R[]
  /** Parallel to `rows()`. */
  keys(): readonly RecordKey[]
  /** A page of the records `rows()[from, to)` alone, without the rejected ones; the cursor stays. Leaves a poison record out. */
  slice(from: number, to: number): Page<R>
  /**
   * Nobody is going to ask for its rows again, as far as anybody knows: it forgets what it can make again. Rows that are kept
   * until a batch is durable are what the garbage collector moves from place to place.
   *
   * @param isReread The batch can be read again: then the page may forget all, and throw `PAGE_STALE` from then on.
   */
  release?(isReread: boolean): void
  /**
   * The page for a sink that takes it in the form in which it came (`SinkSession.takes`), with no step between: nothing has to be decoded,
   * so no record is rejected because it cannot be. Whoever asks for rows all the same gets such a value in a form that loses nothing.
   */
  asItCame?(): Page<R>
  /** Present when single columns can be had or replaced without decoding the others. */
  readonly columns?: Columns<R>
}

/** Columns of a page that is stored by column, or whose fields can be found without decoding the row. */
export interface Columns<out R> {
  get(field: string): ArrayLike<unknown>
  with(field: string, values: ArrayLike<unknown>): Page<R>
}
