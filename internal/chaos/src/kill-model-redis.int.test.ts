import { redisSink, redisSource, redisStateStore } from '@drover/adapter-redis'
import { type KillModelOptions, killModel } from '@drover/conformance'
import type { Row } from '@drover/core'
import { type RedisServer, startRedis } from '@drover-internal/redis-server'
import { describeOwnRedis } from '@drover-internal/redis-server/vitest'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { headsSource } from './heads-source.js'

describeOwnRedis('Redis', () => {
  let server: RedisServer
  let trials = 0
  beforeAll(async () => {
    server = await startRedis({ settings: { databases: 1_000 } })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  /** From keys to keys of the same database: as hashes, or as texts whose state lies elsewhere. */
  const stores =
    (as: 'hash' | 'string'): KillModelOptions['create'] =>
    async ({ records, sourceSchema }) => {
      // Each has a database of its own: their runs have one name.
      const url = `${server.url}/${trials++ % 1_000}`
      const client = new Redis(url)
      await client.mset(records.flatMap((head) => [`heads:${head.id}`, JSON.stringify(head)]))
      const contents = async (): Promise<Row[]> => {
        const keys = await client.keys('children:*')
        return await Promise.all(
          keys.map(async (key) => {
            if (as === 'string') return JSON.parse(String(await client.get(key))) as Row
            const { id, child, text } = await client.hgetall(key)
            return { id: Number(id), child: Number(child), text }
          }),
        )
      }
      return {
        openSource: () =>
          headsSource(redisSource({ connection: url, keyPrefix: 'heads:', types: 'string' }), sourceSchema),
        openSink: () => redisSink({ connection: url, key: `children:{id}:{child}`, as }),
        ...(as === 'string' && {
          openState: () => redisStateStore({ connection: url, keyPrefix: 'state:' }),
        }),
        contents,
        async [Symbol.asyncDispose]() {
          await client.flushdb()
          client.disconnect()
        },
      }
    }

  test.each([
    ['hash', 'tells', 25],
    ['string', 'silent', 25],
  ] as const)(
    'as %s, it is exact wherever a run ends (refusals: %s)',
    { timeout: 180_000 },
    async (as, refusals, stride) => {
      const report = await killModel({ create: stores(as), refusals, stride })
      expect(report.kills).toBeGreaterThan(15)
      expect(report.zombies).toBeGreaterThan(5)
    },
  )
})
