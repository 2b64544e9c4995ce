import { checkOptionNames, checkText, DroverError, type JsonValue, shown } from '@drover/core'
import { openQdrant } from '../connection/open-qdrant.js'
import type { QdrantLocation } from '../connection/qdrant-location.js'
import { readCollection } from './collection-info.js'

/** What a collection is made with, in the names and forms of Qdrant's own API. */
export interface CollectionSettings {
  /** One unnamed vector, or vectors by name. */
  readonly vectors?: DenseVectorSettings | Readonly<Record<string, DenseVectorSettings>>
  readonly sparse_vectors?: Readonly<Record<string, Settings>>
  /** @default the server's own */
  readonly on_disk_payload?: boolean
  readonly shard_number?: number
  readonly sharding_method?: 'auto' | 'custom'
  readonly replication_factor?: number
  readonly write_consistency_factor?: number
  readonly hnsw_config?: Settings
  readonly optimizers_config?: Settings
  readonly quantization_config?: Settings
  readonly wal_config?: Settings
  readonly strict_mode_config?: Settings
  readonly metadata?: Settings
  /** Indexes of payload fields, by path: `keyword`, `integer`, `float`, `bool`, `geo`, `datetime`, `text`, `uuid`, or parameters with a `type`. */
  readonly payloadIndexes?: Readonly<Record<string, string | Settings>>
}

/** One kind of dense vectors. */
export interface DenseVectorSettings {
  /** Numbers of each vector. */
  readonly size: number
  readonly distance: 'Cosine' | 'Euclid' | 'Dot' | 'Manhattan'
  /** @default 'float32' */
  readonly datatype?: 'float32' | 'float16' | 'uint8'
  readonly on_disk?: boolean
  readonly hnsw_config?: Settings
  readonly quantization_config?: Settings
  /** Several vectors per point. */
  readonly multivector_config?: { readonly comparator: 'max_sim' }
}

/** Settings that go to the server as they are. */
export type Settings = { readonly [name: string]: JsonValue | undefined }

/** A collection that another one is to be like. */
export interface CollectionLike extends QdrantLocation {
  readonly collection: string
}

export const settingNames = [
  'vectors',
  'sparse_vectors',
  'on_disk_payload',
  'shard_number',
  'sharding_method',
  'replication_factor',
  'write_consistency_factor',
  'hnsw_config',
  'optimizers_config',
  'quantization_config',
  'wal_config',
  'strict_mode_config',
  'metadata',
  'payloadIndexes',
] as const

const denseNames = [
  'size',
  'distance',
  'datatype',
  'on_disk',
  'memory',
  'hnsw_config',
  'quantization_config',
  'multivector_config',
]
const distances = ['Cosine', 'Euclid', 'Dot', 'Manhattan']

/**
 * The settings of a collection that is there, to make another one like it: vectors, quantization, what lies on disk, shards, and the indexes of its payload.
 *
 * @throws `OPTION_INVALID`, `SOURCE_NOT_FOUND`, `STORE_UNAVAILABLE`, `STORE_DENIED`
 *
 * @example
 * const create = await collectionSettings({ url: 'http://old:6333' }, 'notes')
 * qdrantSink({ url: 'http://new:6333', collection: 'notes', create: { ...create, shard_number: 3 } })
 */
export async function collectionSettings(
  location: QdrantLocation,
  collection: string,
  { signal = new AbortController().signal }: { readonly signal?: AbortSignal } = {},
): Promise<CollectionSettings> {
  checkText('collectionSettings', 'collection', collection)
  await using connection = openQdrant(location, 'collectionSettings')
  const info = await readCollection(connection, collection, { signal })
  if (info === null) {
    throw new DroverError(
      'SOURCE_NOT_FOUND',
      `${connection.name} has no collection "${collection}" whose settings could be taken.`,
    )
  }
  return info.settings
}

/** @throws `OPTION_INVALID` */
export function checkCollectionSettings(where: string, settings: CollectionSettings): void {
  const within = `${where}: create`
  checkOptionNames(within, settings, settingNames)
  const vectors = settings.vectors ?? {}
  const isUnnamed = 'size' in vectors && typeof vectors.size !== 'object'
  for (const [name, one] of isUnnamed ? [['', vectors] as const] : Object.entries(vectors)) {
    checkDense(`${within}: vectors${name === '' ? '' : `.${name}`}`, one as DenseVectorSettings)
  }
}

function checkDense(where: string, settings: DenseVectorSettings): void {
  checkOptionNames(where, settings, denseNames)
  const { size, distance } = settings as { size: unknown; distance: unknown }
  if (typeof size !== 'number' || !Number.isInteger(size) || size < 1 || size > 65_536) {
    throw new DroverError('OPTION_INVALID', `${where}: size is a whole number from 1 to 65536, not ${shown(size)}.`)
  }
  if (typeof distance !== 'string' || !distances.includes(distance)) {
    throw new DroverError('OPTION_INVALID', `${where}: distance is ${distances.join(', ')}, not ${shown(distance)}.`)
  }
}
