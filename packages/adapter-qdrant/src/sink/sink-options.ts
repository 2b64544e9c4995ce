import type { JsonValue, Row } from '@drover/core'
import type { QdrantLocation } from '../connection/qdrant-location.js'
import type { Embedder, EmbeddingOptions } from '../embed/embedder.js'
import type { MultiVector, NamedVector } from '../wire/wire-point.js'
import type { CollectionLike, CollectionSettings } from './collection-settings.js'

/** What a function may return as the vectors of a record: one without a name, or several by name. */
export type GivenVectors =
  | Float32Array
  | readonly number[]
  | MultiVector
  | Readonly<Record<string, NamedVector | readonly number[] | null>>
  | null

/** Options of {@link qdrantSink}. */
export interface QdrantSinkOptions<R extends object = object> extends QdrantLocation {
  readonly collection: string
  /**
   * What a point's id is. `key`: a UUID (version 5, in the namespace 6f1d5e0a-3c55-4a3b-9d5b-0e6b1f0c7d21) of the JSON of the record's whole key and its place
   * among the rows of that key, `["thread","ns","id",0]`, so that no two records become one point, and the same record always becomes the same. `record`: the
   * field `id`. Or a function. What is given is an integer from 0 to 2^64-1, or a UUID.
   *
   * @default 'record' for points of `qdrantSource`, else 'key'
   */
  readonly id?: 'key' | 'record' | ((record: R) => string | number | bigint)
  /**
   * The fields of the payload, or a function that returns it. What JSON has no form for is written as extended JSON: bytes as `{"$binary":…}`.
   *
   * @default the payload of points of `qdrantSource`; else all fields but those that are vectors
   */
  readonly payload?: readonly string[] | ((record: R) => object | null)
  /**
   * The field that holds the vector, fields by the name of the vector, or a function. `{}`: points without vectors.
   *
   * @default vectors of points of `qdrantSource`; else the only field that is a vector
   */
  readonly vector?: string | Readonly<Record<string, string>> | ((record: R) => GivenVectors)
  /** Makes the vector of a record that brings none, from the text that `embedText` says. */
  readonly embed?: Embedder
  /** The field that is embedded, or a function that returns the text. */
  readonly embedText?: string | ((record: R) => string)
  /** The vector that is embedded. @default the only one that `vector` names, or that the collection has */
  readonly embedVector?: string
  readonly embedding?: EmbeddingOptions
  /**
   * What becomes of a record whose id is there already: the point is replaced as a whole, payload and vectors, or left alone, for which the server has
   * to be 1.17 or newer. `'error'` does not exist: after a crash the last batches are written again, and would be refused for the points that they made.
   *
   * @default 'update'
   */
  readonly onConflict?: 'update' | 'skip'
  /** What a collection that is not there is created with: settings, or another collection (of the same server unless it says otherwise) that it is to be like. */
  readonly create?: CollectionSettings | { readonly like: CollectionLike }
  /**
   * `after` turns indexing of vectors off before the first record and on again when the run is complete, which is quicker for large loads. Until then what the
   * threshold was stands in the collection's own metadata (from Qdrant 1.16 on), so that a run that goes on after a crash finds it.
   *
   * @default 'during'
   */
  readonly indexing?: 'during' | 'after'
  /** With `indexing: 'after'`, what the threshold is set to in the end, in kilobytes. @default what it was before */
  readonly indexingThreshold?: number
  /** How long the end of a run waits for the collection to be indexed ("green"), in milliseconds; then it warns, and ends. @default 600_000 */
  readonly greenTimeoutMs?: number
  /** The shard of every point, in collections whose shards have keys; or a function. @default `shard_key` of points of `qdrantSource` */
  readonly shardKey?: string | number | ((record: R) => string | number)
  /** Batches of one partition under way at once. Ids that come again in a run may be applied in any order, unless it is 1. @default 4 */
  readonly inFlight?: number
  /** Records of one batch. @default 1000 */
  readonly batchSize?: number
  /** Bytes of one request, and of one batch; Qdrant takes 32 MB unless it is told otherwise. @default 16_777_216 */
  readonly batchBytes?: number
}

/** Fields of a record that a sink of points gets. */
export type AnyOptions = QdrantSinkOptions<Row>

/** Where the collection is. */
export function locationOf({ url, apiKey, client, timeoutMs }: AnyOptions): QdrantLocation {
  return { url, apiKey, client, timeoutMs }
}

/** What in the options decides what is written; functions are only told from texts. */
export function fingerprintOf(options: AnyOptions): string {
  const said = (given: unknown): JsonValue =>
    typeof given === 'function' ? 'function' : ((given ?? null) as JsonValue)
  const { id, payload, vector, embed, embedText, embedVector, onConflict, shardKey } = options
  return JSON.stringify({
    id: said(id),
    payload: said(payload),
    vector: said(vector),
    ...(embed !== undefined && {
      embed: embed.model ?? 'function',
      embedText: said(embedText),
      embedVector: said(embedVector),
    }),
    onConflict: onConflict ?? 'update',
    shardKey: said(shardKey),
  })
}
