import { createHash } from 'node:crypto'
import {
  checkFlag,
  checkOptionNames,
  checkText,
  checkWholeNumber,
  DroverError,
  type Source,
  shown,
  suggestNames,
} from '@drover/core'
import { checkLocation, locationName, locationOptions, type RedisLocation } from '../connection/redis-location.js'
import { patternOf } from './index/scan-settings.js'
import { type RedisBytesRecord, type RedisRecord, type RedisType, redisTypes } from './redis-record.js'
import { connectSource, type SourceSettings } from './source-session.js'

/** Options of {@link redisSource}. */
export interface RedisSourceOptions<T extends RedisType = RedisType> extends RedisLocation {
  /** What the keys to read begin with; an empty text is all keys. @default 'checkpoint:' */
  readonly keyPrefix?: string
  /** Instead of `keyPrefix`: a pattern of `SCAN`, such as `session:*:state`. */
  readonly match?: string
  /** Which types of keys are read, one or several. Those of the others are left out, and how many is said. @default all seven */
  readonly types?: T | readonly T[]
  /**
   * Keys, members, fields and values are text; a record with something that is not valid UTF-8 is rejected. Otherwise they are
   * `Uint8Array`, and hashes are lists of field and value. @default true
   */
  readonly decodeResponses?: boolean
  /** Bytes of one key's value at the most: what is larger is rejected, and not read to its end. @default 268435456 (256 MiB) */
  readonly maxValueBytes?: number
  /** About how many keys a server looks at for one answer of `SCAN`: it does nothing else meanwhile. @default 1000 */
  readonly scanCount?: number
  /** Names the source in reports and in the run's fingerprint. @default the server's name and the pattern */
  readonly name?: string
}

/** A record of `redisSource` whose keys are of one of the types `T`. */
export type RedisRecordOf<T extends RedisType> = Extract<RedisRecord, { readonly type: T }>

/** A record of `redisSource` with `decodeResponses: false` whose keys are of one of the types `T`. */
export type RedisBytesRecordOf<T extends RedisType> = Extract<RedisBytesRecord, { readonly type: T }>

const defaultPrefix = 'checkpoint:'
const defaultMaxValueBytes = 256 * 1024 * 1024
const defaultScanCount = 1_000

/**
 * Reads the keys of a Redis server, or of all masters of a cluster, with `SCAN`: a record for each key, with its type, its value and when it
 * expires.
 *
 * `SCAN` has no order, so the keys get one: all keys of the pattern are looked for when a read begins, and read in the order of a hash of
 * their bytes, each once. The list of them takes 16 MiB at the most; what is more goes to a temporary file without a name. A run that is resumed looks for
 * the keys again, and goes on behind the last one, also after a restart, a failover or a reshard. Nothing is written to Redis.
 *
 * A key that is gone when it is its turn is no record; a key of another type by then is read as what it is. Both are normal in a store in use, and
 * are said in a warning (`KEYS_CHANGED`). Drover's own keys are left out (`KEYS_LEFT_OUT`), and a pattern that no key fits gives no
 * record (`SOURCE_EMPTY`). A server that was emptied, or came back without its data, while it is read is no such case: the read fails (`SOURCE_INVALID`).
 *
 * @throws `OPTION_INVALID`; when it is opened or read `STORE_UNAVAILABLE`, `STORE_DENIED`, `STORE_FULL` (the temporary file), `STATE_INVALID`. A key that
 * cannot be read as it should be is rejected with `RECORD_UNREADABLE`.
 *
 * @example
 * const sessions = redisSource({ connection: process.env.REDIS_URL, keyPrefix: 'session:', types: 'hash' })
 */
export function redisSource<T extends RedisType = RedisType>(
  options: RedisSourceOptions<T> & { readonly decodeResponses: false },
): Source<RedisBytesRecordOf<T>>
export function redisSource<T extends RedisType = RedisType>(
  options?: RedisSourceOptions<T> & { readonly decodeResponses?: true },
): Source<RedisRecordOf<T>>
export function redisSource<T extends RedisType = RedisType>(
  options: RedisSourceOptions<T>,
): Source<RedisRecordOf<T> | RedisBytesRecordOf<T>>
export function redisSource(options: RedisSourceOptions = {}): Source<RedisRecord | RedisBytesRecord> {
  const where = 'redisSource'
  checkOptionNames(where, options, [
    ...locationOptions,
    'keyPrefix',
    'match',
    'types',
    'decodeResponses',
    'maxValueBytes',
    'scanCount',
    'name',
  ])
  checkLocation(where, options)
  checkPattern(where, options)
  checkFlag(where, 'decodeResponses', options.decodeResponses)
  checkWholeNumber(where, 'maxValueBytes', options.maxValueBytes, 1)
  checkWholeNumber(where, 'scanCount', options.scanCount, 1)
  if (options.name !== undefined) checkText(where, 'name', options.name)
  const types = typesOf(where, options.types)
  const { keyPrefix = defaultPrefix, match, decodeResponses = true, maxValueBytes = defaultMaxValueBytes } = options
  const settings: SourceSettings = {
    location: { connection: options.connection },
    match: match ?? patternOf(keyPrefix),
    sought:
      match === undefined ? (keyPrefix === '' ? null : `begins with ${shown(keyPrefix)}`) : `fits ${shown(match)}`,
    types,
    decode: decodeResponses,
    maxValueBytes,
    scanCount: options.scanCount ?? defaultScanCount,
  }
  const version = versionOf(settings)
  return {
    specVersion: 1,
    name: options.name ?? `redis ${locationName(options)} ${match ?? `${keyPrefix}*`}`,
    ...(version === undefined ? {} : { version }),
    isUnordered: true,
    connect: (operation) => connectSource<RedisRecord | RedisBytesRecord>(settings, operation),
  }
}

function checkPattern(where: string, { keyPrefix, match }: RedisSourceOptions): void {
  if (match !== undefined) checkText(where, 'match', match)
  if (keyPrefix !== undefined && typeof keyPrefix !== 'string') {
    throw invalid(where, `keyPrefix is a text, not ${shown(keyPrefix)}`)
  }
  if (keyPrefix !== undefined && match !== undefined) {
    throw invalid(where, 'give either keyPrefix, what keys begin with, or match, a pattern')
  }
}

/** In the order in which messages name them. */
function typesOf(where: string, given: unknown): readonly RedisType[] {
  if (given === undefined) return redisTypes
  const types: readonly unknown[] = Array.isArray(given) ? given : [given]
  if (types.length === 0) throw invalid(where, `types names at least one of ${redisTypes.join(', ')}`)
  for (const type of types) {
    if (typeof type !== 'string') throw invalid(where, `types is a type or a list of types, not ${shown(type)}`)
    if (redisTypes.includes(type as RedisType)) continue
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: types: there is no type "${type}"${suggestNames(type, redisTypes)}`,
    )
  }
  return redisTypes.filter((type) => types.includes(type))
}

/** What else decides which records there are, as a fingerprint takes it. */
function versionOf({ types, decode, maxValueBytes }: SourceSettings): string | undefined {
  const parts = {
    types: types.length === redisTypes.length ? undefined : types,
    decode: decode ? undefined : false,
    maxValueBytes: maxValueBytes === defaultMaxValueBytes ? undefined : maxValueBytes,
  }
  if (Object.values(parts).every((part) => part === undefined)) return undefined
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 12)
}

function invalid(where: string, what: string): DroverError {
  return new DroverError('OPTION_INVALID', `${where}: ${what}.`)
}
