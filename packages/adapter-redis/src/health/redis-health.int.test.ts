import {
  type HealthReading,
  type HealthSignal,
  memorySource,
  type Row,
  runPipeline,
  sink,
  startPipeline,
} from '@drover/core'
import { type RedisCluster, type RedisServer, startRedis, startRedisCluster } from '@drover-internal/redis-server'
import { describeOwnRedis, describeRedis, useRedis } from '@drover-internal/redis-server/vitest'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { redisStateStore } from '../state/redis-state-store.js'
import { type RedisHealthOptions, redisHealth } from './redis-health.js'

const operation = { signal: new AbortController().signal }
const one = (options: RedisHealthOptions): HealthSignal => redisHealth(options)[0] as HealthSignal

/** Asks until a reading is as expected: the server tells of others some time after it happened. */
async function readingWhere(signal: HealthSignal, isIt: (reading: HealthReading) => boolean): Promise<HealthReading> {
  for (;;) {
    const reading = await signal.check(operation)
    if (isIt(reading)) return reading
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Keeps a server busy for so long: a script that looks at the clock would never end on Redis 7.2, for which the clock stands still meanwhile. */
function keepBusy(client: Redis, ms: number): Promise<unknown> {
  return client.call('DEBUG', 'SLEEP', String(ms / 1000))
}

describeRedis('the health of a Redis server', () => {
  const database = useRedis()

  it('is how long an answer takes', async () => {
    const signal = one({ connection: database.url, maxLatencyMs: 1_000 })
    try {
      const idle = await signal.check(operation)
      expect(idle.load).toBeGreaterThan(0)
      expect(idle.load).toBeLessThan(1)
      expect(idle.reason).toMatch(/^latency \d+\.\d ms of 1000 ms$/)
    } finally {
      await signal.close?.()
    }
  })

  it('of a server that is not there is told once, and the run goes on', async () => {
    const rows: Row[] = Array.from({ length: 50 }, (_, id) => ({ id }))
    const report = await runPipeline({
      name: 'x',
      source: memorySource<Row>({ records: rows, key: 'id' }),
      sink: sink<Row>({ name: 'nowhere', guarantee: 'idempotent', write: async () => {} }),
      state: redisStateStore({ connection: database.url }),
      signals: redisHealth({ connection: 'redis://me:hunter2@127.0.0.1:1', maxLatencyMs: 1 }),
    })
    expect(report).toMatchObject({ status: 'completed', counts: { read: 50 } })
    expect(report.warnings.map(({ code }) => code)).toEqual(['SIGNAL_FAILED'])
    expect(report.warnings[0]?.message).toContain('127.0.0.1:1')
    expect(report.warnings[0]?.message).not.toContain('hunter2')
  })
})

describeOwnRedis('the health of a Redis server', () => {
  let server: RedisServer
  let client: Redis
  let signal: HealthSignal | undefined
  beforeAll(async () => {
    server = await startRedis({ newerSettings: { 'enable-debug-command': 'yes' } })
    client = new Redis(server.url)
  })
  afterEach(async () => {
    await signal?.close?.()
    await client.config('SET', 'maxmemory', 0)
  })
  afterAll(async () => {
    client?.disconnect()
    await server?.[Symbol.asyncDispose]()
  })

  it('is read over one connection, closed behind the last signal, and made anew', async () => {
    const limits = { maxMemoryShare: 1, maxLatencyMs: 5_000, maxReplicaLagMs: 5_000 }
    const signals = redisHealth({ connection: server.url, ...limits })
    expect(signals.map(({ name }) => name)).toEqual(['memory', 'latency', 'replica lag'])
    const clients = async () => [...((await client.client('LIST')) as string).matchAll(/^id=(\d+)/gm)].map(([id]) => id)
    const before = new Set(await clients())
    const made = async () => (await clients()).filter((id) => !before.has(id)).length
    for (const signal of signals) expect((await signal.check(operation)).load).toBeLessThan(1)
    expect(await made()).toBe(1)
    for (const signal of signals) await signal.close?.()
    while ((await made()) > 0) await new Promise((resolve) => setTimeout(resolve, 10))
    expect((await signals[2]?.check(operation))?.reason).toBe('replica lag 0.0 s of 5.0 s, no replica is connected')
    await signals[2]?.close?.()
  })

  it('is how much of its memory is used', async () => {
    signal = one({ connection: server.url, maxMemoryShare: 0.5 })
    await client.config('SET', 'maxmemory', '1gb')
    const before = await signal.check(operation)
    expect(before.load).toBeLessThan(0.2)
    expect(before.reason).toMatch(/^\d+\.\d% of maxmemory of 50%$/)
    const used = Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1])
    await client.config('SET', 'maxmemory', Math.round(used / 0.75))
    const { load, reason } = await signal.check(operation)
    expect(load).toBeCloseTo(1.5, 0)
    expect(reason).toMatch(/^7\d% of maxmemory of 50%$/)
  })

  it('is a share of what its host has where nothing limits it', async () => {
    signal = one({ connection: server.url, maxMemoryShare: 0.5 })
    const { load, reason } = await signal.check(operation)
    expect(load).toBeLessThan(0.5)
    expect(reason).toMatch(/% of the memory of its host of 50%$/)
  })

  it('is bad while somebody keeps it busy', async () => {
    signal = one({ connection: server.url, maxLatencyMs: 20 })
    await signal.check(operation)
    const busy = new AbortController()
    const keeping = (async () => {
      while (!busy.signal.aborted) await keepBusy(client, 60)
    })()
    const { reason } = await readingWhere(signal, ({ load }) => load >= 1)
    expect(reason).toMatch(/^latency [2-9]\d\.\d ms of 20 ms$|^latency \d{3,}/)
    busy.abort()
    await keeping
    await readingWhere(signal, ({ load }) => load < 1)
  })

  it('holds a run back while it is bad, and lets it go on', async () => {
    const used = Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1])
    await client.config('SET', 'maxmemory', Math.round(used / 0.7))
    const live = startPipeline({
      name: 'x',
      source: memorySource<Row>({ records: Array.from({ length: 500 }, (_, id) => ({ id })), key: 'id' }),
      sink: sink<Row>({ name: 'nowhere', guarantee: 'idempotent', write: async () => {} }),
      state: redisStateStore({ connection: server.url }),
      signals: redisHealth({ connection: server.url, maxMemoryShare: 0.3 }).map((each) => ({ ...each, everyMs: 20 })),
    })
    const reason = await new Promise((resolve) =>
      live.events.on('run:throttled', ({ throttle }) => resolve(throttle?.reason)),
    )
    expect(reason).toMatch(/% of maxmemory of 30%$/)
    expect(live.status()?.counts.read).toBe(0)
    await client.config('SET', 'maxmemory', 0)
    expect(await live.result).toMatchObject({ status: 'completed', counts: { written: 500 } })
  })

  it('is not made up where the user may not ask', async () => {
    await client.call('ACL', 'SETUSER', 'blind', 'on', '>secret', '~*', '+@all', '-info')
    signal = one({ connection: server.url.replace('//', '//blind:secret@'), maxMemoryShare: 0.5 })
    await expect(signal.check(operation)).rejects.toMatchObject({ code: 'STORE_DENIED' })
  })
})

