import { createHash } from 'node:crypto'
import {
  checkChoice,
  checkFilter,
  checkOptionNames,
  checkText,
  checkWholeNumber,
  DroverError,
  encodeJson,
  type Filter,
  type JsonValue,
  type Source,
  shown,
} from '@drover/core'
import { checkLocation, locationName, locationOptions, type QdrantLocation } from '../connection/qdrant-location.js'
import { filterFields, isPayloadField, nativePath, payloadPath } from './payload-path.js'
import { compareShards } from './point-range.js'
import type { QdrantRecord } from './qdrant-record.js'
import { connectSource, type SourceSettings } from './source-session.js'

/** Options of {@link qdrantSource}. */
export interface QdrantSourceOptions extends QdrantLocation {
  /** The collection that is read, or an alias of it. */
  readonly collection: string
  /** Which points are read: a filter as Qdrant takes it, such as `{ must: [{ key: 'lang', match: { value: 'de' } }] }`. */
  readonly filter?: object
  /**
   * Which points are read, in the words of Drover's filters: conditions on `id` and on fields of the payload, such as
   * `{ 'payload.role': { eq: 'user' } }`. Qdrant is asked for what it can find, and the result is that of any other source: a list is equal to none of its
   * elements. Names with dots in them stand in quotes: `payload."first.name"`.
   */
  readonly where?: Filter
  /** Whether payloads are read; or the fields that are, with dots for those of objects within. @default true */
  readonly payload?: boolean | readonly string[]
  /** Whether vectors are read; or the names of those that are, of which `''` is the one without a name. @default true */
  readonly vectors?: boolean | readonly string[]
  /** How many replicas have to agree: a number, or `majority`, `quorum`, `all`. @default one */
  readonly consistency?: number | 'majority' | 'quorum' | 'all'
  /** Of a collection whose shards have keys: those that are read. @default all */
  readonly shardKey?: string | number | readonly (string | number)[]
  /** Names the source in reports and in the run's fingerprint. @default server and collection */
  readonly name?: string
}

/**
 * Reads the points of a Qdrant collection in the order of their ids: numbers, then UUIDs. Where a run stands is the id of the last point that
 * it has; it goes on behind it, whether or not that point is still there.
 *
 * Ids and integers of payloads keep all their digits, vectors all their bits. `parallel` cuts a collection into ranges of ids, or reads its shards side by side
 * where they have keys: their records have a field `shard_key`, which is part of the key then.
 *
 * There is no snapshot: a point that is written behind where the run stands is not read. An id tells nothing of when a point was written, so
 * `again: 'incremental'` is refused.
 *
 * @throws `OPTION_INVALID`; when it is opened or read `SOURCE_NOT_FOUND`, `STORE_UNAVAILABLE`, `STORE_BUSY`, `STORE_DENIED`, `STATE_INVALID`,
 * `SOURCE_INVALID` for a filter that Qdrant does not take.
 *
 * @example
 * const notes = qdrantSource({ collection: 'notes', where: { 'payload.lang': { eq: 'de' } }, vectors: false })
 */
export function qdrantSource(options: QdrantSourceOptions): Source<QdrantRecord> {
  const where = 'qdrantSource'
  checkOptionNames(where, options, [
    ...locationOptions,
    'collection',
    'filter',
    'where',
    'payload',
    'vectors',
    'consistency',
    'shardKey',
    'name',
  ])
  checkLocation(where, options)
  checkText(where, 'collection', options.collection)
  if (options.name !== undefined) checkText(where, 'name', options.name)
  checkSelection(where, 'payload', options.payload)
  checkSelection(where, 'vectors', options.vectors)
  if (typeof options.consistency === 'number') checkWholeNumber(where, 'consistency', options.consistency, 1)
  else checkChoice(where, 'consistency', options.consistency, ['majority', 'quorum', 'all'])
  const { payload = true, vectors = true } = options
  checkWhere(where, options.where, payload)
  const settings: SourceSettings = {
    location: {
      url: options.url,
      apiKey: options.apiKey,
      client: options.client,
      timeoutMs: options.timeoutMs,
    },
    collection: options.collection,
    filter: nativeFilter(where, options.filter),
    where: options.where,
    payload,
    vectors,
    consistency: options.consistency,
    shardKeys: shardKeysOf(where, options.shardKey),
  }
  const version = versionOf(settings)
  return {
    specVersion: 1,
    name: options.name ?? `qdrant ${locationName(options)} ${options.collection}`,
    ...(version === undefined ? {} : { version }),
    isUnordered: true,
    connect: (operation) => connectSource(settings, operation),
  }
}

function checkSelection(where: string, name: string, given: unknown): void {
  if (given === undefined || typeof given === 'boolean') return
  if (!Array.isArray(given) || given.some((one) => typeof one !== 'string')) {
    throw invalid(where, `${name} is true, false or a list of names, not ${shown(given)}`)
  }
}

/** Conditions are looked at in what is read. */
function checkWhere(where: string, filter: Filter | undefined, payload: boolean | readonly string[]): void {
  if (filter === undefined) return
  checkFilter(filter)
  for (const field of filterFields(filter)) {
    if (field === 'id') continue
    if (!isPayloadField(field)) {
      throw invalid(
        where,
        `where names "${field}": conditions are on "id", and on fields of the payload as in "payload.${field}"`,
      )
    }
    const path = payloadPath(field)
    const begins = path.map((_, i) => nativePath(path.slice(0, i + 1)))
    if (payload === true || (payload !== false && begins.some((one) => one !== null && payload.includes(one)))) continue
    throw invalid(where, `where looks at "${field}", which is not read: name "${path[0]}" in payload`)
  }
}

/** A filter of Qdrant, as JSON. What it refuses it says itself. */
function nativeFilter(where: string, filter: unknown): JsonValue | undefined {
  if (filter === undefined) return undefined
  if (typeof filter !== 'object' || filter === null || Array.isArray(filter)) {
    throw invalid(where, `filter is an object as Qdrant takes it, not ${shown(filter)}`)
  }
  for (const name of Object.keys(filter)) {
    if (['must', 'must_not', 'should', 'min_should'].includes(name)) continue
    throw invalid(
      where,
      `filter has "${name}", which no filter of Qdrant has: it is { must: […], should: […], must_not: […] }; conditions of Drover go to "where"`,
    )
  }
  return filter as JsonValue
}

function shardKeysOf(where: string, given: unknown): readonly (string | number)[] | null {
  if (given === undefined) return null
  const keys: readonly unknown[] = Array.isArray(given) ? given : [given]
  for (const key of keys) {
    const isKey = (typeof key === 'string' && key !== '') || (Number.isSafeInteger(key) && (key as number) >= 0)
    if (!isKey) throw invalid(where, `shardKey is a text, a number or a list of such, not ${shown(key)}`)
  }
  if (keys.length === 0) throw invalid(where, 'shardKey names one shard at least')
  return [...new Set(keys as readonly (string | number)[])].toSorted(compareShards)
}

/** What else decides which records there are, as a fingerprint takes it. */
function versionOf({ filter, where, payload, vectors, shardKeys }: SourceSettings): string | undefined {
  const parts = {
    filter,
    where,
    payload: payload === true ? undefined : payload,
    vectors: vectors === true ? undefined : vectors,
    shardKeys: shardKeys ?? undefined,
  }
  if (Object.values(parts).every((part) => part === undefined)) return undefined
  return createHash('sha256').update(encodeJson(parts)).digest('hex').slice(0, 12)
}

function invalid(where: string, what: string): DroverError {
  return new DroverError('OPTION_INVALID', `${where}: ${what}.`)
}
