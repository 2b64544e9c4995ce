import type { Collection, Point } from './collection.js'
import type { VectorSettings } from './collection-settings.js'
import { filterOf } from './filter.js'
import { isObject, type Json, JsonFloat, type JsonObject } from './json-scanner.js'
import { type PointId, pointId } from './point-id.js'
import { badBody, Refusal, wrongInput } from './refusal.js'
import { storedVector } from './stored-vectors.js'
import { isSparse, type SparseValue, unnamed, type VectorValue, vectorOf } from './vector-value.js'

export interface Hit {
  readonly point: Point
  readonly score: number
}

/** `POST points/query`: the nearest points to a vector or to another point, every one of them looked at. @throws Refusal */
export function query(collection: Collection, body: JsonObject): Hit[] {
  const limit = typeof body.limit === 'number' ? body.limit : 10
  const offset = typeof body.offset === 'number' ? body.offset : 0
  const matches = filterOf(body.filter)
  const shards = collection.shardsFor(body.shard_key, false)
  const points = [...collection.from(null, shards.values())].filter((point) => matches === null || matches(point))
  if (body.prefetch != null) throw badBody('prefetch is not in this server')
  if (body.query == null) return points.slice(offset, offset + limit).map((point) => ({ point, score: 1 }))
  if (isObject(body.query) && body.query.sample === 'random') {
    // As many as there are, once each, in any order.
    const shuffled = points.map((point) => ({ point, at: Math.random() })).sort((a, b) => a.at - b.at)
    return shuffled.slice(0, limit).map(({ point }) => ({ point, score: 0 }))
  }
  const name = typeof body.using === 'string' ? body.using : unnamed
  const settings = collection.vectors.get(name)
  if (settings === undefined) throw wrongInput(`Not existing vector name error: ${name}`)
  const { vector, self } = target(collection, body.query, name, settings)
  const threshold = numberOf(body.score_threshold)
  const smallIsNear = settings.distance === 'Euclid' || settings.distance === 'Manhattan'
  const hits: Hit[] = []
  for (const point of points) {
    const stored = point.vectors.get(name)
    if (stored === undefined || point.id === self) continue
    const score = scoreOf(vector, stored, settings)
    if (score === null || (threshold !== null && (smallIsNear ? score > threshold : score < threshold))) continue
    hits.push({ point, score })
  }
  return hits.sort((a, b) => (smallIsNear ? a.score - b.score : b.score - a.score)).slice(offset, offset + limit)
}

function target(
  collection: Collection,
  asked: Json,
  name: string,
  settings: VectorSettings,
): { vector: VectorValue; self: PointId | null } {
  const nearest = isObject(asked) && 'nearest' in asked ? (asked.nearest ?? null) : asked
  const given = vectorOf(nearest)
  if (given !== undefined) return { vector: storedVector(name, given, settings), self: null }
  if (isObject(nearest)) throw badBody('this kind of query is not in this server')
  const id = pointId(nearest)
  for (const points of collection.shards.values()) {
    const vector = points.get(id)?.vectors.get(name)
    if (vector !== undefined) return { vector, self: id }
  }
  throw new Refusal(404, `Not found: No point with id ${id} found`)
}

/** Null where two sparse vectors have nothing in common. */
function scoreOf(query: VectorValue, stored: VectorValue, { distance }: VectorSettings): number | null {
  if (isSparse(query)) return isSparse(stored) ? sparseScore(query, stored) : null
  if (isSparse(stored)) return null
  const queries = Array.isArray(query) ? query : [query]
  const all = Array.isArray(stored) ? stored : [stored]
  const near = distance === 'Euclid' || distance === 'Manhattan' ? Math.min : Math.max
  return Math.fround(
    queries.reduce(
      (sum, one) => sum + all.map((other) => similarity(one, other, distance)).reduce((a, b) => near(a, b)),
      0,
    ),
  )
}

function similarity(a: Float32Array, b: Float32Array, distance: VectorSettings['distance']): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i] ?? 0, b[i] ?? 0]
    if (distance === 'Euclid') sum += (x - y) ** 2
    else if (distance === 'Manhattan') sum += Math.abs(x - y)
    else sum += x * y
  }
  return distance === 'Euclid' ? Math.sqrt(sum) : sum
}

function sparseScore(a: SparseValue, b: SparseValue): number | null {
  const weights = new Map([...b.indices].map((index, at) => [index, b.values[at] ?? 0]))
  let sum: number | null = null
  a.indices.forEach((index, at) => {
    const weight = weights.get(index)
    if (weight !== undefined) sum = (sum ?? 0) + weight * (a.values[at] ?? 0)
  })
  return sum === null ? null : Math.fround(sum)
}

function numberOf(value: Json | undefined): number | null {
  if (value instanceof JsonFloat) return value.value
  return typeof value === 'number' ? value : null
}
