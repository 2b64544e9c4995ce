import type { Collection, Point, Points, ShardKey } from './collection.js'
import { filterOf } from './filter.js'
import { isObject, type Json, type JsonObject } from './json-scanner.js'
import { type PayloadPath, payloadPath, withFields, without } from './payload-path.js'
import type { PointInput, PointsInput } from './point-bodies.js'
import { type PointId, pointId } from './point-id.js'
import { badBody, invalidBody, Refusal } from './refusal.js'
import { storedVectors } from './stored-vectors.js'
import type { Update } from './update-queue.js'
import { checkedVectors } from './vector-checks.js'
import type { Vectors } from './vector-value.js'

/**
 * Writes whole points: vectors and payload that a point had before and does not have now are gone. If one of them cannot be stored,
 * those before it are, as they may be in the real server, which stores them one by one.
 */
export function upsert(collection: Collection, { points, rest }: PointsInput): Update {
  for (const { vectors } of points) checkedVectors(vectors)
  const shards = collection.shardsFor(rest.shard_key, true)
  const matches = filterOf(rest.update_filter)
  const mode = rest.update_mode ?? 'upsert'
  const isWanted = (before: Point | undefined): boolean =>
    before === undefined ? mode !== 'update_only' : mode !== 'insert_only' && (matches === null || matches(before))
  return (version) => {
    for (const [shardKey, stored] of shards) {
      for (const input of points) {
        if (isWanted(stored.get(input.id))) stored.set(pointOf(input, collection, version, shardKey))
      }
    }
  }
}

function pointOf(input: PointInput, collection: Collection, version: number, shardKey: ShardKey | null): Point {
  const vectors = storedVectors(input.vectors, collection.vectors)
  return { id: input.id, version, vectors, payload: input.payload ?? {}, shardKey }
}

export function deletePoints(collection: Collection, body: JsonObject): Update {
  const shards = collection.shardsFor(body.shard_key, true)
  const choose = chosen(body, false)
  return () => {
    for (const points of shards.values()) for (const id of choose(points)) points.delete(id)
  }
}

export function setPayload(collection: Collection, body: JsonObject): Update {
  const fields = payloadOf(body)
  const path = body.key == null ? [] : payloadPath(body.key)
  return edit(collection, body, (point) => ({ payload: withFields(point.payload, path, fields) as JsonObject }))
}

export function overwritePayload(collection: Collection, body: JsonObject): Update {
  if (body.key != null) return setPayload(collection, body)
  const payload = payloadOf(body)
  return edit(collection, body, () => ({ payload }))
}

export function deletePayload(collection: Collection, body: JsonObject): Update {
  if (!Array.isArray(body.keys)) throw badBody('missing field `keys`')
  const paths: readonly PayloadPath[] = body.keys.map(payloadPath)
  return edit(collection, body, (point) => {
    const left: Json = paths.reduce<Json>((payload, path) => without(payload, path), point.payload)
    return { payload: left as JsonObject }
  })
}

export function clearPayload(collection: Collection, body: JsonObject): Update {
  return edit(collection, body, () => ({ payload: {} }))
}

/** The named vectors; others of the point stay. */
export function updateVectors(
  collection: Collection,
  points: readonly PointInput[],
  shardKey: Json | undefined,
): Update {
  for (const { vectors } of points) checkedVectors(vectors)
  const shards = collection.shardsFor(shardKey, true)
  return (version) => {
    for (const stored of shards.values()) {
      for (const { id, vectors } of points) {
        const before = found(stored, id)
        const all: Vectors = new Map([...before.vectors, ...storedVectors(vectors, collection.vectors)])
        stored.set({ ...before, version, vectors: all })
      }
    }
  }
}

export function deleteVectors(collection: Collection, body: JsonObject): Update {
  const names = body.vector
  if (!Array.isArray(names) || names.length === 0) throw invalidBody('vector: must specify vector names to delete')
  return edit(collection, body, ({ vectors }) => ({
    vectors: new Map([...vectors].filter(([name]) => !names.includes(name))),
  }))
}

/** Changes the points that the body names or filters. @throws Refusal if one that it names is not there */
function edit(collection: Collection, body: JsonObject, change: (point: Point) => Partial<Point>): Update {
  const shards = collection.shardsFor(body.shard_key, true)
  const choose = chosen(body, true)
  return (version) => {
    for (const points of shards.values()) {
      for (const id of choose(points)) {
        const point = found(points, id)
        points.set({ ...point, ...change(point), version })
      }
    }
  }
}

/** The ids that `points` or `filter` mean. */
function chosen(body: JsonObject, isOptional: boolean): (points: Points) => readonly PointId[] {
  if (Array.isArray(body.points)) {
    const ids = body.points.map(pointId)
    return () => ids
  }
  const matches = filterOf(body.filter)
  if (matches === null) {
    if (isOptional) throw invalidBody('points: either filter or points must be provided')
    throw badBody('data did not match any variant of untagged enum PointsSelector')
  }
  return (points) => [...points.values()].filter(matches).map(({ id }) => id)
}

function found(points: Points, id: PointId): Point {
  const point = points.get(id)
  if (point === undefined) throw new Refusal(404, `Not found: No point with id ${id} found`)
  return point
}

function payloadOf(body: JsonObject): JsonObject {
  if (!isObject(body.payload)) throw badBody('missing field `payload`')
  return body.payload
}
