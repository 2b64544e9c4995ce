import { isObject, type Json, type JsonObject, type JsonScanner, put } from './json-scanner.js'
import { type PointId, pointId } from './point-id.js'
import { badBody, invalidBody } from './refusal.js'
import { readVector, readVectors, unnamed, type Vectors, type VectorValue } from './vector-value.js'

/** A point as a request brings it. */
export interface PointInput {
  readonly id: PointId
  readonly vectors: Vectors
  readonly payload: JsonObject | null
}

export interface PointsInput {
  readonly points: readonly PointInput[]
  /** What stands beside the points: `shard_key`, `update_filter`, `update_mode`. */
  readonly rest: JsonObject
}

/** The body of `PUT points`: `points`, or `batch` with its columns. */
export function readPoints(scanner: JsonScanner): PointsInput {
  const rest: JsonObject = {}
  let points: PointInput[] | undefined
  scanner.object((name) => {
    if (name === 'points') points = readList(scanner)
    else if (name === 'batch') points = readColumns(scanner)
    else rest[name] = scanner.value()
  })
  if (points === undefined) throw badBody('Invalid PointInsertOperations format')
  return { points, rest }
}

function readList(scanner: JsonScanner): PointInput[] {
  const points: PointInput[] = []
  scanner.list(() => points.push(readPoint(scanner)))
  return points
}

function readPoint(scanner: JsonScanner): PointInput {
  let id: PointId | undefined
  let vectors: Vectors | undefined
  let payload: JsonObject | null = null
  scanner.object((name) => {
    if (name === 'id') id = pointId(scanner.value())
    else if (name === 'vector' || name === 'vectors') vectors = readVectors(scanner)
    else if (name === 'payload') payload = readPayload(scanner)
    else scanner.value()
  })
  if (id === undefined) throw scanner.error('missing field `id`')
  if (vectors === undefined) throw scanner.error('missing field `vector`')
  return { id, vectors, payload }
}

function readPayload(scanner: JsonScanner): JsonObject | null {
  const payload = scanner.value()
  if (payload === null) return null
  if (isObject(payload)) return sorted(payload) as JsonObject
  throw scanner.error('invalid type, expected a map')
}

/** Names in order of their bytes, as maps of the real one are: whoever relies on the order that was sent is to see it here. */
function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted)
  if (!isObject(value)) return value
  const object: JsonObject = {}
  for (const name of Object.keys(value).sort()) put(object, name, sorted(value[name] ?? null))
  return object
}

function readColumns(scanner: JsonScanner): PointInput[] {
  let ids: PointId[] | undefined
  let payloads: (JsonObject | null)[] | null = null
  let vectors: Vectors[] | undefined
  scanner.object((name) => {
    if (name === 'ids') ids = asList(scanner, scanner.value()).map(pointId)
    else if (name === 'vectors') vectors = readVectorColumns(scanner)
    else if (name === 'payloads') payloads = readPayloadColumn(scanner)
    else scanner.value()
  })
  if (ids === undefined) throw scanner.error('missing field `ids`')
  if (vectors === undefined) throw scanner.error('missing field `vectors`')
  return zipped(ids, vectors, payloads)
}

function zipped(
  ids: readonly PointId[],
  vectors: readonly Vectors[],
  payloads: readonly (JsonObject | null)[] | null,
): PointInput[] {
  if (vectors.length !== ids.length && vectors.length !== 0) {
    throw invalidBody(`batch: number of ids and vectors must be equal (${ids.length} != ${vectors.length})`)
  }
  if (payloads !== null && payloads.length !== ids.length) {
    throw invalidBody(`batch: number of ids and payloads must be equal (${ids.length} != ${payloads.length})`)
  }
  return ids.map((id, row) => ({ id, vectors: vectors[row] ?? new Map(), payload: payloads?.[row] ?? null }))
}

function readPayloadColumn(scanner: JsonScanner): (JsonObject | null)[] | null {
  if (scanner.peek() === 0x6e) {
    scanner.value()
    return null
  }
  const payloads: (JsonObject | null)[] = []
  scanner.list(() => payloads.push(readPayload(scanner)))
  return payloads
}

/** `BatchVectorStruct`: a list of unnamed vectors, or a list for each name. */
function readVectorColumns(scanner: JsonScanner): Vectors[] {
  if (scanner.peek() === 0x5b) {
    const vectors: Vectors[] = []
    scanner.list(() => vectors.push(new Map([[unnamed, readVector(scanner)]])))
    return vectors
  }
  const columns = new Map<string, VectorValue[]>()
  scanner.object((name) => {
    const column: VectorValue[] = []
    scanner.list(() => column.push(readVector(scanner)))
    columns.set(name, column)
  })
  const rows: Vectors[] = []
  for (const [name, column] of columns) {
    column.forEach((value, row) => {
      rows[row] ??= new Map()
      rows[row].set(name, value)
    })
  }
  return rows
}

function asList(scanner: JsonScanner, value: Json): Json[] {
  if (Array.isArray(value)) return value
  throw scanner.error('invalid type, expected a sequence')
}
