import { from, memorySource, memoryStateStore, type Row, runPipeline, type SinkAccount } from '@drover/core'
import { type RedisServer, startRedis } from '@drover-internal/redis-server'
import { describeOwnRedis } from '@drover-internal/redis-server/vitest'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { redisSink } from './redis-sink.js'

const records: Row[] = Array.from({ length: 100 }, (_, id) => ({ id, text: 'x'.repeat(100) }))

describeOwnRedis('a server that evicts keys', () => {
  let server: RedisServer
  let client: Redis
  beforeAll(async () => {
    server = await startRedis({
      settings: { 'maxmemory-policy': 'volatile-lru' },
      aclUsers: { blind: 'on >secret ~* +@all -info' },
    })
    client = new Redis(server.url)
  })
  beforeEach(async () => {
    await client.config('SET', 'maxmemory', '0')
    await client.flushall()
    await client.config('RESETSTAT')
  })
  afterAll(async () => {
    client.disconnect()
    await server[Symbol.asyncDispose]()
  })

  /** Into a server that is full for a moment, once it is connected to, and throws away what expires some day. */
  const noted = async (connection: string): Promise<SinkAccount | undefined> => {
    for (let i = 0; i < 20; i++) await client.set(`old:${i}`, 'x', 'EX', 1000)
    const report = await runPipeline({
      name: 'copy',
      source: from(memorySource({ records, key: 'id' })).pipe(async (record) => {
        // Nothing of the run is on its way to the server yet.
        if (record.id !== 0) return record
        await client.config('SET', 'maxmemory', '1')
        await expect.poll(() => client.info('stats')).toMatch(/^evicted_keys:20\r$/m)
        await client.config('SET', 'maxmemory', '0')
        return record
      }),
      sink: redisSink<Row>({ connection, key: 'a:{id}', as: 'hash', batchSize: 50 }),
      state: memoryStateStore(),
    })
    return report.account
  }

  it('while a run writes is said at its end', async () => {
    expect(await noted(server.url)).toEqual({
      figures: { evicted: 20 },
      kept: [],
      notes: [expect.stringMatching(/^20 keys were evicted while it wrote: .*volatile-lru/)],
    })
  })

  it('before is not, nor to who may not ask', async () => {
    await noted(server.url)
    const sink = redisSink<Row>({ connection: server.url, key: 'b:{id}', as: 'hash' })
    const { account } = await runPipeline({ name: 'later', source: memorySource({ records, key: 'id' }), sink })
    expect(account).toBe(undefined)
    await client.flushall()
    await client.config('RESETSTAT')
    expect(await noted(server.url.replace('//', '//blind:secret@'))).toBe(undefined)
  })
})
