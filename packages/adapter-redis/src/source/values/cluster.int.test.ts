import { type ClusterNode, type RedisCluster, startRedisCluster } from '@drover-internal/redis-server'
import { describeOwnRedis } from '@drover-internal/redis-server/vitest'
import { Cluster } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { keySlot } from '../../connection/key-slot.js'
import { openRedis } from '../../connection/open-redis.js'
import type { RedisConnection } from '../../connection/redis-connection.js'
import { redisTypes } from '../redis-record.js'
import type { DecodedKey } from './redis-page.js'
import { ValueReader } from './value-reader.js'

describeOwnRedis('values in a cluster', () => {
  let cluster: RedisCluster
  let connection: RedisConnection
  let client: Cluster
  const { signal } = new AbortController()

  beforeAll(async () => {
    cluster = await startRedisCluster({ masters: 3 })
    client = new Cluster([...cluster.nodes.cluster])
    connection = await openRedis({ connection: cluster.nodes }, { where: 'test', signal, writes: false })
  })
  afterAll(async () => {
    client?.disconnect()
    await connection?.[Symbol.asyncDispose]()
    await cluster?.[Symbol.asyncDispose]()
  })

  async function read(keys: readonly string[], page = { records: 100, bytes: 64 * 1024 }) {
    const reader = new ValueReader<DecodedKey>(connection, { types: redisTypes, decode: true, maxValueBytes: 1e6 })
    const rows: DecodedKey[] = []
    const rejected: unknown[] = []
    const options = { page, cursorOf: String, signal }
    for await (const one of reader.read([keys.map((key) => Buffer.from(key))], options)) {
      rows.push(...one.rows())
      rejected.push(...one.rejected)
    }
    return { rows, rejected, changes: reader.changes }
  }

  test('are read wherever they lie, large ones in parts', async () => {
    const keys = Array.from({ length: 250 }, (_, i) => `key:${i}`)
    const large = Array.from({ length: 20_000 }, (_, i) => `member ${i}`)
    await Promise.all(keys.map((key, i) => (i % 2 ? client.set(key, key) : client.hset(key, 'f', key))))
    await client.rpush('large', ...large)
    await client.set('large text', 'x'.repeat(500_000))
    await client.set('too large', 'x'.repeat(1_000_001))
    await client.pexpireat('large', 4_102_444_800_001)
    await client.pexpireat('key:1', 4_102_444_800_002)
    const { rows, rejected, changes } = await read([...keys, 'large', 'gone', 'large text', 'too large'])
    expect(rows.map(({ key }) => key)).toEqual([...keys, 'large', 'large text'])
    expect(rows[0]).toEqual({ key: 'key:0', type: 'hash', value: { f: 'key:0' }, expires_at: null })
    expect(rows[1]).toEqual({ key: 'key:1', type: 'string', value: 'key:1', expires_at: '2100-01-01T00:00:00.002Z' })
    expect(rows[250]?.value).toEqual(large)
    expect(rows[250]?.expires_at).toBe('2100-01-01T00:00:00.001Z')
    expect(rows[251]?.value).toBe('x'.repeat(500_000))
    expect([rejected.length, changes.gone.count]).toEqual([1, 1])
  })
  test('are read while their slot moves, and after', async () => {
    const large = Array.from({ length: 20_000 }, (_, i) => `member ${i}`)
    const keys = ['{moves}:large', '{moves}:small', '{moves}:there', '{moves}:large there']
    await client.rpush('{moves}:large', ...large)
    await client.set('{moves}:small', 'v')
    const slot = keySlot(Buffer.from('{moves}:small'))
    const from = await cluster.ownerOf(slot)
    const to = cluster.masters.find((node) => node !== from) as ClusterNode
    await cluster.beginMove(slot, to)
    await cluster.moveKeys(slot, to, 1)
    await client.set('{moves}:there', 'v')
    await client.rpush('{moves}:large there', ...large)
    const expected = [large, 'v', 'v', large]
    expect((await read(keys)).rows.map(({ value }) => value)).toEqual(expected)
    await cluster.moveKeys(slot, to)
    await cluster.endMove(slot, to)
    expect((await read(keys)).rows.map(({ value }) => value)).toEqual(expected)
  })
})
