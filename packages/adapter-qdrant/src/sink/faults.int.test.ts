import { memorySource, memoryStateStore, type Row, runPipeline } from '@drover/core'
import { type QdrantServer, type QdrantServerOptions, startQdrantServer } from '@drover-internal/qdrant-server'
import { describe, expect, it } from 'vitest'
import { qdrantSource } from '../source/qdrant-source.js'
import { qdrantSink } from './qdrant-sink.js'
import type { QdrantSinkOptions } from './sink-options.js'
import { failure, run, signal } from './testing/sink-run.js'

const create = { vectors: { size: 2, distance: 'Dot' } } as const
const records = Array.from({ length: 60 }, (_, id): Row => ({ id, v: Float32Array.of(id, 1), text: 'x'.repeat(200) }))
const upserts = /^PUT .*\/points$/

async function withServer(
  work: (server: QdrantServer) => Promise<void>,
  options: QdrantServerOptions = {},
): Promise<void> {
  await using server = await startQdrantServer(options)
  await work(server)
}

const sinkTo = ({ url }: QdrantServer, options: Partial<QdrantSinkOptions<Row>> = {}) =>
  qdrantSink<Row>({ url, collection: 'c', create, id: 'record', ...options })

async function idsIn({ url }: QdrantServer): Promise<unknown[]> {
  await using session = await qdrantSource({ url, collection: 'c' }).connect({ signal })
  const ids: unknown[] = []
  const all = { signal, partition: { id: 'all', bounds: null }, after: null, page: { records: 1000, bytes: 1 << 24 } }
  for await (const page of session.read(all)) ids.push(...page.rows().map(({ id }) => id))
  return ids
}

describe('a server that fails', () => {
  const all = records.map(({ id }) => id)

  it.each([[429], [503], ['cut'], ['cut-after'], ['cut-answer']] as const)(
    'twice with %s and recovers is written to as if nothing had been',
    (kind) =>
      withServer(async (server) => {
        server.fault(kind, { on: upserts, times: 2, after: 1, retryAfter: 0.01 })
        const report = await run(records, sinkTo(server), { batchSize: 10, maxRetries: 4 })
        expect(report.counts).toMatchObject({ written: 60, rejected: 0 })
        expect(report.attempt.retries).toBeGreaterThan(0)
        expect(await idsIn(server)).toEqual(all)
      }),
  )

  it('and stays so stops the run, which goes on later', () =>
    withServer(async (server) => {
      const state = memoryStateStore()
      const go = () =>
        runPipeline({
          name: 'test',
          source: memorySource<Row>({ name: 'm', records, key: 'id' }),
          sink: sinkTo(server),
          state,
          batchSize: 10,
          maxRetries: 1,
        })
      server.fault(503, { on: upserts, times: 1000, after: 3 })
      expect(await failure(go())).toMatchObject({ code: expect.stringMatching(/^STORE_/), isRetryable: true })
      server.clearFaults()
      const report = await go()
      expect(report).toMatchObject({ status: 'completed', attempt: { resumed: true }, counts: { written: 60 } })
      expect(await idsIn(server)).toEqual(all)
    }))

  it('for too large a request gets smaller ones, and refuses the record that is too large alone', () =>
    withServer(
      async (server) => {
        const huge = { id: 60, v: Float32Array.of(1, 1), text: 'y'.repeat(20_000) }
        const report = await run([...records, huge], sinkTo(server), { maxRejected: 1 })
        expect(report.counts).toMatchObject({ written: 60, rejected: 1 })
        expect(report.rejected).toMatchObject([
          { key: [60], code: 'RECORD_REFUSED', message: expect.stringContaining('max_request_size_mb') },
        ])
        expect(await idsIn(server)).toEqual(all)
        const sent = server.requests.filter(({ method, path }) => upserts.test(`${method} ${path}`))
        expect(sent.length).toBeGreaterThan(report.account?.figures.requests as number)
      },
      { limits: { body: 8_000 } },
    ))

  it('for want of the key, or of the right to write, says so before anything else', () =>
    withServer(
      async (server) => {
        expect(await failure(run(records, sinkTo(server, { apiKey: 'wrong-key' })))).toMatchObject({
          code: 'STORE_DENIED',
          message: expect.not.stringContaining('wrong-key'),
        })
        expect(await failure(run(records, sinkTo(server, { apiKey: 'reader' })))).toMatchObject({
          code: 'STORE_DENIED',
        })
        expect((await run(records, sinkTo(server, { apiKey: 'writer' }))).counts.written).toBe(60)
      },
      { apiKey: 'writer', readOnlyApiKey: 'reader' },
    ))

  it('waits for every write to be durable', () =>
    withServer(async (server) => {
      await run(records, sinkTo(server, { batchBytes: 2_000 }), { batchSize: 20 })
      const sent = server.requests.filter(({ method, path }) => upserts.test(`${method} ${path}`))
      expect(sent.length).toBeGreaterThan(3)
      expect(sent.map(({ query }) => new URLSearchParams(query).get('wait'))).toEqual(sent.map(() => 'true'))
    }))

  it('is not asked which points are there when none were', () =>
    withServer(async (server) => {
      const asked = () =>
        server.requests.filter(({ method, path }) => method === 'POST' && path.endsWith('/points')).length
      await run(records, sinkTo(server))
      expect(asked()).toBe(0)
      await run(records, sinkTo(server))
      expect(asked()).toBe(1)
    }))
})
