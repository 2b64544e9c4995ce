import { stateStoreSuite } from '@drover/conformance'
import { type Lease, memorySource, type Row, runPipeline } from '@drover/core'
import { type RedisCluster, startRedisCluster } from '@drover-internal/redis-server'
import { describeOwnRedis } from '@drover-internal/redis-server/vitest'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { keySlot } from '../connection/key-slot.js'
import { redisSink } from '../sink/redis-sink.js'
import { redisStateStore } from './redis-state-store.js'

const operation = { signal: new AbortController().signal }
const counts = { read: 1, written: 1, filtered: 0, rejected: 0, emitted: 1, inserted: 0, updated: 1, skipped: 0 }

let places = 0

describeOwnRedis('redisStateStore in a cluster', () => {
  let cluster: RedisCluster
  beforeAll(async () => {
    cluster = await startRedisCluster()
  }, 60_000)
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  stateStoreSuite('redisStateStore in a cluster', {
    create: async () => {
      const keyPrefix = `place ${++places}:`
      return {
        open: () => redisStateStore({ connection: cluster.nodes, keyPrefix }),
        [Symbol.asyncDispose]: async () => {},
      }
    },
  })

  it('has the positions of a sink with its hash tag in its own slot, and those of one that is spread over the nodes', async () => {
    const rows: Row[] = Array.from({ length: 300 }, (_, i) => ({ id: i + 1 }))
    const source = memorySource<Row>({ records: rows, key: 'id' })
    const connection = cluster.nodes
    const exact = redisSink({ connection, hashTag: 'one', key: '{{one}}:{id}', as: 'hash' })
    expect(await runPipeline({ name: 'exact', source, sink: exact })).toMatchObject({ guarantee: 'exactly-once' })
    await using beside = redisStateStore({ connection, hashTag: 'one' })
    expect(await beside.load('exact', operation)).toMatchObject({ positions: [{ counts: { written: 300 } }] })
    const spread = redisSink({ connection, key: 'spread:{id}', as: 'hash', onConflict: 'update' })
    const state = redisStateStore({ connection })
    const report = await runPipeline({ name: 'spread', source, sink: spread, state })
    expect(report).toMatchObject({ guarantee: 'idempotent', counts: { written: 300 } })
    await using own = redisStateStore({ connection })
    expect(await own.load('spread', operation)).toMatchObject({ positions: [{ counts: { written: 300 } }] })
  })

  it('goes on while its slot moves to another node, and after', { timeout: 30_000 }, async () => {
    await using store = redisStateStore({ connection: cluster.nodes, hashTag: 'moving' })
    const slot = keySlot(Buffer.from('moving'))
    const from = await cluster.ownerOf(slot)
    const to = cluster.masters.find((node) => node !== from) as typeof from
    const partition = { id: 'all', bounds: null }
    const wanted = { name: 'copy', fingerprint: null, partitions: [partition], follows: null }
    const { run } = await store.open(wanted, operation)
    let lease = (await store.acquire({ run, partition, holder: 'x:1:a', ttlMs: 60_000 }, operation)) as Lease
    const step = async (): Promise<void> => {
      const position = { ...lease, sequence: (lease.position?.sequence ?? 0) + 1, cursor: null, done: false, counts }
      await store.commit(position, operation)
      await store.heartbeat(lease, { ...operation, ttlMs: 60_000 })
      lease = { ...lease, position }
      expect((await store.load('copy', operation))?.positions[0]?.sequence).toBe(position.sequence)
    }
    await step()
    await cluster.beginMove(slot, to)
    await step()
    await cluster.moveKeys(slot, to, 1)
    await step()
    await cluster.moveKeys(slot, to)
    await step()
    await cluster.endMove(slot, to)
    await step()
    const next = await store.open({ ...wanted, follows: run }, operation)
    expect(next.run).not.toBe(run)
    expect(lease.position?.sequence).toBe(5)
  })
})
