import { from, memorySource, memoryStateStore, type Row, runPipeline } from '@drover/core'
import { type RedisServer, startRedis } from '@drover-internal/redis-server'
import { describeOwnRedis } from '@drover-internal/redis-server/vitest'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { type RedisSinkOptions, redisSink } from './redis-sink.js'
import { Lane } from './testing/batches.js'

describeOwnRedis('redisSink', () => {
  let server: RedisServer
  let client: Redis
  beforeAll(async () => {
    server = await startRedis()
    client = new Redis(server.url, { retryStrategy: () => 20 })
    client.on('error', () => {})
  })
  beforeEach(async () => {
    await client.config('SET', 'maxmemory', '0')
    await client.flushall()
  })
  afterAll(async () => {
    client.disconnect()
    await server[Symbol.asyncDispose]()
  })

  const open = (options: Partial<RedisSinkOptions<Row>> = {}): Promise<Lane> =>
    Lane.open(redisSink<Row>({ connection: server.url, key: 'a:{id}', as: 'hash', ...options }))
  const records = (from: number, count: number): Row[] =>
    Array.from({ length: count }, (_, i) => ({ id: from + i, v: 'x'.repeat(50) }))
  const count = async (): Promise<number> => (await client.keys('a:*')).length

  it.each(['string', 'hash'] as const)('writes nothing of a batch that the memory has no room for (%s)', async (as) => {
    for (const onConflict of ['error', 'update'] as const) {
      await client.flushall()
      await client.rpush('a:1', 'theirs')
      await using lane = await open({ as, onConflict })
      await lane.write(records(100, 10))
      await client.config('SET', 'maxmemory', '1')
      await expect(lane.write(records(onConflict === 'update' ? 0 : 2, 10))).rejects.toMatchObject({
        code: 'STORE_FULL',
      })
      expect(await count()).toBe(11)
      expect(await client.lrange('a:1', 0, -1)).toEqual(['theirs'])
      await client.config('SET', 'maxmemory', '0')
      expect(await lane.claim()).toBe(1)
      expect(await lane.write(records(200, 10))).toMatchObject({ inserted: 10 })
    }
  })

  it('goes on with a server that has forgotten its scripts', async () => {
    await using lane = await open({ onConflict: 'skip' })
    await lane.write(records(0, 10))
    await client.script('FLUSH')
    expect(await lane.write(records(5, 10))).toEqual({ inserted: 5, updated: 0, skipped: 5 })
    await client.script('FLUSH')
    expect(await lane.write(records(15, 10))).toEqual({ inserted: 10, updated: 0, skipped: 0 })
  })

  it('writes again what a server lost that came back empty in the middle', { timeout: 20_000 }, async () => {
    let restarts = 0
    const report = await runPipeline({
      name: 'lost',
      source: from(memorySource({ records: records(0, 500), key: 'id' })).pipe(async (record) => {
        if (record.id === 300 && restarts++ === 0) {
          await server.crash()
          await server.start()
        }
        return record
      }),
      sink: redisSink<Row>({ connection: server.url, key: 'a:{id}', as: 'string', batchSize: 50 }),
      state: memoryStateStore(),
    })
    expect(restarts).toBeGreaterThan(0)
    expect(report.counts).toMatchObject({ read: 500, inserted: 500 })
    expect(await count()).toBe(500)
  })

  it('says before it writes that it may not use a command that it needs', async () => {
    await client.call('ACL', 'SETUSER', 'limited', 'on', '>secret', '~*', '+@all', '-rpush')
    const url = new URL(server.url)
    url.username = 'limited'
    url.password = 'secret'
    await using lane = await open({ connection: url.href, as: undefined as never, key: undefined as never })
    const error = await lane
      .write([
        { key: 'a:1', type: 'string', value: 'x', expires_at: null },
        { key: 'a:2', type: 'list', value: ['x'], expires_at: null },
      ])
      .catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'STORE_DENIED', message: expect.stringMatching(/rpush/) })
    expect(String(error)).not.toContain('secret')
    expect(await count()).toBe(0)
  })
})
