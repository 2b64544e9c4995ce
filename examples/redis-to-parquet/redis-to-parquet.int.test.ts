import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { redisStateStore } from '@drover/adapter-redis'
import { memorySink, memorySource, memoryStateStore, type Row, runPipeline } from '@drover/core'
import { parquetSource } from '@drover/export-parquet'
import { describeRedis, useRedis } from '@drover-internal/redis-server/vitest'
import type { Redis } from 'ioredis'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { keysByType, longestThreads } from './ask-duckdb.js'
import { keysOf, writeCheckpoints, writeOtherKeys } from './checkpoint-keys.js'
import { exportCheckpoints } from './export-checkpoints.js'

describeRedis('checkpoints of Redis in a Parquet file', () => {
  const database = useRedis()
  let outputPath: string
  beforeEach(async () => {
    outputPath = path.join(await mkdtemp(path.join(tmpdir(), 'drover-redis-')), 'checkpoints.parquet')
    await writeCheckpoints(database.client, 200)
    await writeOtherKeys(database.client)
  })
  afterEach(async () => {
    await database.client.flushdb()
    await rm(path.dirname(outputPath), { recursive: true })
  })

  it('are all there, with value and expiry as Redis has them, and nothing else is', async () => {
    // Drover's own keys, where they begin with the same letters as the application's.
    const state = redisStateStore({ connection: database.url, keyPrefix: 'checkpoint:' })
    await runPipeline({
      name: 'own keys',
      source: memorySource({ records: [{ id: 1 }], key: 'id' }),
      sink: memorySink(),
      state,
    })
    expect((await database.client.keys('checkpoint:drover:*')).length).toBeGreaterThan(0)

    const report = await exportCheckpoints({ connection: database.url, outputPath })
    expect(report).toMatchObject({
      status: 'completed',
      guarantee: 'exactly-once',
      counts: { read: keysOf(200), written: keysOf(200), rejected: 0 },
      warnings: [{ code: 'KEYS_LEFT_OUT' }],
    })
    expect(await rowsOf(outputPath)).toEqual(await inRedis(database.client))
    expect(await keysByType(outputPath)).toEqual([
      { type: 'hash', keys: 200, expire: 0 },
      { type: 'list', keys: 100, expire: 0 },
      { type: 'string', keys: 1000, expire: 335 },
    ])
    expect((await longestThreads(outputPath))[0]).toEqual({
      thread: 'customer-14/chat:134',
      steps: 5,
      tokens: 497,
    })
  })

  it('are there once each where the call was stopped on the way', async () => {
    const first = await exportCheckpoints({ connection: database.url, outputPath, stopAfter: 500 })
    expect(first).toMatchObject({ status: 'stopped', counts: { read: 500 } })
    const second = await exportCheckpoints({ connection: database.url, outputPath })
    expect(second).toMatchObject({
      status: 'completed',
      counts: { read: keysOf(200), written: keysOf(200) },
      attempt: { resumed: true, counts: { read: keysOf(200) - 500 } },
    })
    expect(await rowsOf(outputPath)).toEqual(await inRedis(database.client))
    // It is done: nothing is read again.
    expect(await exportCheckpoints({ connection: database.url, outputPath })).toMatchObject({ status: 'nothing' })
  })
})

/** The rows of the file, by key. */
async function rowsOf(file: string): Promise<Row[]> {
  const sink = memorySink<Row>({ key: 'key' })
  await runPipeline({ name: 'rows', source: parquetSource({ path: file }), sink, state: memoryStateStore() })
  return sink.store.rows.map((row) => ({ ...row })).toSorted(byKey)
}

/** The same, asked of Redis without Drover. */
async function inRedis(redis: Redis): Promise<Row[]> {
  const keys = (await redis.keys('checkpoint:*')).filter((key) => !key.startsWith('checkpoint:drover:'))
  const rows = keys.map(async (key): Promise<Row> => {
    const [type, expiry] = await Promise.all([redis.type(key), redis.pexpiretime(key)])
    const value = type === 'string' ? redis.get(key) : type === 'hash' ? redis.hgetall(key) : redis.lrange(key, 0, -1)
    return { key, type, value: await value, expires_at: expiry < 0 ? null : new Date(expiry).toISOString() }
  })
  return (await Promise.all(rows)).toSorted(byKey)
}

function byKey(a: Row, b: Row): number {
  return String(a.key) < String(b.key) ? -1 : 1
}
