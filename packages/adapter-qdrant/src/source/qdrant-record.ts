import type { Row } from '@drover/core'
import type { MultiVector, NamedVector, PointId } from '../wire/wire-point.js'

/** A point of a collection. */
export type QdrantRecord = {
  /** An integer of 64 bits without sign, as a `number` up to 2^53-1 and a `bigint` beyond; or a UUID in lower case. */
  readonly id: PointId
  /** Integers beyond ±2^53 are `bigint`. Null where `payload` asks for none. */
  readonly payload: Row | null
  /** The vector without a name; null where the point has none. Missing where the collection has named ones alone. */
  readonly vector?: Float32Array | MultiVector | null
  /** Vectors by name; there where the collection has such. Those that the point lacks are missing, and it is null if it lacks all. */
  readonly vectors?: Readonly<Record<string, NamedVector>> | null
  /** The key of the shard; there where shards have keys. */
  readonly shard_key?: string | number
}
