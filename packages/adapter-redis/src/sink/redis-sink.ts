import {
  type AckSink,
  checkChoice,
  checkFlag,
  checkOnConflict,
  checkOptionNames,
  checkText,
  checkWholeNumber,
  DroverError,
  type ExactSink,
  type OnConflict,
  shown,
} from '@drover/core'
import type { Cluster } from 'ioredis'
import {
  locationName,
  locationOptions,
  type RedisClusterNodes,
  type RedisLocation,
  resolveLocation,
} from '../connection/redis-location.js'
import { type RedisType, redisTypes } from '../source/redis-record.js'
import { redisSource } from '../source/redis-source.js'
import { redisStateStore } from '../state/redis-state-store.js'
import { checkStatePlace, type StatePlace } from '../state/state-place.js'
import { connectSink } from './connect-sink.js'
import { KeyTemplate } from './key-template.js'
import { readBack } from './read-back.js'
import type { TargetOptions } from './sink-target.js'

/** Options of {@link redisSink}. */
export interface RedisSinkOptions<R extends object = object> extends RedisLocation {
  /**
   * What the key of a record is called: a template, `user:{id}`, whose braces name fields, or a function. Braces that belong to the key are doubled:
   * `{{users}}:{id}`. A template names every field of the records' own key, so that no two of them become one.
   *
   * @default the record's field `key`, as `redisSource` gives it
   */
  readonly key?: string | ((record: R) => string | Uint8Array)
  /**
   * What a record becomes.
   *
   * @default what its field `type` says: records of `redisSource` are restored as they were, streams with their ids and groups
   */
  readonly as?: RedisType
  /**
   * The field that holds the value, or a function: needed by lists, sets, sorted sets (`{ member, score }`) and streams.
   *
   * @default without `as` the field `value`; with it the whole record: the fields of a hash, a document, or, as a string, its JSON
   */
  readonly value?: string | ((record: R) => unknown)
  /**
   * The field that says when the key expires, or a function: a `Date`, ISO 8601, milliseconds since 1970, or null for never. A record
   * whose time is over by then is counted as skipped.
   *
   * @default without `as` the field `expires_at`; with it keys do not expire
   */
  readonly expiresAt?: string | ((record: R) => Date | string | number | null | undefined)
  /**
   * What becomes of a record whose key is there already: it is refused, the key is left alone, or replaced as a whole with its time to live. `merge` is for
   * hashes: these fields alone are set, and null deletes one.
   *
   * @default 'error'
   */
  readonly onConflict?: OnConflict
  /**
   * In a cluster, what stands in braces in every key, so that all lie in one slot with Drover's state: then writing is exactly once there too.
   *
   * @default the keys are spread over the cluster, and written at least once: a record that is written again leaves the same key
   */
  readonly hashTag?: string
  /** Stands before the names of the keys in which Drover keeps positions, for users who may not write any other. @default '' */
  readonly stateKeyPrefix?: string
  /** Takes a server that may evict any key when it is full, and positions with them. @default false */
  readonly allowEviction?: boolean
  /** Records of one batch, and script: a server does nothing else while it runs. @default 1000 */
  readonly batchSize?: number
}

const optionNames = [
  ...locationOptions,
  'key',
  'as',
  'value',
  'expiresAt',
  'onConflict',
  'hashTag',
  'stateKeyPrefix',
  'allowEviction',
  'batchSize',
]

const defaultBatchSize = 1_000
/** Scripts that block a server for longer than this takes are too many for who uses it beside. */
const mostBatchBytes = 8 * 1024 * 1024
/** A command has a million arguments at the most, before 7.0; a key of the batch is one. */
const mostBatchRecords = 500_000

/**
 * Writes keys of Redis, exactly once: the keys of a batch, its position and its fence are set by one script, which looks at everything that could
 * stand in its way before the first write. In a cluster a script has one slot: there, without `hashTag`, it is idempotent, and each key is
 * made by a script of its own.
 *
 * Redis holds bytes: texts and bytes are written as they are, numbers and booleans as their text, instants as ISO 8601, objects and lists inside as JSON.
 * A null field of a hash is left out.
 *
 * @throws `OPTION_INVALID`; when it connects or writes `SINK_NOT_READY` (fields that a template needs, RedisJSON), `FIDELITY_LOSS`,
 * `RECORD_REFUSED` with the row, `FENCED`, `STORE_BUSY`, `STORE_FULL` (maxmemory), `STORE_DENIED`, `STORE_UNAVAILABLE`, `STATE_INVALID`.
 *
 * @example
 * const sink = redisSink({ connection: process.env.REDIS_URL, key: 'user:{id}', as: 'hash', onConflict: 'update' })
 */
