import type { Collection } from './collection.js'
import { isObject, type JsonObject, type JsonScanner } from './json-scanner.js'
import type { JsonWriter } from './json-writer.js'
import { type PointsInput, readPoints } from './point-bodies.js'
import { badBody } from './refusal.js'
import type { Call, Handler, Routes } from './routes.js'
import type { Update } from './update-queue.js'
import {
  clearPayload,
  deletePayload,
  deletePoints,
  deleteVectors,
  overwritePayload,
  setPayload,
  updateVectors,
  upsert,
} from './updates.js'

type Plan = (collection: Collection, body: JsonObject) => Update

/** What writes points. `wait` is false unless it is asked for, as in the real server. */
export const updateRoutes: Routes = {
  'PUT /collections/{name}/points': (call, writer) => {
    const collection = call.store.collection(call.params.name ?? '')
    submit(call, collection, upsert(collection, pointsOf(call.body)), writer)
  },
  'POST /collections/{name}/points/delete': planned(deletePoints),
  'PUT /collections/{name}/points/vectors': (call, writer) => {
    const collection = call.store.collection(call.params.name ?? '')
    const { points, rest } = pointsOf(call.body)
    submit(call, collection, updateVectors(collection, points, rest.shard_key), writer)
  },
  'POST /collections/{name}/points/vectors/delete': planned(deleteVectors),
  'POST /collections/{name}/points/payload': planned(setPayload),
  'PUT /collections/{name}/points/payload': planned(overwritePayload),
  'POST /collections/{name}/points/payload/delete': planned(deletePayload),
  'POST /collections/{name}/points/payload/clear': planned(clearPayload),
  'POST /collections/{name}/points/batch': (call, writer) => {
    const collection = call.store.collection(call.params.name ?? '')
    const updates = operationsOf(call.body, collection)
    writer.list(updates, (update) => submit(call, collection, update, writer))
  },
}

const plans: Readonly<Record<string, Plan>> = {
  delete: deletePoints,
  set_payload: setPayload,
  overwrite_payload: overwritePayload,
  delete_payload: deletePayload,
  clear_payload: clearPayload,
  delete_vectors: deleteVectors,
}

/** One after the other: an operation sees what those before it did. */
function operationsOf(body: JsonScanner, collection: Collection): Update[] {
  const updates: Update[] = []
  body.object((field) => {
    if (field !== 'operations') throw badBody(`unknown field \`${field}\`, expected \`operations\``)
    body.list(() => {
      body.object((name) => {
        const plan = plans[name]
        if (name === 'upsert') updates.push(upsert(collection, readPoints(body)))
        else if (name === 'update_vectors') updates.push(vectorsUpdate(collection, readPoints(body)))
        else if (plan !== undefined) updates.push(plan(collection, bodyOf(body.value())))
        else throw badBody('data did not match any variant of untagged enum UpdateOperation')
      })
    })
  })
  body.end()
  return updates
}

function vectorsUpdate(collection: Collection, { points, rest }: PointsInput): Update {
  return updateVectors(collection, points, rest.shard_key)
}

function planned(plan: Plan): Handler {
  return (call, writer) => {
    const collection = call.store.collection(call.params.name ?? '')
    submit(call, collection, plan(collection, bodyOf(call.body.whole())), writer)
  }
}

function submit({ query }: Call, collection: Collection, update: Update, writer: JsonWriter): void {
  writer.value(collection.queue.add(update, query.get('wait') === 'true'))
}

function pointsOf(body: JsonScanner): PointsInput {
  const points = readPoints(body)
  body.end()
  return points
}

function bodyOf(value: unknown): JsonObject {
  if (!isObject(value as JsonObject)) throw badBody('invalid type, expected a map')
  return value as JsonObject
}
