import { hash } from 'node:crypto'
import { encodeJson, memorySource, runPipeline, verify } from '@drover/core'
import { expiryTime } from '@drover-internal/redis-server'
import { describeRedis, useRedis } from '@drover-internal/redis-server/vitest'
import type { Redis } from 'ioredis'
import { beforeEach, expect, it } from 'vitest'
import type { RedisBytesRecord, RedisRecord } from '../source/redis-record.js'
import { redisSource } from '../source/redis-source.js'
import { redisSink } from './redis-sink.js'
import { readSource } from './testing/read-sink.js'

const never = 4_102_444_800_000 // 2100-01-01

describeRedis('keys that are copied', () => {
  const from = useRedis()
  const to = useRedis()
  beforeEach(async () => {
    await Promise.all([from.client.flushdb(), to.client.flushdb()])
  })

  const copy = (decodeResponses: boolean, onConflict: 'error' | 'update' | 'skip' = 'error') =>
    runPipeline({
      name: 'copy',
      source: redisSource({ connection: from.url, keyPrefix: '', decodeResponses }),
      sink: redisSink({ connection: to.url, onConflict }),
    })

  const expectEqual = async (decodeResponses: boolean): Promise<void> => {
    const [expected, actual] = [from, to].map(({ url }) =>
      redisSource({ connection: url, keyPrefix: '', decodeResponses }),
    )
    if (expected === undefined || actual === undefined) throw new Error('There are two.')
    const [now, before] = await Promise.all([readSource(actual), readSource(expected)])
    expect(now.map(brief)).toEqual(before.map(brief))
  }

  it.each([true, false])('are the same, of every kind, with their time to live (text: %s)', async (decodes) => {
    await seed(from.client)
    if (!decodes) {
      await from.client.set(Buffer.from([0xff, 0x00, 0x0d, 0x0a]), Buffer.from([0xc3, 0x28]))
      await from.client.hset('bytes', Buffer.from([0xfe]), Buffer.from([0xfd]))
      await from.client.zadd('bytes:z', '-inf', Buffer.from([0xff]))
    }
    const keys = await from.client.dbsize()
    const report = await copy(decodes)
    expect(report.counts).toMatchObject({ read: keys, inserted: keys, rejected: 0 })
    await expectEqual(decodes)
    expect(await expiryTime(to.client, 'string:ttl')).toBe(never)
    expect(await expiryTime(to.client, 'hash:ttl')).toBe(never)
    expect(await to.client.ttl('string')).toBe(-1)
  })

  it('replace what is there in their place as a whole, whatever it is', async () => {
    await seed(from.client)
    await to.client.rpush('hash', 'old')
    await to.client.hset('string', 'old', '1')
    await to.client.set('list', 'old', 'EX', 1000)
    await to.client.rpush('list:long', 'old')
    await to.client.zadd('zset', 9, 'old')
    await to.client.set('string:ttl', 'old')
    await to.client.set('stream', 'old', 'EX', 1000)
    const keys = await from.client.dbsize()
    const report = await copy(true, 'update')
    expect(report.counts).toMatchObject({ read: keys, inserted: keys - 7, updated: 7, skipped: 0 })
    await expectEqual(true)
    expect(await to.client.ttl('list')).toBe(-1)
  })

  it('leave alone what is there in their place', async () => {
    await seed(from.client)
    await to.client.rpush('hash', 'old')
    await to.client.set('list', 'old')
    const keys = await from.client.dbsize()
    const report = await copy(true, 'skip')
    expect(report.counts).toMatchObject({ read: keys, inserted: keys - 2, updated: 0, skipped: 2 })
    expect(await to.client.lrange('hash', 0, -1)).toEqual(['old'])
    expect(await to.client.get('list')).toBe('old')
  })

  it('are verified to be equal, and not if one is not', async () => {
    await seed(from.client)
    await copy(true)
    const expected = redisSource({ connection: from.url, keyPrefix: '' })
    await using session = await redisSink({ connection: to.url }).connect({ signal: AbortSignal.timeout(10_000) })
    const actual = session.readBack?.()
    if (actual === undefined) throw new Error('It cannot be read back.')
    expect(await verify({ expected, actual, key: 'key' })).toMatchObject({ equal: true, extra: 0 })
    await to.client.rpush('list', 'more')
    expect(await verify({ expected, actual, key: 'key' })).toMatchObject({ equal: false, different: 1 })
  })

  it('keep what is known of a stream: ids, last id, what was deleted, groups, what is pending and to whom', async () => {
    await seedStreams(from.client)
    await copy(true)
    await expectEqual(true)
    for (const key of ['stream:groups', 'stream:trimmed', 'stream:empty', 'stream:deleted']) {
      expect(await shape(to.client, key), key).toEqual(await shape(from.client, key))
    }
    await expect(to.client.xadd('stream:empty', '4-0', 'a', 'b')).rejects.toThrow('equal or smaller')
  })
})

