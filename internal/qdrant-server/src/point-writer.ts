import type { Point } from './collection.js'
import { isObject, type Json, JsonFloat, type JsonObject } from './json-scanner.js'
import type { JsonWriter } from './json-writer.js'
import { only, type PayloadPath, payloadPath, without } from './payload-path.js'
import { badBody } from './refusal.js'
import { writeVectors } from './vector-value.js'

/** Writes points with what `with_payload` and `with_vector` of the request ask for. @throws Refusal */
export function pointWriter(
  body: JsonObject,
  withPayload: boolean,
  writer: JsonWriter,
): (point: Point, score?: number) => void {
  const payload = payloadSelector(body.with_payload ?? withPayload)
  const vector = body.with_vector ?? body.with_vectors ?? false
  const names = Array.isArray(vector) ? new Set(vector.map(String)) : null
  return (point, score) => {
    writer.raw('{"id":').value(point.id)
    if (score !== undefined) writer.raw(`,"version":${point.version},"score":`).value(new JsonFloat(score))
    if (payload !== null) writer.raw(',"payload":').value(payload(point.payload))
    if (vector !== false) {
      writer.raw(',"vector":')
      writeVectors(point.vectors, names, writer)
    }
    if (point.shardKey !== null) writer.raw(',"shard_key":').value(point.shardKey)
    writer.raw('}')
  }
}

function payloadSelector(selector: Json): ((payload: JsonObject) => JsonObject) | null {
  if (selector === true) return (payload) => payload
  if (selector === false) return null
  const { include = selector, exclude } = isObject(selector) ? selector : {}
  if (Array.isArray(exclude)) {
    const paths: readonly PayloadPath[] = exclude.map(payloadPath)
    return (payload) => paths.reduce<Json>((left, path) => without(left, path), payload) as JsonObject
  }
  if (!Array.isArray(include)) throw badBody('data did not match any variant of untagged enum WithPayloadInterface')
  const paths: readonly PayloadPath[] = include.map(payloadPath)
  return (payload) => only(payload, paths)
}
