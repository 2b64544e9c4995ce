import { ackSinkSuite, exactSinkSuite } from '@drover/conformance'
import type { Batch, Row } from '@drover/core'
import { majorVersionOf, type RedisCluster, startRedisCluster } from '@drover-internal/redis-server'
import { describeOwnRedis } from '@drover-internal/redis-server/vitest'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { keySlot } from '../connection/key-slot.js'
import { redisSink } from './redis-sink.js'
import { operation, pageOf } from './testing/batches.js'
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

  it('says which right was taken away meanwhile', async () => {
    await empty()
    const allow = async (...rules: readonly string[]): Promise<void> => {
      for (const { client } of cluster.masters) {
        await client.call('ACL', 'SETUSER', 'limited', 'on', '>secret', '~*', '+@all', ...rules)
      }
    }
    await allow()
    const sink = redisSink<Row>({
      connection: { ...cluster.nodes, options: { redisOptions: { username: 'limited', password: 'secret' } } },
      key: 'a:{id}',
      as: 'list',
      value: 'items',
      onConflict: 'update',
    })
    await using session = await sink.connect(operation)
    expect(await session.write(listsOf('before'), operation)).toEqual({ inserted: 3, updated: 0, skipped: 0 })
    await allow('-rpush')
    await expect(session.write(listsOf('after'), operation)).rejects.toMatchObject({ code: 'STORE_DENIED' })
    if (cluster.masters[0] && (await majorVersionOf(cluster.masters[0].client)) >= 7) {
      for (const id of [1, 2, 3]) {
        const { client } = await cluster.ownerOf(keySlot(Buffer.from(`a:${id}`)))
        expect(await client.lrange(`a:${id}`, 0, -1)).toEqual(['before'])
      }
    }
    await allow()
    expect(await session.write(listsOf('after'), operation)).toEqual({ inserted: 0, updated: 3, skipped: 0 })
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

function listsOf(item: string): Batch<Row> {
  return {
    partition: { id: 'all', bounds: null },
    sequence: 1,
    async *[Symbol.asyncIterator]() {
      yield pageOf([1, 2, 3].map((id) => ({ id, items: [item] })))
    },
  }
}
