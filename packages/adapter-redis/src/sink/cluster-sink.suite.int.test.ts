import { ackSinkSuite, exactSinkSuite } from '@drover/conformance'
import type { Row } from '@drover/core'
import { type RedisCluster, startRedisCluster } from '@drover-internal/redis-server'
import { describeOwnRedis } from '@drover-internal/redis-server/vitest'
import { afterAll, beforeAll } from 'vitest'
import { redisSink } from './redis-sink.js'
import { readSink } from './testing/read-sink.js'

describeOwnRedis('redisSink in a cluster', () => {
  let cluster: RedisCluster
  beforeAll(async () => {
    cluster = await startRedisCluster()
  }, 30_000)
  afterAll(async () => {
    await cluster[Symbol.asyncDispose]()
  })

  const empty = async (): Promise<void> => {
    for (const { client } of cluster.masters) await client.flushall()
  }

  const values = ['int64', 'float64', 'text', 'bytes', 'json', 'timestampUs', 'vector'] as const

  ackSinkSuite('redisSink all over a cluster', {
    capabilities: { values, keys: ['text'], refuses: true, tellsRow: true, readBack: true },
    create: async ({ schema }) => {
      await empty()
      const open = () =>
        redisSink({ connection: cluster.nodes, as: 'hash', key: `row:{${schema.key[0]}}`, onConflict: 'update' })
      return {
        open,
        contents: () => readSink(open(), schema),
        refusable: (row: Row) => ({ ...row, name: () => {} }),
        [Symbol.asyncDispose]: async () => {},
      }
    },
  })

  exactSinkSuite('redisSink in one slot of a cluster', {
    capabilities: {
      values,
      keys: ['int'],
      conflicts: ['error', 'skip', 'update', 'merge'],
      refuses: true,
      tellsRow: true,
      readBack: true,
    },
    create: async ({ schema, onConflict = 'error' }) => {
      await empty()
      const open = () =>
        redisSink({
          connection: cluster.nodes as never,
          as: 'hash',
          hashTag: 'rows',
          key: `{{rows}}:${schema.key.map((name) => `{${name}}`).join(':')}`,
          onConflict: onConflict === 'merge' ? { merge: ['score'] } : onConflict,
        })
      return {
        open,
        contents: () => readSink(open(), schema),
        refusable: (row: Row) => ({ ...row, name: () => {} }),
        [Symbol.asyncDispose]: async () => {},
      }
    },
  })
})
