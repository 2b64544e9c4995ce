import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
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

// What follows waits for servers of its own, most of the time.
describeOwnRedis('servers of a process', { concurrent: true }, () => {
  it('end with it when it is killed, and leave nothing', async ({ expect }) => {
    const script = `
      import { startRedis } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)}
      console.log((await startRedis()).url)
      setInterval(() => {}, 1000)`
    const tsx = createRequire(import.meta.url).resolve('tsx')
    const child = spawn(process.execPath, ['--import', tsx, '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const url = await new Promise<string>((resolve) => createInterface({ input: child.stdout }).once('line', resolve))
    const client = new Redis(url, { retryStrategy: null })
    client.on('error', () => {})
    const [, folder = ''] = (await client.config('GET', 'dir')) as [string, string]
    expect(existsSync(folder)).toBe(true)
    const ended = new Promise((resolve) => client.once('end', resolve))
    child.kill('SIGKILL')
    await ended
    await expect.poll(() => existsSync(join(folder, '..')), { timeout: 10_000 }).toBe(false)
  })
})

describeOwnRedis('a cluster', { concurrent: true }, () => {
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

describeOwnRedis('sentinels', { concurrent: true }, () => {
  it('choose another master', async () => {
    await using sentinels = await startSentinels()
    const before = await sentinels.master()
    expect(await sentinels.failover()).not.toBe(before)
  })
})
