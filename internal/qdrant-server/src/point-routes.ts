import type { Point } from './collection.js'
import { bodyObject } from './collection-routes.js'
import { isObject, type Json, type JsonObject } from './json-scanner.js'
import type { JsonWriter } from './json-writer.js'
import { readPoints } from './point-bodies.js'
import { pointId } from './point-id.js'
import { badBody, invalidBody } from './refusal.js'
import type { Call, Routes } from './routes.js'
import { writeVectors } from './vector-value.js'

export const pointRoutes: Routes = {
  'PUT /collections/{name}/points': (call, writer) => {
    const collection = call.store.collection(call.params.name ?? '')
    const { points } = readPoints(call.body)
    call.body.end()
    const version = collection.nextOperation()
    collection.upsert(points, version, null)
    writer.value({ operation_id: version, status: 'completed' })
  },
  'POST /collections/{name}/points': (call, writer) => {
    const { collection, body } = read(call)
    const points = idsOf(body.ids).map((id) => collection.points.get(id))
    writer.list(
      points.filter((point) => point !== undefined),
      pointWriter(body, true, writer),
    )
  },
  'POST /collections/{name}/points/scroll': (call, writer) => {
    const { collection, body } = read(call)
    const limit = body.limit ?? 10
    if (typeof limit !== 'number' || limit < 1) throw invalidBody('limit: value 0 invalid, must be 1 or larger')
    const found: Point[] = []
    let next: Point | undefined
    for (const point of collection.points.from(body.offset == null ? null : pointId(body.offset))) {
      if (found.length === limit) {
        next = point
        break
      }
      found.push(point)
    }
    writer.raw('{"points":').list(found, pointWriter(body, true, writer))
    writer
      .raw(',"next_page_offset":')
      .value(next?.id ?? null)
      .raw('}')
  },
  'POST /collections/{name}/points/count': (call, writer) => {
    const { collection } = read(call)
    writer.value({ count: collection.points.size })
  },
  'POST /collections/{name}/points/delete': (call, writer) => {
    const { collection, body } = read(call)
    const version = collection.nextOperation()
    for (const id of idsOf(body.points)) collection.points.delete(id)
    writer.value({ operation_id: version, status: 'completed' })
  },
}

function read({ store, params, body }: Call) {
  return { collection: store.collection(params.name ?? ''), body: bodyObject(body) }
}

function idsOf(ids: Json | undefined) {
  if (!Array.isArray(ids)) throw badBody('missing field `ids`')
  return ids.map(pointId)
}

/** Writes points with what `with_payload` and `with_vector` ask for. */
function pointWriter(body: JsonObject, payloadByDefault: boolean, writer: JsonWriter): (point: Point) => void {
  const payload = body.with_payload ?? payloadByDefault
  const vector = body.with_vector ?? body.with_vectors ?? false
  const names = Array.isArray(vector) ? new Set(vector.map(String)) : null
  return ({ id, payload: fields, vectors }) => {
    writer.raw('{"id":').value(id)
    if (payload !== false) writer.raw(',"payload":').value(selected(fields, payload))
    if (vector !== false) {
      writer.raw(',"vector":')
      writeVectors(vectors, names, writer)
    }
    writer.raw('}')
  }
}

function selected(payload: JsonObject, selector: Json): JsonObject {
  if (Array.isArray(selector))
    return Object.fromEntries(Object.entries(payload).filter(([name]) => selector.includes(name)))
  if (isObject(selector)) {
    const { include, exclude } = selector
    if (Array.isArray(include)) return selected(payload, include)
    if (Array.isArray(exclude))
      return Object.fromEntries(Object.entries(payload).filter(([name]) => !exclude.includes(name)))
  }
  return payload
}
