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
  /** The same for records anywhere in it, by their places, ascending: for a page whose sink takes it undecoded. Without it those are given as rows. */
  choose?(places: readonly number[]): Page<R>
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
  /**
   * Gives the values of some fields to writers of columns, record after record, without making records of them: for a sink that
   * keeps columns. Present where that spares something.
   *
   * @throws what a writer throws; the values before that one are written
   */
  pour?(pouring: Pouring): void
  /**
   * The records as UTF-8, each as JSON in a line ended by a line feed: for a sink of such files. Present where that spares making
   * records; undefined if one of them needs more than texts, lists, objects of texts, and null. Valid until something else is asked of a page of the
   * same read.
   */
  jsonLines?(): Uint8Array | undefined
}

/** What {@link Page.pour} is asked for. */
export interface Pouring {
  readonly fields: readonly string[]
  /** Parallel to `fields`. */
  readonly into: readonly ColumnWriter[]
  /** Places of the records that are wanted, ascending; all of them without it. */
  readonly records?: ArrayLike<number>
}

/**
 * Takes the values of one column, one after the other. Which method gets the values of a field follows from its logical type as the page's
 * source describes it; one that none of the first ones fits goes to `value`, as `rows()` would have it.
 */
export interface ColumnWriter {
  null(): void
  /** boolean */
  boolean(value: boolean): void
  /** int of 8 to 32 bits; date: days since 1970-01-01 */
  int32(value: number): void
  /** int of 64 bits, as its lower half (taken modulo 2^32) and its upper half (signed) */
  int64(low: number, high: number): void
  /** float */
  float64(value: number): void
  /** timestamp: microseconds since 1970-01-01 (UTC, or without a zone); time: since midnight. Within ±2^53 */
  micros(value: number): void
  /** text and json as UTF-8, bytes as they are, uuid as 16 bytes: `from[start, end)`, to be copied before the call returns */
  bytes(from: Uint8Array, start: number, end: number): void
  /** Any value, as records hold it. */
  value(value: unknown): void
}

/** Columns of a page that is stored by column, or whose fields can be found without decoding the row. */
export interface Columns<out R> {
  get(field: string): ArrayLike<unknown>
  with(field: string, values: ArrayLike<unknown>): Page<R>
}
