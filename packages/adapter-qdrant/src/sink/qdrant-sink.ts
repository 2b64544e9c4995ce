import type { AckSession, AckSink } from '@drover/core'
import { openQdrant } from '../connection/open-qdrant.js'
import { locationName } from '../connection/qdrant-location.js'
import { checkOptions } from './check-options.js'
import { readBack } from './read-back.js'
import { type AnyOptions, fingerprintOf, locationOf, type QdrantSinkOptions } from './sink-options.js'
import { defaultBatchBytes, QdrantSinkSession } from './sink-session.js'

const where = 'qdrantSink'

/**
 * Writes records as points of a Qdrant collection, once per id: points are durable (`wait=true`) before the run's position moves, and after a crash the last
 * batches are written again under the same ids.
 *
 * Points that `qdrantSource` read are written as they are. Other records get an id from their whole key, their fields as payload, and the vector
 * from a field, or from `embed`.
 *
 * @throws `OPTION_INVALID`; when it connects or writes `SINK_NOT_READY` (no such collection; another size, distance or name of vectors),
 * `RECORD_REFUSED` with the row (id, dimensions, numbers that are not finite, values that JSON cannot hold), `STORE_UNAVAILABLE`, `STORE_BUSY`, `STORE_FULL`,
 * `STORE_DENIED`; what `embed` throws, and `CONTRACT_BROKEN` for what it should not return.
 *
 * @example
 * const sink = qdrantSink({
 *   collection: 'notes',
 *   embed: openAiEmbedder({ model: 'text-embedding-3-small' }),
 *   embedText: 'content',
 *   create: { vectors: { size: 1536, distance: 'Cosine' }, payloadIndexes: { thread_id: 'keyword' } },
 * })
 */
export function qdrantSink<R extends object = object>(options: QdrantSinkOptions<R>): AckSink<R> {
  const any = options as unknown as AnyOptions
  checkOptions(where, any)
  const { collection, inFlight = 4, batchSize = 1000, batchBytes = defaultBatchBytes } = any
  const name = `qdrant ${locationName(any)} ${collection}`
  // What a function makes of records cannot be made back.
  const isRead = typeof any.payload !== 'function' && typeof any.vector !== 'function'
  return {
    specVersion: 1,
    name,
    version: fingerprintOf(any),
    guarantee: 'idempotent',
    inFlight,
    batchSize,
    limits: { bytes: batchBytes },
    connect: async (operation) => {
      const connection = openQdrant(locationOf(any), where, operation.warn)
      const session = new QdrantSinkSession(connection, any, operation, isRead ? () => readBack(name, any) : undefined)
      try {
        await connection.greet(operation.signal)
        return session as unknown as AckSession<R>
      } catch (error) {
        await connection[Symbol.asyncDispose]()
        throw error
      }
    },
  }
}
