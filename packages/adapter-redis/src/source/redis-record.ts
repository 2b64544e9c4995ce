/** The kinds of keys that are read and written. */
export type RedisType = 'string' | 'hash' | 'list' | 'set' | 'zset' | 'stream' | 'json'

/** All of them, in the order in which messages name them. */
export const redisTypes: readonly RedisType[] = ['string', 'hash', 'list', 'set', 'zset', 'stream', 'json']

/** A key with what it holds. `T` is its type, `V` its value, `K` the key. */
export type RedisEntry<T extends RedisType, V, K = string> = {
  readonly key: K
  readonly type: T
  readonly value: V
  /** When the key expires: ISO 8601 in UTC with milliseconds, such as `2026-11-22T00:00:00.000Z`; null if it never does. */
  readonly expires_at: string | null
}

/** A member of a sorted set. `S` is text, or bytes. */
export type RedisScored<S = string> = {
  readonly member: S
  /** May be infinite. */
  readonly score: number
}

/** A field of a hash, where fields are bytes. */
export type RedisBytesField = {
  readonly field: Uint8Array
  readonly value: Uint8Array
}

/** What a stream holds. `S` is text, or bytes. What the server's version does not know is null. */
export type RedisStreamValue<S = string> = {
  readonly entries: readonly RedisStreamEntry<S>[]
  readonly lastId: string
  readonly maxDeletedId: string | null
  readonly entriesAdded: number | null
  readonly groups: readonly RedisStreamGroup<S>[]
}

export type RedisStreamEntry<S = string> = {
  readonly id: string
  /** In order; a name may stand there twice. */
  readonly fields: readonly (readonly [name: S, value: S])[]
}

export type RedisStreamGroup<S = string> = {
  readonly name: S
  readonly lastDeliveredId: string
  readonly entriesRead: number | null
  /** Entries that were delivered and not acknowledged. */
  readonly pending: readonly RedisPendingEntry<S>[]
  /** Names of all consumers, also of those to whom nothing is pending. */
  readonly consumers: readonly S[]
}

export type RedisPendingEntry<S = string> = {
  readonly id: string
  readonly consumer: S
  /** Milliseconds since 1970-01-01. */
  readonly deliveredAt: number
  readonly deliveries: number
}

export type RedisString = RedisEntry<'string', string>
/** Its value has no prototype to speak of: `__proto__` is a field like any other. */
export type RedisHash = RedisEntry<'hash', { readonly [field: string]: string }>
export type RedisList = RedisEntry<'list', readonly string[]>
/** Members in the order of their bytes. */
export type RedisSet = RedisEntry<'set', readonly string[]>
/** Members in the server's order: by score, then by bytes. */
export type RedisSortedSet = RedisEntry<'zset', readonly RedisScored[]>
export type RedisStream = RedisEntry<'stream', RedisStreamValue>
/** A document of RedisJSON; integers beyond ±2^53 are `bigint`. */
export type RedisJson = RedisEntry<'json', unknown>

/** A record of `redisSource`. */
export type RedisRecord = RedisString | RedisHash | RedisList | RedisSet | RedisSortedSet | RedisStream | RedisJson

/** A record of `redisSource` with `decodeResponses: false`: keys, members, fields and values are bytes. */
export type RedisBytesRecord =
  | RedisEntry<'string', Uint8Array, Uint8Array>
  | RedisEntry<'hash', readonly RedisBytesField[], Uint8Array>
  | RedisEntry<'list', readonly Uint8Array[], Uint8Array>
  | RedisEntry<'set', readonly Uint8Array[], Uint8Array>
  | RedisEntry<'zset', readonly RedisScored<Uint8Array>[], Uint8Array>
  | RedisEntry<'stream', RedisStreamValue<Uint8Array>, Uint8Array>
  | RedisEntry<'json', unknown, Uint8Array>
