import { startRedisCluster } from '@drover-internal/redis-server'
import { describeOwnRedis } from '@drover-internal/redis-server/vitest'
import { expect, it } from 'vitest'
import { openRedis } from './open-redis.js'
import type { KeyedCommand } from './redis-connection.js'

const { signal } = new AbortController()
const many = Array.from({ length: 300 }, (_, index) => `key:${index}`)

function keyed(...command: readonly [name: string, key: string, ...args: string[]]): KeyedCommand {
  return { key: Buffer.from(command[1]), command }
}

describeOwnRedis('a cluster whose master is gone', () => {
  it('is served by the replica after it', async () => {
    await using cluster = await startRedisCluster({
      masters: 3,
      replicas: 1,
      settings: { 'cluster-node-timeout': 500 },
    })
    await using opened = await openRedis({ connection: cluster.nodes }, { where: 'test', signal, writes: true })
    await opened.pipeline(
      'writing',
      many.map((key) => keyed('SET', key, key)),
    )
    const [first] = cluster.masters
    const [replica] = cluster.replicas
    await first?.client.call('WAIT', 1, 5000)
    await first?.crash()
    const failed: unknown[] = []
    for (;;) {
      try {
        const read = await opened.pipeline(
          'reading',
          many.map((key) => keyed('GET', key)),
        )
        const refused = read.find((reply) => reply instanceof Error)
        if (refused === undefined) {
          expect(read.map(String)).toEqual(many)
          break
        }
        failed.push(refused)
      } catch (error) {
        expect(error).toMatchObject({ isRetryable: true })
        failed.push(error)
      }
    }
    expect(failed.length).toBeGreaterThan(0)
    expect(opened.nodeOf(0).name).toBe(`${replica?.host}:${replica?.port}`)
  })
})
