import { from, memorySource, memoryStateStore, type Row, runPipeline } from '@drover/core'
import { describeRedis, useRedis } from '@drover-internal/redis-server/vitest'
import { afterEach, expect, it } from 'vitest'
import { redisSink } from '../sink/redis-sink.js'
import { redisStateStore } from './redis-state-store.js'

const operation = { signal: new AbortController().signal }
const rows: Row[] = Array.from({ length: 500 }, (_, i) => ({ id: i + 1, name: `name ${i + 1}` }))

describeRedis('a run into Redis', () => {
  const database = useRedis()
  afterEach(() => database.client.flushdb())

  const into = () => redisSink({ connection: database.url, key: 'user:{id}', as: 'hash' })
  const source = (partitions = 1) => memorySource<Row>({ records: rows, key: 'id', partitions })

  it('has its state beside the keys, with the positions that the sink stores', async () => {
    const options = { name: 'copy', source: source(3), sink: into(), batchSize: 50, parallel: 3 }
    const report = await runPipeline(options)
    expect(report).toMatchObject({ status: 'completed', counts: { written: 500, inserted: 500 } })
    await using state = redisStateStore({ connection: database.url })
    const stored = await state.load('copy', operation)
    expect(stored).toMatchObject({ status: 'completed', lastOutcome: { outcome: 'completed' }, leases: [] })
    const read = stored?.positions.map(({ done, counts }) => [done, counts.read]) ?? []
    expect(read.map(([done]) => done)).toEqual([true, true, true])
    expect(read.reduce((sum, [, count]) => sum + Number(count), 0)).toBe(500)
    expect(await database.client.keys('user:*')).toHaveLength(500)
    expect(await database.client.exists('drover:v1:{drover}:strays')).toBe(0)
    expect(await runPipeline(options)).toMatchObject({ status: 'nothing' })
  })

  it('goes on where it failed, and writes no key twice', async () => {
    let isBroken = true
    const flow = from(source()).pipe((row) => {
      if (isBroken && row.id === 333) throw new Error('broken')
      return row
    })
    const run = () => runPipeline({ name: 'copy', source: flow, sink: into(), batchSize: 50 })
    await expect(run()).rejects.toMatchObject({ code: 'RECORD_REJECTED' })
    await using state = redisStateStore({ connection: database.url })
    expect(await state.load('copy', operation)).toMatchObject({
      status: 'open',
      lastOutcome: { outcome: 'failed' },
      positions: [{ counts: { written: 300 } }],
    })
    isBroken = false
    // A key that is there already would be refused.
    expect(await run()).toMatchObject({ status: 'completed', counts: { written: 500, inserted: 500 } })
  })

  it('keeps its positions beside the keys when its state is in another store', async () => {
    const state = memoryStateStore()
    await runPipeline({ name: 'copy', source: source(), sink: into(), state })
    const run = (await state.load('copy', operation))?.run
    const stored = await database.client.hgetall(`drover:v1:{drover}:run:${run}`)
    expect(JSON.parse(stored['position:all'] ?? '')).toMatchObject({ done: true, counts: { written: 500 } })
    expect(await database.client.zrange('drover:v1:{drover}:strays', 0, '-1')).toEqual([run])
  })

  it('is not gone on with by one whose fence is lower, whatever key it writes', async () => {
    await runPipeline({ name: 'copy', source: source(), sink: into() })
    await using state = redisStateStore({ connection: database.url })
    const { run, partitions } = (await state.load('copy', operation)) ?? { run: '', partitions: [] }
    const [partition = { id: 'all', bounds: null }] = partitions
    const session = await into().connect(operation)
    try {
      await expect(session.claim({ run, partition, fence: 1 }, operation)).rejects.toMatchObject({ code: 'FENCED' })
    } finally {
      await session[Symbol.asyncDispose]()
    }
    expect(await database.client.hgetall('user:7')).toEqual({ id: '7', name: 'name 7' })
  })
})
