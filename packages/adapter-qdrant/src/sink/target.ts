import { DroverError, type RecordSchema, type SinkOperation, suggestNames } from '@drover/core'
import { openQdrant } from '../connection/open-qdrant.js'
import type { QdrantConnection } from '../connection/qdrant-connection.js'
import type { QdrantLocation } from '../connection/qdrant-location.js'
import { type CollectionInfo, readCollection } from './collection-info.js'
import type { CollectionSettings } from './collection-settings.js'
import { checkLike, createCollection, createIndexes } from './create-collection.js'
import type { AnyOptions } from './sink-options.js'
import { spacesOf, type VectorSpace } from './vector-space.js'

/** What a run would make, as a person would name it. */
export interface Plan {
  readonly info: CollectionInfo | null
  readonly settings: CollectionSettings | null
  readonly spaces: ReadonlyMap<string, VectorSpace>
  readonly hasShardKeys: boolean
  readonly creates: readonly string[]
}

/** The collection that is written to. */
export class Target {
  /** What was made, in a few words. */
  readonly made: string[] = []

  constructor(
    private readonly connection: QdrantConnection,
    private readonly options: AnyOptions,
    /** For messages: server and collection. */
    readonly where: string,
    private readonly voice: Pick<SinkOperation, 'warn' | 'info'>,
  ) {}

  /** Looks, and changes nothing. @throws `SINK_NOT_READY` */
  async plan(operation: SinkOperation): Promise<Plan> {
    const { collection } = this.options
    const info = await readCollection(this.connection, collection, operation)
    const settings = await this.#settings(operation)
    if (info !== null) {
      if (settings !== null) checkLike(this.where, info, settings)
      const missing = Object.keys(settings?.payloadIndexes ?? {}).filter((field) => !info.payloadIndexes.has(field))
      const { spaces, hasShardKeys } = info
      return { info, settings, spaces, hasShardKeys, creates: missing.map(indexName) }
    }
    if (settings === null) throw await this.#missing(operation)
    return {
      info,
      settings,
      spaces: spacesOf(settings),
      hasShardKeys: settings.sharding_method === 'custom',
      creates: [`collection "${collection}"`, ...Object.keys(settings.payloadIndexes ?? {}).map(indexName)],
    }
  }

  /** Makes what is missing. @throws `SINK_NOT_READY` */
  async prepare(plan: Plan, operation: SinkOperation): Promise<CollectionInfo> {
    const { collection } = this.options
    const { settings } = plan
    if (settings === null) return plan.info as CollectionInfo
    const { signal } = operation
    const creating = { connection: this.connection, collection, settings, signal }
    let { info } = plan
    if (info === null) {
      if (await createCollection(creating)) this.made.push(`created collection "${collection}"`)
      info = await readCollection(this.connection, collection, operation)
      if (info === null) throw await this.#missing(operation)
      checkLike(this.where, info, settings)
    }
    const indexes = await createIndexes(creating, info, (field, is, wanted) => {
      this.voice.warn?.({
        code: 'INDEXES',
        message: `${this.where}: the payload field "${field}" has an index of the type ${is}, and create wants ${wanted}; it stays as it is.`,
      })
    })
    if (indexes.length > 0) this.made.push(`created payload indexes: ${indexes.join(', ')}`)
    return info
  }

  async #settings(operation: SinkOperation): Promise<CollectionSettings | null> {
    const { create } = this.options
    if (create === undefined) return null
    if (!('like' in create)) return create as CollectionSettings
    const { collection, ...location } = create.like
    const isElsewhere = Object.keys(location).length > 0
    const info = isElsewhere
      ? await this.#readElsewhere(location, collection, operation)
      : await readCollection(this.connection, collection, operation)
    if (info !== null) return info.settings
    throw new DroverError(
      'SINK_NOT_READY',
      `${this.where} is to be created like the collection "${collection}", and that one is not there.`,
    )
  }

  async #readElsewhere(
    location: QdrantLocation,
    collection: string,
    operation: SinkOperation,
  ): Promise<CollectionInfo | null> {
    await using connection = openQdrant(location, 'qdrantSink: create.like')
    return await readCollection(connection, collection, operation)
  }

  async #missing({ signal }: SinkOperation): Promise<DroverError> {
    const { collection } = this.options
    const known = await this.connection
      .request('GET', '/collections', undefined, { signal, doing: 'listing collections' })
      .then(
        (answer) => (answer as { collections: readonly { name: string }[] }).collections.map(({ name }) => name),
        () => null, // a key for one collection may not list them
      )
    return new DroverError(
      'SINK_NOT_READY',
      `${this.connection.name} has no collection "${collection}"${known === null ? '.' : suggestNames(collection, known)} create says what to make it with: { vectors: { size: 768, distance: 'Cosine' } }, or { like: { collection } }.`,
    )
  }
}

/** What is known of the records. */
export const unknownSchema: RecordSchema = { fields: [], key: [] }

function indexName(field: string): string {
  return `index of payload field "${field}"`
}
