import { decodeJson, encodeJson, type JsonValue } from '@drover/core'
import { Pool } from 'undici'
import { answerError } from '../errors/qdrant-error.js'
import type { PointId, WirePoint } from '../wire/wire-point.js'
import type { QdrantConnection } from './qdrant-connection.js'
import { type QdrantLocation, resolveLocation } from './qdrant-location.js'

/**
 * A connection to the server; nothing is sent before it is asked for something.
 *
 * @param where For messages: `qdrantSource`.
 * @throws `OPTION_INVALID`
 */
export function openQdrant(location: QdrantLocation, where: string): QdrantConnection {
  const { name, origin, prefix, headers } = resolveLocation(where, location)
  const pool = new Pool(origin)
  const request: QdrantConnection['request'] = async (method, path, body, { signal, doing }) => {
    const sent = body === undefined ? null : body instanceof Uint8Array ? body : encodeJson(body, { values: 'plain' })
    const answer = await pool.request({
      method,
      path: prefix + path,
      headers: { ...headers, 'content-type': 'application/json' },
      body: sent,
      signal,
    })
    const text = await answer.body.text()
    if (answer.statusCode >= 300) throw answerError(answer.statusCode, text, doing)
    return (decodeJson(text, 'plain') as { result: unknown }).result
  }
  return {
    name,
    request,
    async greet() {
      return undefined
    },
    async upsert(collection, points, { signal, shardKey, mode }) {
      const more = [
        ...(shardKey === undefined ? [] : [`,"shard_key":${JSON.stringify(shardKey)}`]),
        ...(mode === undefined ? [] : [`,"update_mode":"${mode}"`]),
      ].join('')
      await request('PUT', `/collections/${encodeURIComponent(collection)}/points?wait=true`, points.finish(more), {
        signal,
        doing: `writing to collection "${collection}"`,
      })
    },
    async scroll(collection, reading) {
      const body = {
        limit: reading.limit,
        with_payload: reading.withPayload,
        with_vector: reading.withVector,
        ...(reading.offset === undefined ? {} : { offset: reading.offset }),
        ...(reading.filter === undefined ? {} : { filter: reading.filter }),
        ...(reading.shardKey === undefined ? {} : { shard_key: reading.shardKey }),
      } as unknown as JsonValue
      const result = (await request('POST', `/collections/${encodeURIComponent(collection)}/points/scroll`, body, {
        signal: reading.signal,
        doing: `reading collection "${collection}"`,
      })) as { points: { id: PointId; payload?: object; vector?: unknown }[]; next_page_offset?: PointId | null }
      const points = result.points.map(
        ({ id, payload, vector }): WirePoint => ({
          id,
          payload: (payload ?? null) as WirePoint['payload'],
          vector: Array.isArray(vector) ? Float32Array.from(vector as number[]) : null,
          vectors: null,
        }),
      )
      return {
        count: points.length,
        bytes: points.length * 100,
        sizeOf: (place) => encodeJson(result.points[place]).length,
        ids: points.map(({ id }) => id),
        next: result.next_page_offset ?? null,
        point: (place) => points[place] as WirePoint,
        points: () => points,
      }
    },
    async [Symbol.asyncDispose]() {
      await pool.destroy()
    },
  }
}