export function redisSink<R extends object = object>(
  options: RedisSinkOptions<R> & { readonly connection: RedisClusterNodes | Cluster; readonly hashTag?: never },
): AckSink<R>
export function redisSink<R extends object = object>(options: RedisSinkOptions<R>): ExactSink<R>
export function redisSink<R extends object = object>(options: RedisSinkOptions<R>): ExactSink<R> | AckSink<R> {
  const where = 'redisSink'
  checkOptionNames(where, options, optionNames)
  const location = { connection: options.connection }
  const isCluster = resolveLocation(where, location).kind === 'cluster'
  const { hashTag, stateKeyPrefix, allowEviction, onConflict = 'error', as, batchSize = defaultBatchSize } = options
  const place: StatePlace = { keyPrefix: stateKeyPrefix, hashTag }
  checkStatePlace(where, place)
  checkFlag(where, 'allowEviction', allowEviction)
  checkChoice(where, 'as', as, redisTypes)
  checkOnConflict(where, onConflict)
  checkWholeNumber(where, 'batchSize', batchSize, 1)
  const isExact = !isCluster || hashTag !== undefined
  const target = checkedTarget(where, options, `Redis ${locationName(location)}`, isExact)
  const { merge, policy } = target
  const name = `redis ${locationName(location)} ${shownKey(options.key)}`
  const info = {
    specVersion: 1 as const,
    name,
    version: JSON.stringify({ as: as ?? null, onConflict, ...formOf(options) }),
    keyed: policy !== 'error',
    batchSize,
    limits: { bytes: mostBatchBytes, records: mostBatchRecords },
  }
  const opening = { location, place, allowEviction: allowEviction === true, target }
  if (merge !== undefined && as !== undefined && as !== 'hash') {
    throw new DroverError('OPTION_INVALID', `${where}: onConflict { merge } is for hashes, not for as: '${as}'.`)
  }
  if (!isExact) {
    return {
      ...info,
      guarantee: 'idempotent',
      inFlight: 4,
      connect: (operation) => connectSink<R>(opening, operation, 'ack'),
    }
  }
  return {
    ...info,
    guarantee: 'exactly-once',
    connect: (operation) => connectSink<R>(opening, operation, 'exact'),
    stateStore: () =>
      redisStateStore({
        ...location,
        ...(stateKeyPrefix === undefined ? {} : { keyPrefix: stateKeyPrefix }),
        ...(hashTag === undefined ? {} : { hashTag }),
        ...(allowEviction === undefined ? {} : { allowEviction }),
      }),
  }
}

/** @throws `OPTION_INVALID` */
function checkedTarget<R extends object>(
  where: string,
  options: RedisSinkOptions<R>,
  store: string,
  isExact: boolean,
): TargetOptions {
  const { as, hashTag, onConflict = 'error' } = options
  const isRestored = as === undefined
  const key = keyOf(where, options.key, hashTag)
  for (const name of ['value', 'expiresAt'] as const) {
    const given: unknown = options[name]
    if (given !== undefined && typeof given !== 'function') checkText(where, name, given)
  }
  const value = options.value ?? (isRestored ? 'value' : undefined)
  if (value === undefined && as !== undefined && !['hash', 'string', 'json'].includes(as)) {
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: as: '${as}' needs value, the field that holds the members, or a function that returns them.`,
    )
  }
  if (!isExact && onConflict === 'error') {
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: in a cluster onConflict is 'update', 'skip' or { merge }: after a crash records are written again, and would be refused for the keys that they made. hashTag keeps all keys in one slot, where 'error' is possible.`,
    )
  }
  const merge = typeof onConflict === 'object' ? onConflict.merge : undefined
  return {
    where: store,
    as,
    value,
    expiresAt: options.expiresAt ?? (isRestored ? 'expires_at' : undefined),
    merge,
    policy: typeof onConflict === 'string' ? onConflict : 'merge',
    key,
    hashTag,
    readBack: readBackOf(options, key, value),
  }
}

/** Where the records can be told from what is there: whole ones by their keys, restored ones by being all that is there. */
function readBackOf<R extends object>(
  { connection, as }: RedisSinkOptions<R>,
  key: TargetOptions['key'],
  value: unknown,
): TargetOptions['readBack'] {
  const location = { connection }
  if (as === undefined && key === null) {
    return (schema) => {
      const isBytes = schema?.fields.some(({ name, type }) => name === 'key' && type.kind === 'bytes') === true
      return redisSource({ ...location, keyPrefix: '', decodeResponses: !isBytes })
    }
  }
  if (as === undefined || value !== undefined || !(key instanceof KeyTemplate)) return undefined
  return (schema) => readBack({ location, as, template: key, schema })
}

function keyOf(where: string, key: unknown, hashTag: string | undefined): TargetOptions['key'] {
  if (key === undefined) return null
  if (typeof key === 'function') return key as (record: never) => string
  checkText(where, 'key', key)
  const template = KeyTemplate.parse(where, key as string)
  if (hashTag !== undefined && !template.holds(`{${hashTag}}`)) {
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: with hashTag ${shown(hashTag)} every key holds {${hashTag}}, and the template ${shown(key)} does not: write it with doubled braces, "{{${hashTag}}}:…".`,
    )
  }
  return template
}

/** What else decides what is written. */
function formOf({ key, value, expiresAt, hashTag }: RedisSinkOptions<never>): object {
  const said = (given: unknown): unknown => (typeof given === 'function' ? 'function' : given)
  return { key: said(key), value: said(value), expiresAt: said(expiresAt), hashTag }
}

function shownKey(key: unknown): string {
  return typeof key === 'string' ? key : key === undefined ? '{key}' : 'keys of a function'
}