describeRedis('records whose time is over', () => {
  const database = useRedis()

  it('are not written, and said to be skipped', async () => {
    const report = await runPipeline({
      name: 'over',
      source: memorySource({
        records: [
          { key: 'gone', type: 'string', value: 'a', expires_at: '2020-01-01T00:00:00.000Z' },
          { key: 'here', type: 'string', value: 'a', expires_at: '2100-01-01T00:00:00.000Z' },
        ],
        key: 'key',
      }),
      sink: redisSink({ connection: database.url }),
    })
    expect(report.counts).toMatchObject({ written: 2, inserted: 1, skipped: 1 })
    expect(report.account?.notes).toEqual(['1 record was not written, because it had expired'])
    expect(await database.client.keys('*e*')).toContain('here')
    expect(await database.client.exists('gone')).toBe(0)
  })
})

/** A record in a few words; fields of hashes have no order. */
function brief({ key, type, value, expires_at }: RedisRecord | RedisBytesRecord): readonly unknown[] {
  const parts: unknown = type === 'hash' && !Array.isArray(value) ? Object.entries(value) : value
  const texts =
    type === 'hash' ? (parts as readonly unknown[]).map((part) => encodeJson(part)).sort() : [encodeJson(parts)]
  return [encodeJson(key), type, hash('sha1', texts.join()), expires_at]
}

async function seed(client: Redis): Promise<void> {
  await client.set('string', 'größer')
  await client.set('string:empty', '')
  await client.set('string:ttl', 'x', 'PXAT', never)
  await client.set('string:large', 'x'.repeat(200_000), 'PXAT', never)
  await client.hset('hash', { a: '1', größe: 'ü' })
  await client.hset('hash', '__proto__', 'x')
  await client.hset('hash:ttl', { large: 'y'.repeat(100_000), small: 'z' })
  await client.pexpireat('hash:ttl', never)
  await client.rpush('list', 'b', 'a', 'b', '')
  await client.rpush('list:long', ...Array.from({ length: 9_000 }, (_, i) => `item ${i}`))
  await client.sadd('set', 'x', 'y', 'ü')
  await client.zadd('zset', 1.5, 'a', '-inf', 'b', '+inf', 'c', 0.1, 'd', 1e21, 'e')
  await client.xadd('stream', '5-1', 'name', 'value', 'name', 'again')
  await client.xadd('stream', '5-2', 'large', 'w'.repeat(100_000))
}

async function seedStreams(client: Redis): Promise<void> {
  for (const key of ['stream:groups', 'stream:trimmed', 'stream:deleted']) {
    for (let i = 1; i <= 6; i++) await client.xadd(key, `${i}-0`, 'n', String(i))
    await client.xgroup('CREATE', key, 'readers', '0')
    await client.xreadgroup('GROUP', 'readers', 'ann', 'COUNT', 3, 'STREAMS', key, '>')
    await client.xreadgroup('GROUP', 'readers', 'bob', 'COUNT', 1, 'STREAMS', key, '>')
    await client.xgroup('CREATE', key, 'idle', '$')
    await client.xgroup('CREATECONSUMER', key, 'readers', 'idler')
  }
  await client.xack('stream:groups', 'readers', '2-0')
  await client.xdel('stream:deleted', '3-0', '6-0')
  await client.xtrim('stream:trimmed', 'MINID', '4-0')
  await client.xadd('stream:empty', '9-0', 'a', 'b')
  await client.xdel('stream:empty', '9-0')
}

/** What a server says of a stream, without what it says of how it is stored and of when. */
async function shape(client: Redis, key: string): Promise<unknown> {
  const parts = ['radix-tree-keys', 'radix-tree-nodes', 'seen-time', 'active-time']
  const withoutParts = (value: unknown): unknown => {
    if (!Array.isArray(value)) return value
    const isPairs = value.length % 2 === 0 && value.every((name, i) => i % 2 === 1 || typeof name === 'string')
    if (!isPairs) return value.map(withoutParts)
    return value.flatMap((part, i) => {
      const name = value[i - (i % 2)] as string
      return parts.includes(name) ? [] : [withoutParts(part)]
    })
  }
  return withoutParts(await client.call('XINFO', 'STREAM', key, 'FULL'))
}
