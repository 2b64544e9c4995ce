import { isObject, type JsonObject, type JsonScanner, plain } from './json-scanner.js'
import { badBody } from './refusal.js'
import type { Routes } from './routes.js'

export const collectionRoutes: Routes = {
  'GET /collections': ({ store }, writer) => {
    writer.value({ collections: [...store.collections.keys()].map((name) => ({ name })) })
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
}

/** A body that holds settings: its floats are numbers like others. */
export function bodyObject(body: JsonScanner): JsonObject {
  const value = plain(body.whole())
  if (!isObject(value)) throw badBody('invalid type, expected a map')
  return value
}
