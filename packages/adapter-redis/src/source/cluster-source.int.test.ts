import { sourceSuite } from '@drover/conformance'
import type { Cursor, Partition, SourceSession } from '@drover/core'
import { type RedisCluster, startRedisCluster } from '@drover-internal/redis-server'
import { describeOwnRedis } from '@drover-internal/redis-server/vitest'
import { Cluster } from 'ioredis'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { keySlot } from '../connection/key-slot.js'
import { rangeOf } from './index/key-range.js'
import type { RedisRecord } from './redis-record.js'
import { redisSource } from './redis-source.js'
import { type Packing, pack, shapedSource } from './testing/shaped-source.js'

const { signal } = new AbortController()
const whole: Partition = { id: 'all', bounds: null }

describeOwnRedis('redisSource of a cluster', () => {
  let cluster: RedisCluster
  let client: Cluster
  beforeAll(async () => {
    cluster = await startRedisCluster({ masters: 3 })
    client = new Cluster([...cluster.nodes.cluster])
  })
  afterAll(async () => {
    client.disconnect()
    await cluster[Symbol.asyncDispose]()
  })

  const flush = async () => {
    for (const master of cluster.masters) await master.client.flushall()
  }

  const packing: Packing = { into: 'string', decode: true }
  sourceSuite('redisSource of a cluster', {
    capabilities: { keys: ['text'], values: ['text'], count: 'exact', partitions: true, split: true },
    create: async (schema) => ({
      open: () => shapedSource(redisSource({ connection: cluster.nodes }), schema, packing),
      seed: (records) => pack(client, 'checkpoint:', schema, records, packing),
      [Symbol.asyncDispose]: flush,
    }),
  })

  const session = () => redisSource({ connection: cluster.nodes, types: 'string' }).connect({ signal })

  async function fill(count: number): Promise<string[]> {
    onTestFinished(flush)
    const keys = Array.from({ length: count }, (_, i) => `checkpoint:${i}`)
    await Promise.all(keys.map((key) => client.set(key, `value of ${key}`)))
    return keys.sort()
  }

  async function read(
    from: SourceSession<RedisRecord>,
    options: { partition?: Partition; after?: Cursor | null; most?: number } = {},
  ): Promise<readonly [string[], Cursor]> {
    const { partition = whole, after = null, most = Number.POSITIVE_INFINITY } = options
    const keys: string[] = []
    let cursor = after
    for await (const page of from.read({ signal, partition, after, page: { records: 50, bytes: 1e6 } })) {
      keys.push(...page.rows().map(({ key }) => key))
      cursor = page.cursor
      if (keys.length >= most) break
    }
    return [keys, cursor as Cursor]
  }

  test('is cut into parts that are each of one master', async () => {
    const keys = await fill(600)
    await using one = await session()
    for (const [count, least] of [
      [2, 3],
      [6, 6],
    ] as const) {
      const partitions = await one.partition?.({ signal, count })
      expect(partitions?.length).toBeGreaterThanOrEqual(least)
      const all: string[] = []
      for (const partition of partitions ?? []) {
        const [found] = await read(one, { partition })
        const owners = new Set(await Promise.all(found.map((key) => cluster.ownerOf(keySlot(Buffer.from(key))))))
        expect(owners.size).toBe(1)
        all.push(...found)
      }
      expect(all.sort()).toEqual(keys)
    }
  })

  test('reads partitions that were cut before slots moved, and goes on behind its cursors', async () => {
    const keys = await fill(600)
    await using before = await session()
    const partitions = (await before.partition?.({ signal, count: 3 })) ?? []
    const begun = await Promise.all(partitions.map((partition) => read(before, { partition, most: 100 })))
    const [first, , third] = cluster.masters
    if (first === undefined || third === undefined) throw new Error('There are three.')
    const [slots] = rangeOf(partitions[0] as Partition).slots ?? []
    const [from = 0] = slots ?? []
    for (let slot = from; slot < from + 5; slot++) await cluster.moveSlot(slot, third)
    await using after = await session()
    const rest: string[] = []
    for (const [i, partition] of partitions.entries()) {
      rest.push(...(await read(after, { partition, after: begun[i]?.[1] ?? null }))[0])
    }
    expect([...begun.flatMap(([found]) => found), ...rest].sort()).toEqual(keys)
    for (let slot = from; slot < from + 5; slot++) await cluster.moveSlot(slot, first)
  })

  test('reads a slot that is on its way once, half here and half there', async () => {
    await client.mset(...Array.from({ length: 200 }, (_, i) => [`checkpoint:{moving}:${i}`, '']).flat())
    const others = await fill(100)
    const slot = keySlot(Buffer.from('moving'))
    const owner = await cluster.ownerOf(slot)
    const to = cluster.masters.find((node) => node.id !== owner.id)
    if (to === undefined) throw new Error('There are three.')
    await cluster.beginMove(slot, to)
    await cluster.moveKeys(slot, to, 100)
    await using one = await session()
    const [found] = await read(one)
    expect(found).toHaveLength(200 + others.length)
    expect(new Set(found).size).toBe(found.length)
    await cluster.moveKeys(slot, to)
    await cluster.endMove(slot, to)
    await cluster.moveSlot(slot, owner)
  })

  test('reads each key once while slots move from master to master all the time', async () => {
    const keys = await fill(3_000)
    const moving = new AbortController()
    const [first, second, third] = cluster.masters
    if (first === undefined || second === undefined || third === undefined) throw new Error('There are three.')
    // Six slots of the first master, to and fro between the others and it.
    const move = async () => {
      for (let round = 0; !moving.signal.aborted && round < 3; round++) {
        for (const to of [second, third, first]) {
          for (let slot = 0; slot < 6; slot++) await cluster.moveSlot(slot, to)
        }
      }
    }
    const moves = move()
    const source = redisSource({ connection: cluster.nodes, types: 'string', scanCount: 50 })
    const found: string[] = []
    let after: Cursor | null = null
    for (let attempt = 0; attempt < 50; attempt++) {
      try {
        await using one = await source.connect({ signal })
        for await (const page of one.read({ signal, partition: whole, after, page: { records: 50, bytes: 1e6 } })) {
          found.push(...page.rows().map(({ key }) => key))
          after = page.cursor
        }
        break
      } catch (error) {
        // What an engine would try again.
        if ((error as { isRetryable?: boolean }).isRetryable !== true) throw error
      }
    }
    moving.abort()
    await moves
    expect(found.length).toBe(keys.length)
    expect([...found].sort()).toEqual(keys)
  })
})
