import { type ClusterNode, type RedisCluster, startRedisCluster } from '@drover-internal/redis-server'
import { describeOwnRedis } from '@drover-internal/redis-server/vitest'
import { Cluster } from 'ioredis'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { keySlot } from './key-slot.js'
import { openRedis } from './open-redis.js'
import type { KeyedCommand, RedisConnection } from './redis-connection.js'
import type { RedisLocation } from './redis-location.js'

const { signal } = new AbortController()

function open(connection: RedisLocation['connection']): Promise<RedisConnection> {
  return openRedis({ connection }, { where: 'test', signal, writes: true })
}

function keyed(...command: readonly [name: string, key: string, ...args: string[]]): KeyedCommand {
  return { key: Buffer.from(command[1]), command }
}

const many = Array.from({ length: 300 }, (_, index) => `key:${index}`)

describeOwnRedis('a cluster', () => {
  let cluster: RedisCluster
  let nodes: readonly ClusterNode[]
  beforeAll(async () => {
    cluster = await startRedisCluster({ masters: 2 })
    nodes = cluster.masters
  })
  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]()
  })

  /** Of the node that does not have it. */
  async function other(slot: number): Promise<ClusterNode> {
    const owner = await cluster.ownerOf(slot)
    const found = nodes.find((node) => node !== owner)
    if (found === undefined) throw new Error('There are two nodes.')
    return found
  }

  it('is found from one of its nodes, by URL, and from a client; each key is where its slot is', async () => {
    const [first] = nodes
    const application = new Cluster([{ host: first?.host ?? '', port: first?.port ?? 0 }], {
      redisOptions: { protocol: 2 },
    })
    const one = { cluster: [{ host: first?.host ?? '', port: first?.port ?? 0 }] }
    for (const connection of [one, { cluster: [first?.url ?? ''] }, application, cluster.nodes]) {
      await using opened = await open(connection)
      expect(opened).toMatchObject({ isCluster: true })
      expect(opened.name.startsWith(`${first?.host}:${first?.port}`)).toBe(true)
      const written = await opened.pipeline(
        'writing',
        many.map((key) => keyed('SET', key, key)),
      )
      expect(new Set(written.map(String))).toEqual(new Set(['OK']))
      const read = await opened.pipeline(
        'reading',
        many.map((key) => keyed('GET', key)),
      )
      expect(read.map(String)).toEqual(many)
    }
    application.disconnect()
    for (const { client } of nodes) expect(await client.dbsize()).toBeGreaterThan(50)
  })

  it('tells its topology: slots of each node, and those on their way', async () => {
    await using opened = await open(cluster.nodes)
    const before = await opened.topology('asking')
    expect(before.nodes.map(({ slots }) => slots)).toEqual([[[0, 8191]], [[8192, 16_383]]])
    expect((await opened.topology('asking')).version).toBe(before.version)
    const to = await other(100)
    await cluster.beginMove(100, to)
    const moving = await opened.topology('asking')
    expect(moving.version).not.toBe(before.version)
    expect(moving.nodes.map(({ leaving }) => leaving)).toEqual([[100], []])
    await cluster.endMove(100, to)
    const after = await opened.topology('asking')
    expect(after.version).not.toBe(moving.version)
    expect(after.nodes.map(({ slots }) => slots)).toEqual([
      [
        [0, 99],
        [101, 8191],
      ],
      [
        [100, 100],
        [8192, 16_383],
      ],
    ])
    expect(opened.nodeOf(100).name).toBe(`${to.host}:${to.port}`)
  })

  it('is followed where a slot has moved', async () => {
    await using opened = await open(cluster.nodes)
    await opened.pipeline(
      'writing',
      many.map((key) => keyed('SET', key, 'before')),
    )
    for (const slot of new Set(many.slice(0, 20).map((key) => keySlot(Buffer.from(key))))) {
      await cluster.moveSlot(slot, await other(slot))
    }
    const read = await opened.pipeline(
      'reading',
      many.map((key) => keyed('GET', key)),
    )
    expect(new Set(read.map(String))).toEqual(new Set(['before']))
    for (const key of many.slice(0, 20)) {
      const { host, port } = await cluster.ownerOf(keySlot(Buffer.from(key)))
      expect(opened.nodeOf(keySlot(Buffer.from(key))).name).toBe(`${host}:${port}`)
    }
  })

  it('is followed while a slot is moving', async () => {
    await using opened = await open(cluster.nodes)
    const tagged = Array.from({ length: 10 }, (_, index) => `{moving}:${index}`)
    const slot = keySlot(Buffer.from('moving'))
    await opened.pipeline(
      'writing',
      tagged.map((key) => keyed('SET', key, 'before')),
    )
    const to = await other(slot)
    await cluster.beginMove(slot, to)
    await cluster.moveKeys(slot, to, 5)
    // Each is read and written where it is, and a new one is made where the slot goes.
    const all = [...tagged, '{moving}:new']
    const written = await opened.pipeline(
      'writing',
      all.map((key) => keyed('SET', key, 'now')),
    )
    expect(new Set(written.map(String))).toEqual(new Set(['OK']))
    const read = await opened.pipeline(
      'reading',
      all.map((key) => keyed('GET', key)),
    )
    expect(new Set(read.map(String))).toEqual(new Set(['now']))
    // Keys at both ends: tried again until they are together.
    const both = opened.pipeline('reading', [keyed('MGET', ...(tagged as [string, ...string[]]))])
    await cluster.moveKeys(slot, to)
    await cluster.endMove(slot, to)
    expect(String(await both)).toBe(tagged.map(() => 'now').join(','))
  })

  it('is looked up anew after a command failed that was sent to one node', async () => {
    await using opened = await open(cluster.nodes)
    const slot = keySlot(Buffer.from('alone'))
    const to = await other(slot)
    const before = opened.nodeOf(slot)
    await cluster.moveSlot(slot, to)
    await expect(before.call('writing key "alone"', 'SET', 'alone', '1')).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      isRetryable: true,
      message: expect.stringContaining('moved to another node'),
    })
    await expect.poll(() => opened.nodeOf(slot).name).toBe(`${to.host}:${to.port}`)
  })

  it('has no other database, and is not one of its nodes', async () => {
    const [node] = nodes
    const name = `${node?.host}:${node?.port}`
    await expect(open(node?.url)).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      message: `test: ${name} is a node of a cluster: give connection: { cluster: ['redis://${name}'] }, so that all of its nodes are used.`,
    })
    await expect(open(`redis://${name}/3`)).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      message: expect.stringContaining('connection: { cluster:'),
    })
    await expect(open({ ...cluster.nodes, options: { redisOptions: { db: 1 } } })).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      message: 'test: a cluster has database 0 and no other.',
    })
  })
})
