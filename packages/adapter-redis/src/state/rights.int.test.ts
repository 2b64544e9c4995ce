import type { Lease } from '@drover/core'
import { describeOwnRedis, useOwnRedis } from '@drover-internal/redis-server/vitest'
import { expect, it } from 'vitest'
import { openRedis } from '../connection/open-redis.js'
import { claimPosition } from './positions.js'
import { redisStateStore } from './redis-state-store.js'

const { signal } = new AbortController()
const operation = { signal }
const partition = { id: 'all', bounds: null }
const wanted = { name: 'copy', fingerprint: null, partitions: [partition], follows: null }
const counts = { read: 1, written: 1, filtered: 0, rejected: 0, emitted: 1, inserted: 0, updated: 1, skipped: 0 }

/** What a user needs for state, and no more. */
const rights = [
  '~drover:v1:*',
  ...['+eval', '+evalsha', '+time', '+hget', '+hmget', '+hgetall', '+hset', '+hdel', '+hexists'],
  ...['+llen', '+lrange', '+rpush', '+lrem', '+del', '+zadd', '+zrangebyscore', '+zrem'],
]

describeOwnRedis('state, for a user with few rights', () => {
  const own = useOwnRedis(async (client) => {
    await client.config('SET', 'maxmemory', 0)
    await client.call('ACL', 'DELUSER', 'few')
  })

  async function user(...rules: readonly string[]): Promise<string> {
    await own.client.call('ACL', 'SETUSER', 'few', 'on', '>secret', '-@all', ...rules)
    return own.server.url.replace('redis://', 'redis://few:secret@')
  }

  it('is kept with those that it needs', async () => {
    const connection = await user(...rights)
    await using store = redisStateStore({ connection, keepRuns: 1 })
    let follows: string | null = null
    for (let i = 0; i < 3; i++) {
      const { run } = await store.open({ ...wanted, follows }, operation)
      const lease = (await store.acquire({ run, partition, holder: 'h', ttlMs: 60_000 }, operation)) as Lease
      await store.commit({ ...lease, sequence: 1, cursor: 1, done: true, counts }, operation)
      await store.control(run, { state: 'pause' }, operation)
      await store.heartbeat(lease, { ...operation, ttlMs: 60_000, telling: { at: 1 } })
      await store.release(lease, operation)
      await store.settle(run, { outcome: 'completed' }, operation)
      follows = run
    }
    expect(await own.client.lrange('drover:v1:{drover}:runs:copy', 0, -1)).toHaveLength(2)
    await using elsewhere = await openRedis({ connection }, { where: 'test', signal, writes: true })
    await own.client.hset('drover:v1:{drover}:run:old', 'claimedAt', 1)
    await own.client.zadd('drover:v1:{drover}:strays', '1', 'old')
    expect(await claimPosition(elsewhere, {}, { run: 'other', partition, fence: 1 })).toBeNull()
    expect(await own.client.exists('drover:v1:{drover}:run:old')).toBe(0)
  })

  it('is not kept without them, which is said', async () => {
    const connection = await user(...rights, '-hset')
    await using store = redisStateStore({ connection })
    await expect(store.open(wanted, operation)).rejects.toMatchObject({ code: 'STORE_DENIED', isRetryable: false })
    expect(await own.client.dbsize()).toBe(0)
  })

  it('is kept where he may not ask whether it could be evicted', async () => {
    await own.client.config('SET', 'maxmemory-policy', 'allkeys-lru')
    await own.client.config('SET', 'maxmemory', '100mb')
    await using store = redisStateStore({ connection: await user(...rights) })
    await store.setup?.(operation)
    expect(await store.open(wanted, operation)).toMatchObject({ name: 'copy' })
  })
})
