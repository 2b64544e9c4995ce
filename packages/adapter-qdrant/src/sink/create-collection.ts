import { DroverError, type JsonValue, type Operation } from '@drover/core'
import type { QdrantConnection } from '../connection/qdrant-connection.js'
import { statusOf } from '../errors/qdrant-error.js'
import { type CollectionInfo, pathOf } from './collection-info.js'
import type { CollectionSettings } from './collection-settings.js'
import { shownSpaces, spacesOf } from './vector-space.js'

interface Creating extends Operation {
  readonly connection: QdrantConnection
  readonly collection: string
  readonly settings: CollectionSettings
}

/** Makes the collection; false if somebody else was quicker. @throws `SINK_NOT_READY` if the server will not have it so */
export async function createCollection({ connection, collection, settings, signal }: Creating): Promise<boolean> {
  const { payloadIndexes: _, ...body } = settings
  const doing = `creating collection "${collection}"`
  try {
    await connection.request('PUT', pathOf(collection), body as JsonValue, { signal, doing })
    return true
  } catch (error) {
    const status = statusOf(error)
    if (status === 409 || (status === 400 && /already exists/i.test((error as Error).message))) return false
    if (!DroverError.isInstance(error, 'RECORD_REFUSED')) throw error
    throw new DroverError(
      'SINK_NOT_READY',
      `${connection.name} does not create it with these settings. ${error.message}`,
      {
        cause: error,
      },
    )
  }
}

/** Makes the payload indexes that are missing, and gives their names; of another type are those that `differing` is told of. */
export async function createIndexes(
  { connection, collection, settings, signal }: Creating,
  { payloadIndexes }: Pick<CollectionInfo, 'payloadIndexes'>,
  differing: (field: string, is: string, wanted: string) => void,
): Promise<readonly string[]> {
  const made: string[] = []
  for (const [field, schema] of Object.entries(settings.payloadIndexes ?? {})) {
    const wanted = typeof schema === 'string' ? schema : String(schema.type)
    const is = payloadIndexes.get(field)
    if (is !== undefined && is !== wanted) differing(field, is, wanted)
    if (is !== undefined) continue
    await connection.request(
      'PUT',
      `${pathOf(collection)}/index?wait=true`,
      { field_name: field, field_schema: schema as JsonValue },
      { signal, doing: `creating the index of payload field "${field}" of collection "${collection}"` },
    )
    made.push(field)
  }
  return made
}

/** @throws `SINK_NOT_READY` if a collection that is there has not the vectors that it would be made with */
export function checkLike(where: string, { spaces }: CollectionInfo, settings: CollectionSettings): void {
  const wanted = spacesOf(settings)
  const isSame =
    wanted.size === spaces.size &&
    [...wanted.values()].every((space) => {
      const there = spaces.get(space.name)
      return (
        there !== undefined &&
        (['kind', 'size', 'distance', 'datatype'] as const).every((trait) => there[trait] === space[trait])
      )
    })
  if (isSame) return
  throw new DroverError(
    'SINK_NOT_READY',
    `${where} is there already, with ${shownSpaces(spaces.values())}, and create wants ${shownSpaces(wanted.values())}. Vectors of another size or distance are no neighbours of these: take another collection, or ask for what is there: size and distance in create, or dimensions for memories of agents.`,
  )
}
