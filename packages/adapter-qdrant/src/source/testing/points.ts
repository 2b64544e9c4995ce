import { openQdrant } from '../../connection/open-qdrant.js'
import type { QdrantLocation } from '../../connection/qdrant-location.js'
import { PointsBody } from '../../wire/points-body.js'
import type { WirePoint } from '../../wire/wire-point.js'

/** A point as tests write it: what is missing it does not have. */
export type TestPoint = Pick<WirePoint, 'id'> & Partial<WirePoint>

const { signal } = new AbortController()

/** Puts points into a collection, ids of 64 bits among them, which the client of the vendor rounds. */
export async function putPoints(
  { url, apiKey }: Pick<QdrantLocation, 'url' | 'apiKey'>,
  collection: string,
  points: readonly TestPoint[],
  shardKey?: string | number,
): Promise<void> {
  await using connection = openQdrant({ url, apiKey }, 'a test')
  const body = new PointsBody('plain')
  for (let at = 0; at < points.length; at += 1_000) {
    body.clear()
    for (const point of points.slice(at, at + 1_000)) body.add({ payload: null, vector: null, vectors: null, ...point })
    await connection.upsert(collection, body, { signal, shardKey })
  }
}
