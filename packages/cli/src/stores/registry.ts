import type { ObjectShape, VariantsShape } from '../shape/shape.js'
import { checkpoints, checkpointsJson, checkpointsParquet } from './checkpoints.js'
import { directory, eventLoopDelay, heapUsed, json, memory, ndjson } from './files.js'
import { parquet } from './parquet.js'
import { postgres } from './postgres.js'
import { qdrant } from './qdrant.js'
import { redis } from './redis.js'
import { sqlite } from './sqlite.js'
import type { Role, StoreType } from './store-type.js'

/** Every store that a file can name by its type. Its package is loaded when one is asked for. */
export const storeTypes: Readonly<Record<string, StoreType>> = {
  sqlite,
  postgres,
  redis,
  qdrant,
  ndjson,
  json,
  parquet,
  checkpoints,
  'checkpoints-json': checkpointsJson,
  'checkpoints-parquet': checkpointsParquet,
  directory,
  memory,
  'event-loop-delay': eventLoopDelay,
  'heap-used': heapUsed,
}

/** What a file may say of each store that can be a source, a sink or a state store. */
export function shapesFor(role: Role): Readonly<Record<string, ObjectShape | VariantsShape>> {
  return Object.fromEntries(
    Object.entries(storeTypes).flatMap(([type, { roles }]) => {
      const entry = roles[role]
      return entry === undefined ? [] : [[type, entry.options]]
    }),
  )
}
