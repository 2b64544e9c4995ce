import type { LogicalType, Operation } from '@drover/core'
import { DroverError, suggestNames } from '@drover/core'
import type { QdrantConnection } from '../connection/qdrant-connection.js'
import { statusOf } from '../errors/qdrant-error.js'
import { compareShards } from './point-range.js'

/** What a read has to know of a collection. */
export interface CollectionShape {
  /** The type of the vector without a name; null if there is none. */
  readonly vector: LogicalType | null
  /** Types of the named ones. */
  readonly vectors: ReadonlyMap<string, LogicalType>
  /** Kinds of the indexes of payload fields, by the path as Qdrant writes it. */
  readonly indexes: ReadonlyMap<string, string>
  /** Conditions on fields without an index are refused there. */
  readonly onlyIndexed: boolean
  /** Points of one answer at the most, where the collection has such a limit. */
  readonly mostPoints: number | undefined
  /** Keys of its shards, in order; null where shards have none. */
  readonly shardKeys: readonly (string | number)[] | null
}

/** How it is read, as far as it is asked for. */
interface CollectionSettings {
  readonly config: {
    readonly params: {
      readonly vectors?: VectorSettings | Readonly<Record<string, VectorSettings>> | null
      readonly sparse_vectors?: Readonly<Record<string, unknown>> | null
      readonly sharding_method?: string | null
    }
    readonly strict_mode_config?: {
      readonly enabled?: boolean | null
      readonly unindexed_filtering_retrieve?: boolean | null
      readonly max_query_limit?: number | null
    } | null
  }
  readonly payload_schema?: Readonly<Record<string, { readonly data_type: string }>> | null
}

interface VectorSettings {
  readonly size: number
  readonly multivector_config?: object | null
}

interface Shards {
  readonly local_shards?: readonly { readonly shard_key?: string | number | null }[]
  readonly remote_shards?: readonly { readonly shard_key?: string | number | null }[]
}

const sparse: LogicalType = {
  kind: 'struct',
  fields: [
    { name: 'indices', type: { kind: 'list', of: { kind: 'int', bits: 64 } }, nullable: false },
    { name: 'values', type: { kind: 'list', of: { kind: 'float', bits: 32 } }, nullable: false },
  ],
}

/** @throws `SOURCE_NOT_FOUND` naming those that are there; what a request throws */
export async function readShape(
  connection: QdrantConnection,
  collection: string,
  { signal }: Operation,
): Promise<CollectionShape> {
  const path = `/collections/${encodeURIComponent(collection)}`
  const settings = await connection
    .request('GET', path, undefined, { signal, doing: `reading the settings of collection "${collection}"` })
    .catch(async (error: unknown) => {
      if (statusOf(error) === 404) throw await missing(connection, collection, { signal }, error)
      throw error
    })
  const { config, payload_schema } = settings as CollectionSettings
  const { vectors, sparse_vectors, sharding_method } = config.params
  const { vector, named } = dense(vectors ?? {})
  const { strict_mode_config } = config
  const strict = strict_mode_config?.enabled === true ? strict_mode_config : null
  return {
    vector,
    vectors: new Map([...named, ...Object.keys(sparse_vectors ?? {}).map((name) => [name, sparse] as const)]),
    indexes: new Map(Object.entries(payload_schema ?? {}).map(([field, { data_type }]) => [field, data_type])),
    onlyIndexed: strict?.unindexed_filtering_retrieve === false,
    mostPoints: strict?.max_query_limit ?? undefined,
    shardKeys: sharding_method === 'custom' ? await readShards(connection, path, collection, { signal }) : null,
  }
}

async function readShards(
  connection: QdrantConnection,
  path: string,
  collection: string,
  { signal }: Operation,
): Promise<readonly (string | number)[]> {
  const doing = `reading the shards of collection "${collection}"`
  const { local_shards = [], remote_shards = [] } = (await connection.request('GET', `${path}/cluster`, undefined, {
    signal,
    doing,
  })) as Shards
  const keys = [...local_shards, ...remote_shards].map(({ shard_key }) => shard_key ?? null)
  return [...new Set(keys)].filter((key) => key !== null).toSorted(compareShards)
}

function dense(vectors: NonNullable<CollectionSettings['config']['params']['vectors']>): {
  readonly vector: LogicalType | null
  readonly named: readonly (readonly [string, LogicalType])[]
} {
  if (typeof vectors.size === 'number') return { vector: denseType(vectors as VectorSettings), named: [] }
  const all = Object.entries(vectors as Readonly<Record<string, VectorSettings>>)
  const unnamed = all.find(([name]) => name === '')?.[1]
  return {
    vector: unnamed === undefined ? null : denseType(unnamed),
    named: all.filter(([name]) => name !== '').map(([name, settings]) => [name, denseType(settings)] as const),
  }
}

function denseType({ size, multivector_config }: VectorSettings): LogicalType {
  const one: LogicalType = { kind: 'vector', dimensions: size }
  return multivector_config === undefined || multivector_config === null ? one : { kind: 'list', of: one }
}

async function missing(
  connection: QdrantConnection,
  collection: string,
  { signal }: Operation,
  cause: unknown,
): Promise<DroverError> {
  const known = await connection
    .request('GET', '/collections', undefined, { signal, doing: 'listing collections' })
    .then(
      (answer) => (answer as { collections: readonly { name: string }[] }).collections.map(({ name }) => name),
      () => null, // a key for one collection may not list them
    )
  const rest = known === null ? '.' : suggestNames(collection, known)
  return new DroverError('SOURCE_NOT_FOUND', `${connection.name}: there is no collection "${collection}"${rest}`, {
    cause,
  })
}
