import type { JsonValue, SourceReject } from '@drover/core'
import { openRedis } from '../../../connection/open-redis.js'
import { redisTypes } from '../../redis-record.js'
import type { Changes } from '../changes.js'
import type { Reading } from '../key-fetch.js'
import type { DecodedKey, RedisPage } from '../redis-page.js'
import { ValueReader } from '../value-reader.js'

export interface KeysRead {
  readonly rows: readonly DecodedKey[]
  readonly keys: readonly JsonValue[]
  readonly rejected: readonly SourceReject[]
  readonly pages: readonly RedisPage[]
  readonly changes: Changes
}

export interface ReadKeysOptions extends Partial<Reading> {
  readonly page?: { readonly records: number; readonly bytes: number }
  /** Called with each page, before the next one is asked for. */
  readonly onPage?: (page: RedisPage) => Promise<void>
}

/** Reads keys, each text as UTF-8, and gives all there is of them. */
export async function readKeys(
  url: string,
  keys: readonly (string | Buffer)[],
  { page = { records: 1_000, bytes: 512 * 1024 }, onPage, ...reading }: ReadKeysOptions = {},
): Promise<KeysRead> {
  const { signal } = new AbortController()
  await using connection = await openRedis({ connection: url }, { where: 'test', signal, writes: false })
  const reader = new ValueReader<DecodedKey>(connection, {
    types: redisTypes,
    decode: true,
    maxValueBytes: 256 * 1024 * 1024,
    ...reading,
  })
  const pages: RedisPage[] = []
  const wanted = keys.map((key) => Buffer.from(key))
  for await (const one of reader.read([wanted], { page, cursorOf: (key) => key.toString('base64'), signal })) {
    pages.push(one)
    await onPage?.(one)
  }
  return {
    rows: pages.flatMap((one) => one.rows()),
    keys: pages.flatMap((one) => one.keys().map(({ source }) => source as JsonValue)),
    rejected: pages.flatMap((one) => one.rejected),
    pages,
    changes: reader.changes,
  }
}
