import { memorySource, memoryStateStore, type Row, runPipeline, verify } from '@drover/core'
import { useQdrant } from '@drover-internal/qdrant-server/vitest'
import { describe, expect, it } from 'vitest'
import { qdrantSource } from '../source/qdrant-source.js'
import type { QdrantSinkOptions } from './sink-options.js'
import { signal, sinkOf } from './testing/sink-run.js'

const records = Array.from(
  { length: 300 },
  (_, id): Row => ({
    id,
    text: `text ${id}`,
    at: new Date(id * 1000),
    raw: Uint8Array.of(id & 255),
    v: Float32Array.from({ length: 16 }, (_, i) => Math.sin(id * 31 + i) * (id + 1)),
  }),
)
const source = memorySource<Row>({ name: 'm', records, key: 'id' })

describe('verify', () => {
  const qdrant = useQdrant()
  const verified = async (
    collection: string,
    options: Partial<QdrantSinkOptions<Row>>,
    expected: typeof source = source,
  ) => {
    await using session = await sinkOf(qdrant, collection, options).connect({ signal })
    const actual = session.readBack?.()
    if (actual === undefined) throw new Error('The sink cannot be read back.')
    return await verify({ expected, actual, key: 'id' })
  }
  const load = (collection: string, options: Partial<QdrantSinkOptions<Row>>, from: typeof source = source) =>
    runPipeline({ name: 'test', source: from, sink: sinkOf(qdrant, collection, options), state: memoryStateStore() })

  it.each([
    ['Dot', {}],
    ['Cosine', {}],
    ['Cosine', { datatype: 'float16' }],
    ['Euclid', { datatype: 'float16' }],
  ] as const)('finds what was written the same: %s %j', async (distance, more) => {
    const collection = qdrant.collection()
    const options = { create: { vectors: { size: 16, distance, ...more } } }
    await load(collection, options)
    expect(await verified(collection, options)).toMatchObject({ equal: true, actual: { rows: 300 } })
    const [{ id = 0 } = {}] = (await qdrant.client.scroll(collection, { limit: 1 })).points
    await qdrant.client.updateVectors(collection, { points: [{ id, vector: Array(16).fill(0.5) }], wait: true })
    expect(await verified(collection, options)).toMatchObject({
      equal: false,
      different: 1,
      differences: [{ fields: ['v'] }],
    })
  })

  it('finds points that are gone, others, and payloads that differ', async () => {
    const collection = qdrant.collection()
    const options = {
      create: { vectors: { e: { size: 16, distance: 'Cosine' } } },
      vector: { e: 'v' },
      id: 'record',
    } as const
    await load(collection, options)
    expect(await verified(collection, options)).toMatchObject({ equal: true })
    await qdrant.client.delete(collection, { points: [7], wait: true })
    await qdrant.client.setPayload(collection, { payload: { text: 'other' }, points: [8], wait: true })
    expect(await verified(collection, options)).toMatchObject({ missing: 1, different: 1, extra: 0 })
  })

  it('compares points with points', async () => {
    const [first, second] = [qdrant.collection(), qdrant.collection()]
    await load(first, { create: { vectors: { size: 16, distance: 'Cosine' } }, id: 'record' })
    const points = qdrantSource({
      url: qdrant.url,
      apiKey: qdrant.apiKey,
      collection: first,
    }) as unknown as typeof source
    await load(second, { create: { like: { collection: first } } }, points)
    expect(await verified(second, {}, points)).toMatchObject({ equal: true, actual: { rows: 300 } })
  })

  it('cannot read back what a function made', async () => {
    await using session = await sinkOf(qdrant, qdrant.collection(), { payload: () => ({}) }).connect({ signal })
    expect(session.readBack).toBeUndefined()
  })
})
