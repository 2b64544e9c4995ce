import { describeRedis, useRedis } from '@drover-internal/redis-server/vitest'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openRedis } from '../../connection/open-redis.js'
import type { ClusterMember, RedisConnection, Topology } from '../../connection/redis-connection.js'
import { IndexBuilding } from './index-building.js'
import { allKeys } from './key-range.js'

const { signal } = new AbortController()
const settings = { match: null, type: null, scanCount: 10 }

/** Slots on their way, by the place of the server that gives them. */
type Leaving = Readonly<Record<number, readonly number[]>>

// Three databases of one server stand for three masters: real scans, of a topology that the test decides about.
describeRedis('the keys of several masters', () => {
  const databases = [useRedis(), useRedis(), useRedis()]
  let connections: RedisConnection[] = []
  beforeEach(async () => {
    connections = await Promise.all(
      databases.map(({ url }) => openRedis({ connection: url }, { where: 'the test', signal, writes: false })),
    )
  })
  afterEach(async () => {
    for (const connection of connections) await connection[Symbol.asyncDispose]()
    for (const { client } of databases) await client.flushdb()
  })

  /** A cluster whose topology is asked for again and again. */
  function cluster(topologyAt: (asked: number) => { version: string; leaving?: Leaving }): RedisConnection {
    let asked = 0
    const topology = async (): Promise<Topology> => {
      const { version, leaving = {} } = topologyAt(asked++)
      const nodes = connections.map((connection, i): ClusterMember => {
        const node = connection.nodeOf(0)
        // Databases of one server have the same address.
        const named = Object.create(node, { name: { value: `master ${i}` } }) as typeof node
        const call: typeof node.call = async (doing, name, ...args) => {
          if (name === 'SCAN') await beforeScan(i, String(args[0]))
          const answer = node.call(doing, name, ...args)
          afterScan(i)
          return answer
        }
        Object.defineProperties(named, {
          call: { value: call },
          pipeline: { value: node.pipeline.bind(node) },
        })
        return { node: named, slots: [], leaving: leaving[i] ?? [] }
      })
      return { nodes, version }
    }
    return { ...(connections[0] as RedisConnection), isCluster: true, name: 'the cluster', topology }
  }

  /** Called before each `SCAN`. */
  let beforeScan: (master: number, cursor: string) => Promise<unknown> = async () => {}
  /** Called when one was sent. */
  let afterScan: (master: number) => void = () => {}
  const scans: string[] = []
  beforeEach(() => {
    scans.length = 0
    afterScan = () => {}
    beforeScan = async (master, cursor) => cursor === '0' && scans.push(`master ${master}`)
  })

  async function fill(master: number, prefix: string, count: number): Promise<string[]> {
    const keys = Array.from({ length: count }, (_, i) => `${prefix}${i}`)
    await databases[master]?.client.mset(...keys.flatMap((key) => [key, '']))
    return keys
  }

  async function built(building: IndexBuilding): Promise<string[]> {
    const { index } = await building.run(signal)
    const read: string[] = []
    for await (const chunk of index.read(allKeys, 100, signal)) read.push(...chunk.map(String))
    return read.sort()
  }

  test('are those of all of them, a key that two have once', async () => {
    const keys = [...(await fill(0, 'a', 100)), ...(await fill(1, 'b', 100)), ...(await fill(2, 'c', 100))]
    await fill(2, 'a', 10)
    await using building = new IndexBuilding(
      cluster(() => ({ version: 'same' })),
      settings,
    )
    expect(await built(building)).toEqual(keys.sort())
    expect(scans.sort()).toEqual(['master 0', 'master 1', 'master 2'])
  })

  test('are looked for where they go only after where they come from', async () => {
    const keys = await fill(1, 'moving', 200)
    await fill(0, 'a', 50)
    const [, from, to] = databases
    let isMoved = false
    const record = beforeScan
    beforeScan = async (master, cursor) => {
      await record(master, cursor)
      // Half way through the giver, all that it has goes to the other one.
      if (master !== 1 || cursor === '0' || isMoved) return
      isMoved = true
      await to?.client.mset(...keys.flatMap((key) => [key, '']))
      await from?.client.unlink(...keys)
    }
    await using building = new IndexBuilding(
      cluster(() => ({ version: 'same', leaving: { 1: [7, 8] } })),
      settings,
    )
    expect((await built(building)).filter((key) => key.startsWith('moving'))).toEqual([...keys].sort())
    expect(isMoved).toBe(true)
    expect(scans[0]).toBe('master 1')
  })

  test('are looked for everywhere once more when several give some away', async () => {
    await using building = new IndexBuilding(
      cluster(() => ({ version: 'same', leaving: { 0: [1], 1: [7] } })),
      settings,
    )
    await built(building)
    expect(scans.slice(0, 2).sort()).toEqual(['master 0', 'master 1'])
    expect(scans.slice(2).sort()).toEqual(['master 0', 'master 1', 'master 2'])
  })

  test('are looked for again when slots moved meanwhile', async () => {
    const keys = await fill(1, 'moved', 50)
    const [, from, to] = databases
    // While the first master is scanned, another one gives its keys to the third one, which was through by then.
    let isMoved = false
    const record = beforeScan
    beforeScan = async (master, cursor) => {
      await record(master, cursor)
      if (master !== 1 || isMoved) return
      isMoved = true
      await to?.client.mset(...keys.flatMap((key) => [key, '']))
      await from?.client.unlink(...keys)
    }
    await using building = new IndexBuilding(
      cluster((asked) => ({ version: asked === 0 ? 'before' : 'after' })),
      settings,
    )
    expect(await built(building)).toEqual([...keys].sort())
    expect(scans).toHaveLength(6)
  })

  test('are given up for now, with a word about it, when slots never rest', async () => {
    await using building = new IndexBuilding(
      cluster((asked) => ({ version: `${asked}` })),
      settings,
    )
    await expect(building.run(signal)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      isRetryable: true,
      message: expect.stringContaining('the cluster: slots of the cluster moved each of 5 times'),
    })
    // The next attempt has as many.
    scans.length = 0
    await expect(building.run(signal)).rejects.toMatchObject({ isRetryable: true })
    expect(scans).toHaveLength(15)
  })

  test('are not looked for again where all of them were found, after another connection broke', async () => {
    const keys = [...(await fill(0, 'a', 100)), ...(await fill(1, 'b', 100)), ...(await fill(2, 'c', 100))]
    let isBroken = false
    afterScan = (master) => {
      if (master !== 1 || isBroken) return
      isBroken = true
      connections[1]?.nodeOf(0).client.stream.destroy()
    }
    await using building = new IndexBuilding(
      cluster(() => ({ version: 'same' })),
      settings,
    )
    await expect(building.run(signal)).rejects.toMatchObject({ isRetryable: true })
    scans.length = 0
    expect(await built(building)).toEqual(keys.sort())
    expect(scans).toEqual(['master 1'])
  })
})
