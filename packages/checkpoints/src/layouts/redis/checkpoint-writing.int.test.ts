import { memorySource, memoryStateStore, runPipeline, startPipeline } from '@drover/core'
import { describeRedis, useRedis } from '@drover-internal/redis-server/vitest'
import { afterEach, expect, test } from 'vitest'
import type { CheckpointRecord, CheckpointState } from '../../records/checkpoint-record.js'
import { checkpointSchema } from '../../records/schemas.js'
import { readRecords } from '../../testing/read-records.js'
import type { RedisCheckpointLayout } from './checkpoint-keys.js'
import { checkpointReading } from './checkpoint-reading.js'
import { checkpointRedisSink } from './checkpoint-sink.js'
import { redisLayoutSource } from './redis-layout-source.js'
import { comparableDocument } from './testing/comparable-document.js'
import { loadKeys } from './testing/redis-fixtures.js'

const shallow = 'langgraph-redis-shallow'

describeRedis('checkpoints that are written to a Redis without modules, as strings of JSON', () => {
  const from = useRedis()
  const to = useRedis()
  afterEach(async () => {
    await from.client.flushdb()
    await to.client.flushdb()
  })

  const sourceOf = (layout: RedisCheckpointLayout, url: string) =>
    redisLayoutSource<CheckpointRecord>(
      layout,
      { place: { type: 'redis', connection: url } },
      checkpointReading(layout),
      'text',
    )
  const sinkOf = (layout: RedisCheckpointLayout, options: object = {}) =>
    checkpointRedisSink(layout, { place: { type: 'redis', connection: to.url }, ...options }, 'text')
  const copy = (source: RedisCheckpointLayout, sink: RedisCheckpointLayout, options: object = {}) =>
    runPipeline({
      name: 'copy',
      source: sourceOf(source, from.url),
      sink: sinkOf(sink, options),
      state: memoryStateStore(),
      batchSize: 5,
    })
  const recordsIn = async (layout: RedisCheckpointLayout, url: string) =>
    (await readRecords(sourceOf(layout, url))).records
  const put = async (records: readonly CheckpointRecord[], layout: RedisCheckpointLayout, options: object = {}) => {
    const refused: string[] = []
    const run = startPipeline({
      name: 'put',
      source: memorySource({
        records: [...records],
        key: ['thread_id', 'checkpoint_ns', 'checkpoint_id'],
        schema: checkpointSchema,
      }),
      sink: sinkOf(layout, options),
      state: memoryStateStore(),
      maxRejected: 10,
    })
    run.events.on('record:rejected', ({ message }) => refused.push(message))
    return { counts: (await run.result).counts, refused }
  }

  test('of a shallow store are the same documents and records in another one, and once more', async () => {
    await loadKeys(from.client, 'python-shallow.ndjson', 'text')
    expect((await copy(shallow, shallow)).counts).toMatchObject({ inserted: 6, updated: 0, skipped: 0 })
    const keys = (await from.client.keys('checkpoint:*')).sort()
    expect((await to.client.keys('checkpoint:*')).sort()).toEqual(keys)
    for (const key of keys) {
      expect(comparableDocument(await to.client.get(key))).toEqual(comparableDocument(await from.client.get(key)))
    }
    const first = await recordsIn(shallow, from.url)
    expect(first.some(({ writes }) => writes.length > 1)).toBe(true)
    expect(await recordsIn(shallow, to.url)).toEqual(first)
    const all = (await to.client.keys('*')).sort()
    expect((await copy(shallow, shallow)).counts).toMatchObject({ inserted: 0, updated: 6 })
    expect((await copy(shallow, shallow, { onConflict: 'skip' })).counts).toMatchObject({ skipped: 6 })
    expect((await to.client.keys('*')).sort()).toEqual(all)
    expect(await recordsIn(shallow, to.url)).toEqual(first)
  })

  test('of a whole store are the last ones in a shallow one, with their writes alone', async () => {
    await loadKeys(from.client, 'python.ndjson', 'text')
    const { counts } = await copy('langgraph-redis', shallow)
    expect(counts).toMatchObject({ read: 28, inserted: 6, updated: 22 })
    const all = await recordsIn('langgraph-redis', from.url)
    const last = new Map(all.map((one) => [JSON.stringify([one.thread_id, one.checkpoint_ns]), one]))
    const found = await recordsIn(shallow, to.url)
    const byScope = (records: readonly CheckpointRecord[]) =>
      [...records].sort((a, b) =>
        JSON.stringify([a.thread_id, a.checkpoint_ns]) < JSON.stringify([b.thread_id, b.checkpoint_ns]) ? -1 : 1,
      )
    expect(byScope(found)).toEqual(byScope([...last.values()].map((one) => ({ ...one, parent_checkpoint_id: null }))))
    // No documents of writes that belong to checkpoints which are gone.
    const kept = found.reduce((sum, { writes }) => sum + writes.length, 0)
    expect(await to.client.keys('checkpoint_write:*')).toHaveLength(kept)
    // An older one comes again: nothing changes.
    const older = all.filter((one) => ![...last.values()].includes(one))
    expect((await put(older, shallow)).counts).toMatchObject({ skipped: 22, updated: 0 })
    expect(await recordsIn(shallow, to.url)).toEqual(found)
  })

  test.each(['langgraph-redis', shallow] as const)(
    '%s: of a thread whose key is that of another thread are refused, and leave that one as it is',
    async (layout) => {
      await loadKeys(from.client, 'python.ndjson', 'text')
      const [record] = (await recordsIn('langgraph-redis', from.url)) as [CheckpointRecord]
      const one = { ...record, thread_id: 'a', checkpoint_ns: 'b:c' }
      const other = { ...record, thread_id: 'a:b', checkpoint_ns: 'c' }
      const third = { ...record, thread_id: 'third', checkpoint_ns: 'c' }
      // In one batch, and in another one.
      for (const records of [
        [one, other, third],
        [other, third],
      ]) {
        const { counts, refused } = await put(records, layout)
        expect(counts).toMatchObject({ written: records.length - 1, rejected: 1 })
        expect(refused[0]).toMatch(/thread "a:b", namespace "c" cannot be kept.*lies Checkpoint .* of thread "a"/)
      }
      expect((await recordsIn(layout, to.url)).map(({ thread_id }) => thread_id).sort()).toEqual(['a', 'third'])
    },
  )

  test('replace what is there: writes that the record does not have are gone', async () => {
    await loadKeys(from.client, 'python.ndjson', 'text')
    const all = await recordsIn('langgraph-redis', from.url)
    const record = all.find(({ writes }) => writes.length > 1) as CheckpointRecord
    await put([record], 'langgraph-redis')
    const fewer = { ...record, writes: record.writes.slice(0, 1) }
    await put([fewer], 'langgraph-redis', { onConflict: 'skip' })
    expect(await recordsIn('langgraph-redis', to.url)).toEqual([record])
    await put([fewer], 'langgraph-redis')
    expect(await recordsIn('langgraph-redis', to.url)).toEqual([fewer])
    expect(await to.client.keys('checkpoint_write:*')).toHaveLength(1)
  })

  test('are refused alone where a key of theirs is of another type, or something else', async () => {
    await loadKeys(from.client, 'python.ndjson', 'text')
    const all = (await recordsIn('langgraph-redis', from.url)).filter(({ writes }) => writes.length > 0)
    const [first, second, third] = all as [CheckpointRecord, CheckpointRecord, CheckpointRecord]
    await to.client.set(`write_keys_zset:${first.thread_id}:__empty__:${first.checkpoint_id}`, 'a text')
    await to.client.rpush(`checkpoint:${second.thread_id}:__empty__:${second.checkpoint_id}`, 'a list')
    const { counts, refused } = await put([first, second, third], 'langgraph-redis')
    expect(counts).toMatchObject({ written: 1, rejected: 2 })
    expect(refused.sort()).toEqual([
      expect.stringMatching(/lies something that is no checkpoint/),
      expect.stringMatching(/Key "write_keys_zset:.*another type/),
    ])
    expect(await to.client.lrange(`checkpoint:${second.thread_id}:__empty__:${second.checkpoint_id}`, 0, -1)).toEqual([
      'a list',
    ])
  })

  test('that expire are said: their copies stay', async () => {
    await loadKeys(from.client, 'python-shallow.ndjson', 'text')
    await from.client.expire('checkpoint:plain:', 3600)
    const report = await copy(shallow, shallow)
    expect(report.warnings).toMatchObject([{ code: 'EXPIRY_LEFT_OUT', message: expect.stringContaining('1 of the') }])
    expect(await to.client.ttl('checkpoint:plain:')).toBe(-1)
  })

  test('with a delta channel whose value lies in the checkpoints before are no shallow ones', async () => {
    await loadKeys(from.client, 'python.ndjson', 'text')
    const all = await recordsIn('langgraph-redis', from.url)
    const record = all.find(({ parent_checkpoint_id }) => parent_checkpoint_id !== null) as CheckpointRecord
    const state = record.state as CheckpointState
    const versions = { ...(state.checkpoint.channel_versions as object), spread: '1' }
    const spread = {
      ...record,
      metadata: { ...record.metadata, counters_since_delta_snapshot: { spread: 2 } },
      state: { ...state, checkpoint: { ...state.checkpoint, channel_versions: versions } },
    }
    const { counts, refused } = await put([spread], shallow)
    expect(counts).toMatchObject({ written: 0, rejected: 1 })
    expect(refused[0]).toContain('delta channel "spread"')
    expect(refused[0]).toContain('Write it as "langgraph-redis"')
  })
})
