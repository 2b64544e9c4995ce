import {
  type ConnectOperation,
  type Count,
  type Cursor,
  DroverError,
  type Operation,
  type Page,
  type Partition,
  type ReadOptions,
  type RecordSchema,
  type SourceSession,
  type Warning,
} from '@drover/core'
import { openRedis } from '../connection/open-redis.js'
import type { RedisConnection } from '../connection/redis-connection.js'
import type { RedisLocation } from '../connection/redis-location.js'
import { CountedParts } from './counted-parts.js'
import type { FoundKeys } from './index/index-building.js'
import { cursorOf, keyAt } from './index/key-cursor.js'
import { compareKeys } from './index/key-hash.js'
import { type KeyRange, rangeOf } from './index/key-range.js'
import { clusterPartitions, halvesOf, hashPartitions } from './index/partitions.js'
import { SharedIndex } from './index/shared-index.js'
import { changesWarnings, foundWarnings } from './key-warnings.js'
import { requireData } from './lost-keys.js'
import { recordSchema } from './record-schema.js'
import { type RedisType, redisTypes } from './redis-record.js'
import { Changes } from './values/changes.js'
import { ValueReader } from './values/value-reader.js'

/** What `redisSource` makes of its options. */
export interface SourceSettings {
  readonly location: RedisLocation
  /** A glob of `SCAN`; null is all keys. */
  readonly match: string | null
  /** Of keys, for messages: `begins with "checkpoint:"`; null is all keys. */
  readonly sought: string | null
  readonly types: readonly RedisType[]
  /** As text, or as bytes. */
  readonly decode: boolean
  readonly maxValueBytes: number
  readonly scanCount: number
  /** For the list of keys. */
  readonly memoryBytes?: number
}

/** Keys that are taken from the index at once. */
const chunkKeys = 1_000

export async function connectSource<R>(
  settings: SourceSettings,
  operation: ConnectOperation,
): Promise<SourceSession<R>> {
  const { signal, warn = () => {} } = operation
  const connection = await openRedis(settings.location, {
    where: 'redisSource',
    signal,
    endsWith: signal,
    writes: false,
  })
  if (settings.types.every((type) => type === 'json') && !connection.server.hasJson) {
    await connection[Symbol.asyncDispose]()
    throw new DroverError(
      'SOURCE_INVALID',
      `${connection.name} has no RedisJSON, so there are no documents to read: load the module, or read other types, such as types: 'string' for texts of JSON.`,
    )
  }
  return new RedisSourceSession<R>(connection, settings, warn)
}

class RedisSourceSession<R> implements SourceSession<R> {
  readonly #index: SharedIndex
  /** Of all reads. */
  readonly #changes = new Changes()
  readonly #counted = new CountedParts()
  #closed: Promise<void> | undefined

  constructor(
    private readonly connection: RedisConnection,
    private readonly settings: SourceSettings,
    private readonly warn: (warning: Warning) => void,
  ) {
    const { match, types, scanCount, memoryBytes } = settings
    const [type] = types
    this.#index = new SharedIndex(
      connection,
      { match, scanCount, type: types.length === 1 && type !== undefined ? type : null, memoryBytes },
      (found) => this.#found(found),
    )
  }

  async describe(): Promise<RecordSchema> {
    return recordSchema(this.settings.types, this.settings.decode)
  }

  async count({ signal }: Operation): Promise<Count> {
    await using lease = await this.#index.leaseAll(signal)
    const { types } = this.settings
    // Of which types keys are is only found out when they are read, unless the server looks for one of them.
    return {
      value: await lease.found.index.count(signal),
      exact: types.length === 1 || types.length === redisTypes.length,
    }
  }

  async partition({ count }: Operation & { readonly count: number }): Promise<readonly Partition[]> {
    if (!this.connection.isCluster) return hashPartitions(count)
    return clusterPartitions(await this.connection.topology('cutting the keys into partitions'), count)
  }

  async split({
    partition,
    after,
  }: Operation & { readonly partition: Partition; readonly after: Cursor | null }): Promise<readonly Partition[]> {
    return halvesOf(partition.id, behind(rangeOf(partition), after))
  }

  async *read({ partition, after, page, signal }: ReadOptions): AsyncGenerator<Page<R>, void, undefined> {
    const range = behind(rangeOf(partition), after)
    const { types, decode, maxValueBytes } = this.settings
    const values = new ValueReader<R>(this.connection, { types, decode, maxValueBytes }, this.#changes)
    await using lease = await this.#index.lease(range, after === null, signal)
    const keys = lease.found.index.read(range, chunkKeys, signal)
    const counted = this.#counted.begin(range)
    const isCounted = (key: Buffer) => counted.isNew(key)
    const onGone = (inARow: number) => requireData(this.connection, lease.found, inARow)
    for await (const one of values.read(keys, { page, cursorOf, signal, isCounted, onGone })) {
      lease.given()
      counted.reached(keyAt(one.cursor))
      yield one
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    const { connection, settings } = this
    try {
      // Reads may end early, and go on: only now is known what there is to say.
      for (const warning of changesWarnings(connection.name, this.#changes, settings.types)) this.warn(warning)
      await this.#index[Symbol.asyncDispose]()
    } finally {
      await this.connection[Symbol.asyncDispose]()
    }
  }

  async #found(found: FoundKeys): Promise<void> {
    const { sought, types } = this.settings
    for (const warning of await foundWarnings(this.connection, sought, found, types)) this.warn(warning)
  }
}

/** The part of a range behind a cursor. */
function behind(range: KeyRange, after: Cursor | null): KeyRange {
  if (after === null) return range
  const key = keyAt(after)
  return range.after !== null && compareKeys(key, range.after) < 0 ? range : { ...range, after: key }
}
