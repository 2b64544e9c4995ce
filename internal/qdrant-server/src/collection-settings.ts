import { isObject, type Json, type JsonObject } from './json-scanner.js'
import { withFields } from './payload-path.js'
import { badBody, invalidBody, wrongInput } from './refusal.js'
import { unnamed } from './vector-value.js'

export type Distance = 'Cosine' | 'Euclid' | 'Dot' | 'Manhattan'
export type Datatype = 'float32' | 'uint8' | 'float16'

/** What the vectors of one name are. */
export interface VectorSettings {
  readonly kind: 'dense' | 'multi' | 'sparse'
  /** Of each vector; 0 for sparse ones. */
  readonly size: number
  readonly distance: Distance
  readonly datatype: Datatype
}

const distances: readonly Json[] = ['Cosine', 'Euclid', 'Dot', 'Manhattan']
const datatypes: readonly Json[] = ['float32', 'uint8', 'float16']

/** Defaults of the server's configuration file, as `GET /collections/{name}` shows them. */
const hnsw = { m: 16, ef_construct: 100, full_scan_threshold: 10_000, max_indexing_threads: 0, on_disk: false }
const optimizer = {
  deleted_threshold: 0.2,
  vacuum_min_vector_number: 1000,
  default_segment_number: 0,
  max_segment_size: null,
  memmap_threshold: null,
  indexing_threshold: 10_000,
  flush_interval_sec: 5,
  max_optimization_threads: null,
}
const wal = { wal_capacity_mb: 32, wal_segments_ahead: 0, wal_retain_closed: 1 }

/** The settings of a new collection, as they are answered again. @throws Refusal */
export function createdConfig(body: JsonObject): JsonObject {
  const { vectors = {}, sparse_vectors, shard_number, sharding_method, replication_factor } = body
  if (!isObject(vectors)) throw badBody('data did not match any variant of untagged enum VectorsConfig')
  const params: JsonObject = {
    vectors,
    shard_number: shard_number ?? 1,
    replication_factor: replication_factor ?? 1,
    write_consistency_factor: body.write_consistency_factor ?? 1,
    on_disk_payload: body.on_disk_payload ?? true,
  }
  if (sharding_method != null) params.sharding_method = sharding_method
  if (isObject(sparse_vectors)) params.sparse_vectors = sparse_vectors
  const config: JsonObject = {
    params,
    hnsw_config: overlaid(hnsw, body.hnsw_config),
    optimizer_config: overlaid(optimizer, body.optimizers_config),
    wal_config: overlaid(wal, body.wal_config),
    quantization_config: body.quantization_config ?? null,
    strict_mode_config: overlaid({ enabled: false }, body.strict_mode_config),
  }
  if (isObject(body.metadata)) config.metadata = body.metadata
  vectorSettings(params)
  return config
}

/** `PATCH /collections/{name}`: what is named is changed, the rest stays. @throws Refusal */
export function changedConfig(config: JsonObject, body: JsonObject): JsonObject {
  const changed: JsonObject = {
    ...config,
    params: overlaid(config.params, body.params),
    hnsw_config: overlaid(config.hnsw_config, body.hnsw_config),
    optimizer_config: overlaid(config.optimizer_config, body.optimizers_config),
    strict_mode_config: overlaid(config.strict_mode_config, body.strict_mode_config),
    quantization_config:
      body.quantization_config === 'Disabled' ? null : (body.quantization_config ?? config.quantization_config ?? null),
  }
  if (isObject(body.metadata)) {
    const { metadata } = config
    changed.metadata = isObject(metadata) ? withFields(metadata, [], body.metadata) : body.metadata
  }
  if (isObject(body.vectors)) changed.params = withVectors(changed.params, body.vectors)
  if (isObject(body.sparse_vectors)) changed.params = withSparse(changed.params, body.sparse_vectors)
  return changed
}

/** By name. @throws Refusal */
export function vectorSettings(params: Json | undefined): ReadonlyMap<string, VectorSettings> {
  const settings = new Map<string, VectorSettings>()
  if (!isObject(params) || !isObject(params.vectors)) return settings
  const { vectors, sparse_vectors } = params
  if (isParams(vectors)) settings.set(unnamed, dense('', vectors))
  else for (const [name, one] of Object.entries(vectors)) settings.set(name, dense(name, one))
  for (const name of Object.keys(isObject(sparse_vectors) ? sparse_vectors : {})) {
    if (settings.has(name))
      throw wrongInput(`Dense and sparse vector names must be unique - duplicate vector name ${name}`)
    settings.set(name, { kind: 'sparse', size: 0, distance: 'Dot', datatype: 'float32' })
  }
  return settings
}

function dense(name: string, params: Json): VectorSettings {
  const where = name === '' ? 'vectors' : `vectors.${name}`
  if (!isObject(params) || typeof params.size !== 'number' || !distances.includes(params.distance ?? null)) {
    throw badBody('data did not match any variant of untagged enum VectorsConfig')
  }
  if (!datatypes.includes(params.datatype ?? 'float32')) {
    throw badBody('data did not match any variant of untagged enum VectorsConfig')
  }
  const { size, distance, datatype } = params
  if (size < 1 || size > 65_536 || !Number.isInteger(size)) {
    throw invalidBody(`${where}.size: value ${size} invalid, must be from 1 to 65536`)
  }
  return {
    kind: isObject(params.multivector_config) ? 'multi' : 'dense',
    size,
    distance: distance as Distance,
    datatype: (datatype ?? 'float32') as Datatype,
  }
}

/** One vector without a name, and not one that is called `size`. */
function isParams(vectors: JsonObject): boolean {
  return 'size' in vectors && !isObject(vectors.size)
}

function withVectors(params: Json | undefined, changes: JsonObject): Json {
  const vectors = isObject(params) && isObject(params.vectors) ? params.vectors : {}
  const next: JsonObject = { ...vectors }
  for (const [name, change] of Object.entries(changes)) {
    if (name === '' && isParams(vectors)) Object.assign(next, change)
    else if (isObject(vectors[name])) next[name] = overlaid(vectors[name], change)
    else throw wrongInput(`Not existing vector name error: ${name}`)
  }
  return { ...(isObject(params) ? params : {}), vectors: next }
}

function withSparse(params: Json | undefined, changes: JsonObject): Json {
  const sparse = isObject(params) && isObject(params.sparse_vectors) ? { ...params.sparse_vectors } : {}
  for (const [name, change] of Object.entries(changes)) {
    if (!isObject(sparse[name])) throw wrongInput(`Not existing vector name error: ${name}`)
    sparse[name] = overlaid(sparse[name], change)
  }
  return { ...(isObject(params) ? params : {}), sparse_vectors: sparse }
}

/** What is null in the change stays as it was: the server takes such fields as not given. */
function overlaid(base: Json | undefined, change: Json | undefined): JsonObject {
  const all: JsonObject = { ...(isObject(base) ? base : {}) }
  if (!isObject(change)) return all
  for (const [name, value] of Object.entries(change)) if (value !== null) all[name] = value
  return all
}