describeOwnRedis('the lag of a replica', () => {
  let master: RedisServer
  let replica: RedisServer
  let writer: Redis
  beforeAll(async () => {
    master = await startRedis()
    replica = await startRedis()
    writer = new Redis(master.url)
    const follower = new Redis(replica.url)
    await follower.replicaof(master.host, master.port)
    follower.disconnect()
  })
  afterAll(async () => {
    writer?.disconnect()
    await replica?.resume().catch(() => {})
    await replica?.[Symbol.asyncDispose]()
    await master?.[Symbol.asyncDispose]()
  })

  it('grows while it does not listen, and is gone when it has caught up', { timeout: 30_000 }, async () => {
    const signal = one({ connection: master.url, maxReplicaLagMs: 500 })
    try {
      await readingWhere(signal, ({ reason }) => reason.includes(`(127.0.0.1:${replica.port})`))
      await replica.pause()
      await writer.set('a', 'b')
      const { reason } = await readingWhere(signal, ({ load }) => load >= 2)
      expect(reason).toMatch(/^replica lag \d\.\d s of 0\.5 s \(127\.0\.0\.1:\d+\)$/)
      await replica.resume()
      await readingWhere(signal, ({ load }) => load === 0)
    } finally {
      await signal.close?.()
    }
  })
})

describeOwnRedis('the health of a cluster', () => {
  let cluster: RedisCluster
  beforeAll(async () => {
    cluster = await startRedisCluster()
  }, 60_000)
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  it('is that of the master that does worst', async () => {
    const [memory, latency] = redisHealth({ connection: cluster.nodes, maxMemoryShare: 1, maxLatencyMs: 60_000 })
    try {
      const [, second] = cluster.masters
      await second?.client.config('SET', 'maxmemory', '10mb')
      for (const other of cluster.masters) if (other !== second) await other.client.config('SET', 'maxmemory', '1gb')
      expect((await memory?.check(operation))?.reason).toContain(`of maxmemory of 100% (127.0.0.1:${second?.port})`)
      expect((await latency?.check(operation))?.load).toBeLessThan(1)
    } finally {
      for (const signal of [memory, latency]) await signal?.close?.()
    }
  })
})

describe('options that make no sense', () => {
  const connection = 'redis://localhost'
  it.each([
    [{ connection }, /it watches nothing; give at least one of maxMemoryShare, maxLatencyMs, maxReplicaLagMs/],
    [{ connection, maxMemoryShare: 80 }, /maxMemoryShare is more than 0 and at most 1, not 80/],
    [{ connection, maxMemoryShare: 0 }, /maxMemoryShare is more than 0 and at most 1, not 0/],
    [{ connection, maxLatencyMs: 0 }, /maxLatencyMs is a whole number of at least 1/],
    [{ connection, maxlatencyMs: 3 }, /did you mean "maxLatencyMs"/],
    [{ connection: 'mysql://x', maxLatencyMs: 3 }, /mysql/],
  ])('are refused', (options, message) => {
    expect(() => redisHealth(options as never)).toThrow(message)
  })
})
