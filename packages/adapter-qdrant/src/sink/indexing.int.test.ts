import type { AckSession, Row, Warning } from '@drover/core'
import { startQdrantServer } from '@drover-internal/qdrant-server'
import { useQdrant } from '@drover-internal/qdrant-server/vitest'
import { describe, expect, it } from 'vitest'
import { qdrantSink } from './qdrant-sink.js'
import type { QdrantSinkOptions } from './sink-options.js'
import { batchOf, failure, run, signal, sinkOf } from './testing/sink-run.js'

const create = { vectors: { size: 256, distance: 'Dot' }, optimizers_config: { indexing_threshold: 64 } } as const
const records = Array.from({ length: 100 }, (_, id): Row => ({ id, v: new Float32Array(256).fill(id) }))
const schema = {
  fields: [{ name: 'v', type: { kind: 'vector', dimensions: 256 }, nullable: false }],
  key: ['id'],
} as const

describe("indexing: 'after'", () => {
  const qdrant = useQdrant({ delayMs: 5 })
  const stateOf = async (collection: string) => {
    const { config, status } = await qdrant.client.getCollection(collection)
    const { metadata } = config as { metadata?: object }
    return { threshold: config.optimizer_config.indexing_threshold, metadata: metadata ?? {}, status }
  }
  const options = { create, indexing: 'after' } as const
  const isOff = { threshold: 0, metadata: { drover_indexing_threshold: 64 } }

  /** As a process does it that is killed at the end of `work`. */
  async function killed(collection: string, work: (session: AckSession<Row>) => Promise<unknown>): Promise<void> {
    const session = await sinkOf(qdrant, collection, options).connect({ signal })
    await session.prepare?.(schema, { signal })
    await work(session)
    await session[Symbol.asyncDispose]()
  }

  it('is off while records come, and on when the run is complete and the collection green', async () => {
    const collection = qdrant.collection()
    const messages: string[] = []
    const logger = { debug() {}, info: (text: string) => void messages.push(text), warn() {}, error() {} }
    const report = await run(records, sinkOf(qdrant, collection, options), { logger })
    expect(await stateOf(collection)).toEqual({ threshold: 64, metadata: {}, status: 'green' })
    expect((await qdrant.client.getCollection(collection)).indexed_vectors_count).toBeGreaterThan(0)
    expect(report.account?.notes?.join()).toMatch(/indexing is on again, at 64 kB; the collection was green after/)
    expect(messages.join()).toMatch(/not indexed until the run is complete/)
  })

  it('stays off for a process that is killed, and the next one turns it on again', async () => {
    const collection = qdrant.collection()
    await killed(collection, (session) => session.write(batchOf(records.slice(0, 50)), { signal }))
    expect(await stateOf(collection)).toMatchObject(isOff)
    await killed(collection, async (session) => session.write(batchOf(records.slice(50)), { signal }))
    expect(await stateOf(collection)).toMatchObject(isOff)
    await using heir = await sinkOf(qdrant, collection, options).connect({ signal })
    await heir.finish?.('completed', { signal })
    expect(await stateOf(collection)).toEqual({ threshold: 64, metadata: {}, status: 'green' })
    await heir.finish?.('completed', { signal })
    expect(await stateOf(collection)).toEqual({ threshold: 64, metadata: {}, status: 'green' })
  })

  it('is said to be off by a run that stops or fails, and by one that knows nothing of it', async () => {
    const collection = qdrant.collection()
    const warnings: Warning[] = []
    const warn = (warning: Warning): void => void warnings.push(warning)
    for (const [indexing, outcome] of [
      ['after', 'stopped'],
      ['after', 'failed'],
      ['during', 'completed'],
    ] as const) {
      await using session = await sinkOf(qdrant, collection, { create, indexing }).connect({ signal, warn })
      await session.prepare?.(schema, { signal })
      await session.finish?.(outcome, { signal })
    }
    expect(warnings.map(({ code }) => code)).toEqual(['INDEXES', 'INDEXES', 'INDEXES'])
    expect(warnings[0]?.message).toContain('"indexing_threshold":64')
    expect(await stateOf(collection)).toMatchObject(isOff)
  })

  it('leaves alone what somebody else turned off', async () => {
    const collection = qdrant.collection()
    await qdrant.client.createCollection(collection, { ...create, optimizers_config: { indexing_threshold: 0 } })
    await run(records, sinkOf(qdrant, collection, { indexing: 'after' }))
    expect(await stateOf(collection)).toMatchObject({ threshold: 0, metadata: {} })
    await run(records, sinkOf(qdrant, collection, { indexing: 'after', indexingThreshold: 128 }))
    expect(await stateOf(collection)).toMatchObject({ threshold: 128, metadata: {} })
  })

  it('waits no longer than it may, and warns', async () => {
    await using slow = await startQdrantServer({ delayMs: 60_000 })
    const sink = (more: Partial<QdrantSinkOptions<Row>>) =>
      qdrantSink<Row>({ url: slow.url, collection: 'c', ...options, ...more })
    const { status, warnings } = await run(records, sink({ greenTimeoutMs: 30 }))
    expect(status).toBe('completed')
    expect(warnings).toMatchObject([
      { code: 'INDEXES', message: expect.stringMatching(/is yellow .* with 0 vectors indexed/) },
    ])
  })

  it('gives up waiting when it is told to', async () => {
    await using slow = await startQdrantServer({ delayMs: 60_000 })
    const giveUp = new AbortController()
    const info = (text: string): void => {
      if (text.includes('waiting until its vectors are indexed, 600 s at the most')) giveUp.abort(new Error('enough'))
    }
    const sink = qdrantSink<Row>({ url: slow.url, collection: 'c', ...options })
    await using session = await sink.connect({ signal, info })
    await session.prepare?.(schema, { signal })
    await session.write(batchOf(records), { signal })
    expect(await failure(session.finish?.('completed', giveUp) ?? Promise.resolve())).toMatchObject({
      code: 'ABORTED',
    })
  })
})
