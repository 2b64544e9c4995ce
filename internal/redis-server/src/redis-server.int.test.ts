import { Redis } from 'ioredis'
import { expect, it } from 'vitest'
import { type ClusterNode, startRedisCluster } from './redis-cluster.js'
import { startSentinels } from './redis-sentinel.js'
import { startRedis } from './redis-server.js'
import { describeOwnRedis, describeRedis, useRedis } from './vitest.js'

describeRedis('the server of the test run', () => {
  const one = useRedis()
  const other = useRedis()

  it('gives each block an empty database of its own', async () => {
    await one.client.set('a', '1')
    expect(await other.client.dbsize()).toBe(0)
    expect(one.database).not.toBe(other.database)
    const client = new Redis(one.url)
    expect(await client.get('a')).toBe('1')
    client.disconnect()
  })
})

describeOwnRedis('a server of one test', () => {
  it('comes back with its data, on the same port', async () => {
    await using server = await startRedis({ keepsData: true })
    for (const end of ['stop', 'crash'] as const) {
      const client = new Redis(server.url)
      client.on('error', () => {})
      const value = await client.incr('a')
      await server[end]()
      client.disconnect()
      await server.start()
      const again = new Redis(server.url)
      expect(await again.get('a')).toBe(String(value))
      again.disconnect()
    }
  })
})

describeOwnRedis('a cluster', () => {
  it('has all slots, and moves them', async () => {
    await using cluster = await startRedisCluster({ masters: 2, replicas: 1 })
    const [one, two] = cluster.masters as [ClusterNode, ClusterNode]
    // The slot of "a" is 15495.
    expect(await cluster.ownerOf(15_495)).toBe(two)
    await two.client.set('a', '1')
    await cluster.moveSlot(15_495, one)
    expect(await one.client.get('a')).toBe('1')
    expect(await cluster.ownerOf(15_495)).toBe(one)
  })
})

describeOwnRedis('sentinels', () => {
  it('choose another master', async () => {
    await using sentinels = await startSentinels()
    const before = await sentinels.master()
    expect(await sentinels.failover()).not.toBe(before)
  })
})
