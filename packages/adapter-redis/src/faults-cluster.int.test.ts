import {
  from,
  memorySink,
  memorySource,
  memoryStateStore,
  memoryStore,
  type Row,
  runPipeline,
  startPipeline,
} from '@drover/core'
import {
  type Member,
  type RedisCluster,
  type RedisSentinels,
  startRedisCluster,
  startSentinels,
} from '@drover-internal/redis-server'
import { describeOwnRedis } from '@drover-internal/redis-server/vitest'
import { Cluster, Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { keySlot } from './connection/key-slot.js'
import { redisSink } from './sink/redis-sink.js'
import { redisSource } from './source/redis-source.js'

const most = 3_000
const rowsOf = (prefix: string): Row[] =>
  Array.from({ length: most }, (_, i) => ({ key: `${prefix}${i}`, type: 'string', value: `of ${i}`, expires_at: null }))
const byKey = (a: Row, b: Row): number => (String(a.key) < String(b.key) ? -1 : 1)

describeOwnRedis('a cluster whose slots move', () => {
  let cluster: RedisCluster
  let client: Cluster

  beforeAll(async () => {
    cluster = await startRedisCluster({ masters: 3 })
    client = new Cluster([...cluster.nodes.cluster])
  }, 30_000)
  afterAll(async () => {
    client.disconnect()
    await cluster[Symbol.asyncDispose]()
  })
  beforeEach(async () => {
    for (const master of cluster.masters) await master.client.flushall()
  })

  /** Moves slots about, with rests in the middle of a move, until it is told to stop. */
  function migrate(slots: readonly number[]): { stop(): Promise<number> } {
    let stopped = false
    let moves = 0
    const work = (async () => {
      for (let round = 0; !stopped; round++) {
        const slot = slots[round % slots.length] as number
        const from = await cluster.ownerOf(slot)
        const others = cluster.masters.filter((node) => node !== from)
        const to = others[round % others.length] as (typeof others)[number]
        await cluster.beginMove(slot, to)
        // Half of its keys are here and half there, as long as a few commands take.
        await cluster.moveKeys(slot, to, 1)
        for (let i = 0; i < 10 && !stopped; i++) await to.client.ping()
        await cluster.moveKeys(slot, to)
        await cluster.endMove(slot, to)
        moves++
      }
    })()
    return {
      async stop() {
        stopped = true
        await work
        return moves
      },
    }
  }

  const busySlots = (rows: readonly Row[]): number[] =>
    [...new Set(rows.map(({ key }) => keySlot(Buffer.from(String(key)))))].slice(0, 300)

  it.each([1, 3])('gives each key once while it is read, in %d partitions', async (parallel) => {
    const rows = rowsOf('checkpoint:')
    for (const { key, value } of rows) void client.set(String(key), String(value))
    await client.set('checkpoint:0', 'of 0')
    const moving = migrate(busySlots(rows))
    const store = memoryStore<Row>()
    const report = await runPipeline({
      name: 'read',
      source: redisSource({ connection: cluster.nodes, types: 'string' }),
      sink: memorySink<Row>({ store }),
      batchSize: 100,
      parallel,
      state: memoryStateStore(),
    })
    expect(await moving.stop()).toBeGreaterThan(0)
    expect([...store.rows].sort(byKey)).toEqual([...rows].sort(byKey))
    expect(report.counts).toMatchObject({ read: most, inserted: most, rejected: 0 })
  })

  it('takes each key while it is written', async () => {
    const rows = rowsOf('moved:')
    const moving = migrate(busySlots(rows))
    const report = await runPipeline({
      name: 'write',
      source: memorySource<Row>({ records: rows, key: 'key' }),
      sink: redisSink({ connection: cluster.nodes, onConflict: 'update' }),
      batchSize: 200,
      state: memoryStateStore(),
    })
    expect(await moving.stop()).toBeGreaterThan(0)
    expect(report.counts).toMatchObject({ read: most, written: most })
    const found = await Promise.all(rows.map(({ key }) => client.get(String(key))))
    expect(found).toEqual(rows.map(({ value }) => value))
  })

  it('takes each key of one slot exactly once, while that slot moves', async () => {
    const rows = rowsOf('{tag}:')
    const sink = redisSink({ connection: cluster.nodes, hashTag: 'tag' })
    expect(sink.guarantee).toBe('exactly-once')
    const moving = migrate([keySlot(Buffer.from('{tag}'))])
    const report = await runPipeline({
      name: 'write',
      source: memorySource<Row>({ records: rows, key: 'key' }),
      sink,
      batchSize: 200,
      maxRetries: 50,
    })
    expect(await moving.stop()).toBeGreaterThan(0)
    expect(report.counts).toMatchObject({ read: most, inserted: most, updated: 0, skipped: 0 })
    const found = await Promise.all(rows.map(({ key }) => client.get(String(key))))
    expect(found).toEqual(rows.map(({ value }) => value))
  })
})

// Each waits for servers of its own.
describeOwnRedis('a master that is gone, and whose replica takes over', { concurrent: true }, () => {
  it('loses and doubles nothing of a cluster that is read from and written to', { timeout: 60_000 }, async () => {
    await using cluster = await startRedisCluster({
      masters: 3,
      replicas: 1,
      settings: { 'cluster-node-timeout': 500 },
    })
    const client = new Cluster([...cluster.nodes.cluster])
    const rows = rowsOf('checkpoint:')
    for (const { key, value } of rows) void client.set(String(key), String(value))
    for (const master of cluster.masters) {
      await master.client.set('drover:v1:told', '').catch(() => {})
      await master.client.wait(1, 5_000)
    }
    const live = startPipeline({
      name: 'copy',
      source: redisSource({ connection: cluster.nodes, types: 'string' }),
      sink: redisSink({
        connection: cluster.nodes,
        key: ({ key }: Row) => `copied:${key}`,
        onConflict: 'update',
      }),
      batchSize: 100,
      maxRetries: 50,
      state: memoryStateStore(),
    })
    let batches = 0
    let crashed = Promise.resolve()
    live.events.on('batch:committed', () => {
      if (++batches === 5) crashed = (cluster.masters[1] as (typeof cluster.masters)[number]).crash()
    })
    const report = await live.result
    await crashed
    expect(report.counts).toMatchObject({ read: most, written: most })
    const found = await Promise.all(rows.map(({ key }) => client.get(String(key))))
    expect(found).toEqual(rows.map(({ value }) => value))
    client.disconnect()
  })

  it.each(['failover', 'crash'] as const)(
    'by Sentinel (%s): the run goes on with the new one',
    { timeout: 60_000 },
    async (how) => {
      await using sentinels: RedisSentinels = await startSentinels({ keepsData: true })
      const rows = rowsOf('checkpoint:')
      const before = await sentinels.master()
      let moved: Promise<unknown> | undefined
      const live = startPipeline({
        name: 'write',
        // The old master may take writes for a while that its heir never gets: the run outlasts that.
        source: from(memorySource<Row>({ records: rows, key: 'key' })).pipe((row) =>
          row === rows[2_500] && moved !== undefined ? moved.then(() => row) : row,
        ),
        sink: redisSink({ connection: sentinels.connection }),
        batchSize: 100,
        maxRetries: 50,
        state: memoryStateStore(),
      })
      let batches = 0
      live.events.on('batch:committed', () => {
        if (++batches !== 6) return
        moved = (how === 'crash' ? before.crash() : sentinels.failover()).then(() => succeeded(sentinels, before))
      })
      const report = await live.result
      const now = await sentinels.master()
      expect(now).not.toBe(before)
      const client = new Redis(now.url)
      expect(report.counts).toMatchObject({ read: most, inserted: most, updated: 0 })
      expect(await client.mget(rows.map(({ key }) => String(key)))).toEqual(rows.map(({ value }) => value))
      client.disconnect()
    },
  )
})

/** Waits until another server is the master, and has the old one follow it, if it is there: Sentinel does that ten seconds later. */
async function succeeded(sentinels: RedisSentinels, before: Member): Promise<void> {
  const now = await sentinels.masterAfter(before)
  const old = new Redis(before.url, { retryStrategy: null })
  old.on('error', () => {})
  await old.call('REPLICAOF', now.host, now.port).catch(() => {})
  old.disconnect()
}
