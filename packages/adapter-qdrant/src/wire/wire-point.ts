import type { Row } from '@drover/core'

/**
 * Id of a point: an integer of 64 bits without sign, a `number` up to 2^53-1 and a `bigint` beyond; or a UUID, which Drover
 * reads and writes in lower case with its hyphens.
 */
export type PointId = number | bigint | string

/** A vector that holds only what is not zero. */
export interface SparseVector {
  /** Whole numbers below 2^32, each of them once. */
  readonly indices: readonly number[]
  /** Parallel to `indices`. */
  readonly values: Float32Array
}

/** Several vectors of one size. */
export type MultiVector = readonly Float32Array[]

/** What a named vector of a point can be. */
export type NamedVector = Float32Array | SparseVector | MultiVector

/** A point as a server sent it: for one that takes it as it is, so that also what JavaScript has no value for arrives, such as the number 1.0. */
export interface RawPoint {
  readonly id: PointId
  /** JSON; null if there is none. */
  readonly payload: Uint8Array | null
  /** JSON of all vectors; null if there are none. */
  readonly vectors: Uint8Array | null
  readonly shardKey: string | number | null
  readonly isRaw: true
}

/** A point as it goes over the wire. */
export interface WirePoint {
  readonly id: PointId
  readonly payload: Row | null
  /** The vector without a name. */
  readonly vector: Float32Array | MultiVector | null
  readonly vectors: Readonly<Record<string, NamedVector>> | null
  /** Where the collection has shards of its user's own: the key of the shard it was read from. Writing names the shard for the whole request. */
  readonly shardKey?: string | number | null
}
