import type { Collection, Point } from './collection.js'
import { filterOf } from './filter.js'
import { isObject, type Json, type JsonObject } from './json-scanner.js'
import type { JsonWriter } from './json-writer.js'
import { type PointId, pointId } from './point-id.js'
import { pointWriter } from './point-writer.js'
import { query } from './query.js'
import { badBody, invalidBody, Refusal, wrongInput } from './refusal.js'
import type { Call, Routes } from './routes.js'

/** What reads points. */
export const pointRoutes: Routes = {
  'GET /collections/{name}/points/{id}': ({ store, params: { name = '', id = '' } }, writer) => {
    const known = pointOfPath(id)
    const point = firstWith(store.collection(name), known)
    if (point === undefined) throw new Refusal(404, `Not found: Point with id ${known} does not exists!`)
    pointWriter({ with_vector: true }, true, writer)(point)
  },
  'POST /collections/{name}/points': (call, writer) => {
    const { collection, body } = read(call)
    if (!Array.isArray(body.ids)) throw badBody('missing field `ids`')
    const shards = collection.shardsFor(body.shard_key, false)
    const ids = [...new Set(body.ids.map(pointId))]
    const points = ids.map((id) => firstWith({ shards }, id)).filter((point) => point !== undefined)
    const write = pointWriter(body, true, writer)
    writer.list(points, (point) => write(point))
  },
  'POST /collections/{name}/points/scroll': (call, writer) => {
    const { collection, body } = read(call)
    const limit = limitOf(body.limit ?? 10)
    if (body.order_by != null) throw orderRefusal(collection, body.order_by)
    const matches = filterOf(body.filter)
    const shards = collection.shardsFor(body.shard_key, false)
    const write = pointWriter(body, true, writer)
    let count = 0
    let next: PointId | null = null
    writer.raw('{"points":[')
    for (const point of collection.from(body.offset == null ? null : pointId(body.offset), shards.values())) {
      if (matches !== null && !matches(point)) continue
      if (count === limit) {
        next = point.id
        break
      }
      if (count++ > 0) writer.raw(',')
      write(point)
    }
    writer.raw('],"next_page_offset":').value(next).raw('}')
  },
  'POST /collections/{name}/points/count': (call, writer) => {
    const { collection, body } = read(call)
    const matches = filterOf(body.filter)
    const shards = collection.shardsFor(body.shard_key, false)
    let count = 0
    for (const points of shards.values()) {
      if (matches === null) count += points.size
      else for (const point of points.values()) if (matches(point)) count++
    }
    writer.value({ count })
  },
  'POST /collections/{name}/points/query': (call, writer) => {
    const { collection, body } = read(call)
    writeHits(collection, body, writer)
  },
  'POST /collections/{name}/points/query/batch': (call, writer) => {
    const { collection, body } = read(call)
    if (!Array.isArray(body.searches)) throw badBody('missing field `searches`')
    writer.list(body.searches, (search) => writeHits(collection, isObject(search) ? search : {}, writer))
  },
}

function read({ store, params, body }: Call): { collection: Collection; body: JsonObject } {
  const collection = store.collection(params.name ?? '')
  const value = body.whole()
  if (!isObject(value)) throw badBody('invalid type, expected a map')
  return { collection, body: value }
}

function writeHits(collection: Collection, body: JsonObject, writer: JsonWriter): void {
  const write = pointWriter(body, false, writer)
  writer.raw('{"points":').list(query(collection, body), ({ point, score }) => write(point, score))
  writer.raw('}')
}

function limitOf(limit: Json): number {
  if (typeof limit !== 'number') throw badBody('invalid type, expected usize')
  if (limit < 1) throw invalidBody(`limit: value ${limit} invalid, must be 1 or larger`)
  return limit
}

function firstWith({ shards }: Pick<Collection, 'shards'>, id: PointId): Point | undefined {
  for (const points of shards.values()) {
    const point = points.get(id)
    if (point !== undefined) return point
  }
  return undefined
}

function pointOfPath(text: string): PointId {
  try {
    return pointId(/^\d+$/.test(text) ? plainId(text) : text)
  } catch {
    throw wrongInput(`Can not recognize "${text}" as point id`)
  }
}

function plainId(text: string): number | bigint {
  return Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text)
}

/** Scrolling by a field of the payload is nothing that Drover asks for. */
function orderRefusal(collection: Collection, order: Json): Refusal {
  const key = isObject(order) ? String(order.key) : String(order)
  if (collection.indexes.has(key)) return badBody('order_by is not in this server')
  return wrongInput(
    `No range index for \`order_by\` key: \`${key}\`. Please create one to use \`order_by\`. Check https://qdrant.tech/documentation/concepts/indexing/#payload-index to see which payload schemas support Range conditions`,
  )
}
