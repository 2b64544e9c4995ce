import type { MaybePromise } from '@drover/core'

/** A vector as services of embeddings give them. */
export type Embedding = Float32Array | readonly number[]

/**
 * Makes vectors of texts: one for each, in their order. It throws an error with `isRetryable: true` where the same call may succeed later, with
 * `retryAfterMs` if the service says when; a text that it will never take is a `DroverError` of the code `RECORD_REFUSED`.
 */
export interface Embedder {
  (texts: readonly string[], context: { readonly signal: AbortSignal }): MaybePromise<readonly Embedding[]>
  /** Part of the run's fingerprint: vectors of another model are no neighbours of these. */
  readonly model?: string
  /** Of every vector, where that is known beforehand: then a collection of another size is refused before the first text is sent. */
  readonly dimensions?: number
}

/** How an embedder is called. */
export interface EmbeddingOptions {
  /** Texts of one call at the most. @default 96 */
  readonly batchSize?: number
  /** Characters of one call at the most; a text that is longer goes alone. @default 100_000 */
  readonly batchCharacters?: number
  /** Calls at once. @default 4 */
  readonly concurrency?: number
  /** Calls that begin in a second at the most. @default no ceiling */
  readonly requestsPerSecond?: number
  /** Milliseconds that one call may take. @default 60_000 */
  readonly timeoutMs?: number
  /** How often a call that may succeed later is made again, with growing waits. The run's own retries come on top. @default 5 */
  readonly maxRetries?: number
  /** Memory for the vectors of texts that come again, in bytes; 0 keeps none. @default 67_108_864 */
  readonly cacheBytes?: number
}
