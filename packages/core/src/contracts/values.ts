/** A value, or a promise of it. A synchronous answer is never awaited on the hot path. */
export type MaybePromise<T> = T | PromiseLike<T>

/** What JSON can hold; cursors, bounds, keys and fingerprints are made of it, so that every store can keep them. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [name: string]: JsonValue }

/**
 * One record as a plain object.
 *
 * In memory: `bigint` for integers beyond ±2^53, `string` for decimals and for timestamps finer than a
 * millisecond, `Uint8Array` for bytes, `Float32Array` for vectors.
 */
export type Row = Record<string, unknown>

/** Where to go on reading: only the source that made it can read it. A keyset, never an offset into a result. */
export type Cursor = JsonValue

/** What every call that may take long carries: it gives up when the signal is aborted. */
export interface Operation {
  readonly signal: AbortSignal
}
