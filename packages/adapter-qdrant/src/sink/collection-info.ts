import type { JsonValue, Operation } from '@drover/core'
import type { QdrantConnection } from '../connection/qdrant-connection.js'
import { statusOf } from '../errors/qdrant-error.js'
import type { CollectionSettings, Settings } from './collection-settings.js'
import { spacesOf, type VectorSpace } from './vector-space.js'

/** What a collection says of itself. */
export interface CollectionInfo {
  readonly spaces: ReadonlyMap<string, VectorSpace>
  /** Its points belong to shards that its user names. */
  readonly hasShardKeys: boolean
  /** Kilobytes of vectors above which a segment gets an index; 0 is never; null where the server does not say. */
  readonly indexingThreshold: number | null
  /** What stood there before a load of Drover's set it to 0; undefined if none did. */
  readonly notedThreshold: number | undefined
  /** Null where the server is too old to keep any. */
  readonly metadata: Readonly<Record<string, JsonValue>> | null
  /** Indexed payload fields, with the type of the index. */
  readonly payloadIndexes: ReadonlyMap<string, string>
  readonly status: string
  /** What the optimizer complains of. */
  readonly trouble: string | undefined
  readonly indexedVectors: number
  readonly points: number
  /** To make another one like it. */
  readonly settings: CollectionSettings
}

/** Under which name a collection's own metadata keep what its indexing threshold was. */
export const thresholdNote = 'drover_indexing_threshold'

interface Answer {
  readonly status?: string
  readonly optimizer_status?: string | { readonly error?: string }
  readonly indexed_vectors_count?: number | null
  readonly points_count?: number | null
  readonly payload_schema?: Readonly<Record<string, { readonly data_type: string; readonly params?: Settings | null }>>
  readonly config: {
    readonly params: Settings & { readonly vectors?: object | null; readonly sparse_vectors?: object | null }
    readonly hnsw_config?: Settings
    readonly optimizer_config?: Settings
    readonly wal_config?: Settings | null
    readonly quantization_config?: Settings | null
    readonly strict_mode_config?: Settings | null
    readonly metadata?: Readonly<Record<string, JsonValue>> | null
  }
}

export function pathOf(collection: string): string {
  return `/collections/${encodeURIComponent(collection)}`
}

/** Null if there is no such collection. */
export async function readCollection(
  connection: QdrantConnection,
  collection: string,
  { signal }: Operation,
): Promise<CollectionInfo | null> {
  const doing = `reading the settings of collection "${collection}"`
  try {
    return infoOf((await connection.request('GET', pathOf(collection), undefined, { signal, doing })) as Answer)
  } catch (error) {
    if (statusOf(error) === 404) return null
    throw error
  }
}

function infoOf(answer: Answer): CollectionInfo {
  const { config, payload_schema = {}, optimizer_status } = answer
  const noted = config.metadata?.[thresholdNote]
  const threshold = config.optimizer_config?.indexing_threshold
  return {
    spaces: spacesOf(config.params),
    hasShardKeys: config.params.sharding_method === 'custom',
    indexingThreshold: typeof threshold === 'number' ? threshold : null,
    notedThreshold: typeof noted === 'number' ? noted : undefined,
    metadata: config.metadata ?? null,
    payloadIndexes: new Map(Object.entries(payload_schema).map(([field, { data_type }]) => [field, data_type])),
    status: answer.status ?? 'green',
    trouble: typeof optimizer_status === 'object' ? optimizer_status.error : undefined,
    indexedVectors: Number(answer.indexed_vectors_count ?? 0),
    points: Number(answer.points_count ?? 0),
    settings: settingsOf(answer, typeof noted === 'number' ? noted : undefined),
  }
}

/** A load that is under way is none of the settings. */
function settingsOf({ config, payload_schema = {} }: Answer, noted: number | undefined): CollectionSettings {
  const { params, metadata, hnsw_config, optimizer_config, wal_config, quantization_config, strict_mode_config } =
    config
  const { [thresholdNote]: _, ...ownMetadata } = metadata ?? {}
  const optimizers = noted === undefined ? optimizer_config : { ...optimizer_config, indexing_threshold: noted }
  const indexes = Object.entries(payload_schema).map(([field, index]) => [
    field,
    given(index.params) ?? index.data_type,
  ])
  const all = {
    ...params,
    hnsw_config,
    optimizers_config: optimizers,
    wal_config,
    quantization_config,
    strict_mode_config,
    ...(Object.keys(ownMetadata).length > 0 && { metadata: ownMetadata }),
    ...(indexes.length > 0 && { payloadIndexes: Object.fromEntries(indexes) }),
  }
  // It is how a replica is read, and `create` does not know it.
  const { read_fan_out_factor: _factor, read_fan_out_delay_ms: _delay, ...rest } = all as Record<string, unknown>
  return given(rest) as CollectionSettings
}

/** Without what is null: the server says null where nothing was set. */
function given(settings: unknown): unknown {
  if (settings === null || settings === undefined) return undefined
  if (typeof settings !== 'object' || Array.isArray(settings)) return settings
  const fields = Object.entries(settings).map(([name, value]) => [name, given(value)] as const)
  return Object.fromEntries(fields.filter(([, value]) => value !== undefined))
}
