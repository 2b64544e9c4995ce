import type { JsonValue, JsonValues } from '@drover/core'
import type { PointsBody } from '../wire/points-body.js'
import type { ScrollPage } from '../wire/scroll-page.js'
import type { PointId } from '../wire/wire-point.js'

/** Which shard of a collection whose shards have keys; several for reading. */
export type ShardKey = string | number | readonly (string | number)[]

/** What Drover holds of a server; disposing of it closes the connections that Drover made. */
export interface QdrantConnection extends AsyncDisposable {
  /** As messages and names of runs show it, without user, password and key: `vectors.example.org:6333`. */
  readonly name: string
  /**
   * Asks what answers there.
   *
   * @returns the version, undefined where something between keeps it to itself
   * @throws `OPTION_INVALID` if it is no Qdrant, or one that is too old; what {@link request} throws
   */
  greet(signal: AbortSignal): Promise<ServerVersion | undefined>
  /**
   * One request that is no read or write of points by the thousand.
   *
   * @param path Begins with a slash; what is put into it is escaped with `encodeURIComponent`. May hold a query.
   * @returns the `result` of the answer, integers beyond ±2^53 as `bigint`
   * @throws `STORE_UNAVAILABLE`, `STORE_BUSY`, `STORE_DENIED`, `STORE_FULL`, `OPTION_INVALID`, `SOURCE_NOT_FOUND` (404: the caller knows what is
   * missing), `RECORD_REFUSED` (400, 422, and 413: smaller requests may pass), `UNEXPECTED`, `ABORTED`; {@link statusOf} tells the status
   */
  request(
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body: JsonValue | Uint8Array | undefined,
    asking: Asking,
  ): Promise<unknown>
  /** Writes points, and waits until they can be read. The body may be used again when the promise has settled. */
  upsert(collection: string, points: PointsBody, writing: Writing): Promise<void>
  scroll(collection: string, reading: Reading): Promise<ScrollPage>
}

/** The version of a server: `1.17.0` is [1, 17, 0]. */
export type ServerVersion = readonly number[]

export interface Asking {
  readonly signal: AbortSignal
  /** For messages, as what follows "while": `reading the settings of collection "notes"`. */
  readonly doing: string
}

export interface Writing {
  readonly signal: AbortSignal
  readonly shardKey?: ShardKey | undefined
  /** What becomes of ids that are there, or are not; of servers since 1.16. @default 'upsert' */
  readonly mode?: 'upsert' | 'insert_only' | 'update_only' | undefined
}

export interface Reading {
  readonly signal: AbortSignal
  /** The least id that is read. */
  readonly offset?: PointId | undefined
  readonly limit: number
  /** As Qdrant takes it. */
  readonly filter?: JsonValue | undefined
  readonly withPayload: boolean | readonly string[]
  readonly withVector: boolean | readonly string[]
  readonly shardKey?: ShardKey | undefined
  readonly consistency?: number | 'majority' | 'quorum' | 'all' | undefined
  /** `extended` reads what Drover wrote for values that JSON has no form for; `plain` takes every object as it stands. @default 'plain' */
  readonly values?: JsonValues | undefined
}
