import type { Lease } from '@drover/core'
import { describeOwnRedis, useOwnRedis } from '@drover-internal/redis-server/vitest'
import { expect, it } from 'vitest'
import { redisStateStore } from './redis-state-store.js'

const operation = { signal: new AbortController().signal }
const partition = { id: 'all', bounds: null }
const wanted = { name: 'copy', fingerprint: null, partitions: [partition], follows: null }
const counts = { read: 1, written: 1, filtered: 0, rejected: 0, emitted: 1, inserted: 0, updated: 1, skipped: 0 }

describeOwnRedis('state in a server that is full', () => {
  const own = useOwnRedis(async (client) => {
    await client.config('SET', 'maxmemory', 0)
    await client.config('SET', 'maxmemory-policy', 'noeviction')
  })

  it('takes no commit, but keeps leases, and what an attempt came to', async () => {
    await using store = redisStateStore({ connection: own.server.url })
    const { run } = await store.open(wanted, operation)
    const holder = 'elsewhere:1:a'
    const lease = (await store.acquire({ run, partition, holder, ttlMs: 60_000 }, operation)) as Lease
    await own.client.config('SET', 'maxmemory', 1)
    const commit = { ...lease, sequence: 1, cursor: 1, done: false, counts }
    await expect(store.commit(commit, operation)).rejects.toMatchObject({ code: 'STORE_FULL' })
    const telling = { batch: 1 }
    expect(await store.heartbeat(lease, { ...operation, ttlMs: 60_000, telling })).toEqual({ state: 'run' })
    await store.control(run, { state: 'pause' }, operation)
    expect(await store.heartbeat(lease, { ...operation, ttlMs: 60_000 })).toEqual({ state: 'pause' })
    await store.settle(run, { outcome: 'failed', reason: 'it is full' }, operation)
    await store.release(lease, operation)
    const again = await store.acquire({ run, partition, holder, ttlMs: 60_000 }, operation)
    expect(again).toMatchObject({ holder, position: null })
    expect(await store.load('copy', operation)).toMatchObject({ lastOutcome: { reason: 'it is full' } })
  })

  it.each(['allkeys-lru', 'allkeys-lfu', 'allkeys-random'])(
    'is refused at once where it could be evicted: %s',
    async (policy) => {
      await own.client.config('SET', 'maxmemory-policy', policy)
      await using store = redisStateStore({ connection: own.server.url })
      await store.setup?.(operation) // nothing is evicted without a limit
      await own.client.config('SET', 'maxmemory', '100mb')
      await expect(store.setup?.(operation)).rejects.toMatchObject({
        code: 'STATE_INVALID',
        isRetryable: false,
        message: expect.stringMatching(`maxmemory-policy ${policy}.*allowEviction: true`),
      })
      await using told = redisStateStore({ connection: own.server.url, allowEviction: true })
      await told.setup?.(operation)
    },
  )

  it.each(['noeviction', 'volatile-lru', 'volatile-ttl'])('is taken where it cannot be evicted: %s', async (policy) => {
    await own.client.config('SET', 'maxmemory-policy', policy)
    await own.client.config('SET', 'maxmemory', '100mb')
    await using store = redisStateStore({ connection: own.server.url })
    await store.setup?.(operation)
    await store.open(wanted, operation)
  })
})
