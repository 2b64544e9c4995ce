import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { from, memorySource, ndjsonSink, type Row, runPipeline, type Sink, sink } from '@drover/core'
import { type RedisServer, startRedis } from '@drover-internal/redis-server'
import { describeOwnRedis } from '@drover-internal/redis-server/vitest'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { redisStateStore } from './redis-state-store.js'

const operation = { signal: new AbortController().signal }
const rows: Row[] = Array.from({ length: 3_000 }, (_, i) => ({ id: i + 1 }))

describeOwnRedis('a server that restarts while a run has its state there', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'drover-restarts-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  /** A run whose server is gone, and there again, in the middle of its batches. */
  function run(server: RedisServer, into: Sink<Row>, name = 'copy') {
    let befell = 0
    return runPipeline({
      name,
      source: from(memorySource<Row>({ records: rows, key: 'id' })).pipe(async (row) => {
        if (row.id !== 1_201 && row.id !== 2_001) return row
        if (befell++ >= 2) return row
        await server.crash()
        await server.start()
        return row
      }),
      sink: into,
      state: redisStateStore({ connection: server.url }),
      batchSize: 200,
      leaseMs: 900,
    })
  }

  describe('with an append-only file', () => {
    let server: RedisServer
    beforeAll(async () => {
      server = await startRedis({ keepsData: true })
    })
    afterAll(() => server?.[Symbol.asyncDispose]())

    it('loses nothing of a run into files, which keep the positions', async () => {
      const path = join(folder, 'rows.ndjson')
      const report = await run(server, ndjsonSink({ path }))
      expect(report).toMatchObject({ status: 'completed', counts: { read: 3_000, written: 3_000 } })
      const lines = (await readFile(path, 'utf8')).trimEnd().split('\n')
      expect(lines.map((line) => JSON.parse(line))).toEqual(rows)
      await using state = redisStateStore({ connection: server.url })
      expect(await state.load('copy', operation)).toMatchObject({ status: 'completed', leases: [] })
    })

    it('loses no position of a sink that keeps none', async () => {
      const written = new Set<unknown>()
      const into = sink<Row>({
        name: 'a set',
        guarantee: 'idempotent',
        write: async (batch) => {
          for (const { id } of batch) written.add(id)
        },
      })
      const report = await run(server, into, 'acknowledged')
      expect(report).toMatchObject({ status: 'completed', counts: { read: 3_000, written: 3_000 } })
      expect(written.size).toBe(3_000)
      await using state = redisStateStore({ connection: server.url })
      expect((await state.load('acknowledged', operation))?.positions).toMatchObject([
        { done: true, counts: { read: 3_000 } },
      ])
    })
  })

  it('without one it has no state any more: the run says so, and begins anew', async () => {
    await using server = await startRedis()
    const path = join(folder, 'rows.ndjson')
    await expect(run(server, ndjsonSink({ path }))).rejects.toMatchObject({
      code: expect.stringMatching(/^(LEASE_LOST|STATE_INVALID)$/),
    })
    const state = redisStateStore({ connection: server.url })
    const source = memorySource<Row>({ records: rows, key: 'id' })
    const report = await runPipeline({ name: 'copy', source, sink: ndjsonSink({ path }), state })
    expect(report).toMatchObject({ status: 'completed', counts: { read: 3_000, written: 3_000 } })
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line))).toEqual(rows)
  })

  it('that hears nothing is not waited for by who gives up', async () => {
    await using server = await startRedis()
    await using state = redisStateStore({ connection: server.url })
    await state.load('copy', operation)
    await server.pause()
    const giving = new AbortController()
    const asked = state.load('copy', { signal: giving.signal })
    giving.abort()
    await expect(asked).rejects.toMatchObject({ code: 'ABORTED' })
    await server.resume()
    expect(await state.load('copy', operation)).toBeNull()
  })
})
