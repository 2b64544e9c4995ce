import { isObject, type Json, type JsonObject, type JsonScanner, plain } from './json-scanner.js'
import { OrderedPoints } from './ordered-points.js'
import { payloadPath } from './payload-path.js'
import { badBody, Refusal, wrongInput } from './refusal.js'
import type { Routes } from './routes.js'

const indexTypes: readonly Json[] = ['keyword', 'integer', 'float', 'geo', 'text', 'bool', 'datetime', 'uuid']

export const collectionRoutes: Routes = {
  'GET /collections': ({ store }, writer) => {
    writer.value({ collections: [...store.collections.keys()].map((name) => ({ name })) })
  },
  'POST /collections/aliases': ({ store, body }, writer) => {
    const { actions } = bodyObject(body)
    if (!Array.isArray(actions)) throw badBody('missing field `actions`')
    store.changeAliases(actions)
    writer.value(true)
  },
  'GET /collections/{name}': ({ store, params: { name = '' } }, writer) => {
    writer.value(store.collection(name).info())
  },
  'PUT /collections/{name}': ({ store, params: { name = '' }, body }, writer) => {
    store.create(name, bodyObject(body))
    writer.value(true)
  },
  'PATCH /collections/{name}': ({ store, params: { name = '' }, body }, writer) => {
    store.collection(name).change(bodyObject(body))
    writer.value(true)
  },
  'DELETE /collections/{name}': ({ store, params: { name = '' } }, writer) => {
    writer.value(store.delete(name))
  },
  'GET /collections/{name}/exists': ({ store, params: { name = '' } }, writer) => {
    writer.value({ exists: store.has(name) })
  },
  'GET /collections/{name}/aliases': ({ store, params: { name = '' } }, writer) => {
    const collection = store.collection(name)
    writer.value({ aliases: store.aliasList().filter((alias) => alias.collection_name === collection.name) })
  },
  'GET /collections/{name}/cluster': ({ store, params: { name = '' } }, writer) => {
    const shards = [...store.collection(name).shards]
    writer.value({
      peer_id: 1,
      shard_count: shards.length,
      local_shards: shards.map(([key, points], at) => ({
        shard_id: at,
        ...(key === null ? {} : { shard_key: key }),
        points_count: points.size,
        state: 'Active',
      })),
      remote_shards: [],
      shard_transfers: [],
    })
  },
  'PUT /collections/{name}/index': ({ store, params: { name = '' }, query, body }, writer) => {
    const collection = store.collection(name)
    const { field_name, field_schema } = bodyObject(body)
    payloadPath(field_name)
    const type = isObject(field_schema) ? field_schema.type : field_schema
    if (type == null)
      throw wrongInput(`Unable to infer type for the field '${field_name}'. Please specify \`field_type\``)
    if (!indexTypes.includes(type)) throw badBody('data did not match any variant of untagged enum PayloadFieldSchema')
    const index = { type: String(type), params: isObject(field_schema) ? field_schema : null }
    writer.value(collection.queue.add(() => collection.indexes.set(String(field_name), index), isWaiting(query)))
  },
  'DELETE /collections/{name}/index/{field}': ({ store, params: { name = '', field = '' }, query }, writer) => {
    const collection = store.collection(name)
    writer.value(collection.queue.add(() => collection.indexes.delete(field), isWaiting(query)))
  },
  'GET /collections/{name}/shards': ({ store, params: { name = '' } }, writer) => {
    const keys = [...store.collection(name).shards.keys()].filter((key) => key !== null)
    writer.value({ shard_keys: keys.map((key) => ({ key })) })
  },
  'PUT /collections/{name}/shards': ({ store, params: { name = '' }, body }, writer) => {
    const { shards, hasShardKeys } = store.collection(name)
    const key = shardKeyOf(bodyObject(body))
    if (!hasShardKeys) throw new Refusal(400, 'Bad request: Shard Key cannot be created with Auto sharding method')
    if (shards.has(key))
      throw new Refusal(400, `Bad request: Sharding key ${key} already exists for collection ${name}`)
    shards.set(key, new OrderedPoints())
    writer.value(true)
  },
  'POST /collections/{name}/shards/delete': ({ store, params: { name = '' }, body }, writer) => {
    const { shards } = store.collection(name)
    const key = shardKeyOf(bodyObject(body))
    if (!shards.delete(key)) throw new Refusal(400, `Bad request: Sharding key ${key} does not exist`)
    writer.value(true)
  },
}

function isWaiting(query: URLSearchParams): boolean {
  return query.get('wait') === 'true'
}

function shardKeyOf({ shard_key: key }: JsonObject): string | number {
  if (typeof key === 'string' || typeof key === 'number') return key
  throw badBody('missing field `shard_key`')
}

/** A body that holds settings: its floats are numbers like others. */
function bodyObject(body: JsonScanner): JsonObject {
  const value = plain(body.whole())
  if (!isObject(value)) throw badBody('invalid type, expected a map')
  return value
}
