import type { Row, Warning } from '@drover/core'
import { useQdrant } from '@drover-internal/qdrant-server/vitest'
import { describe, expect, it } from 'vitest'
import { collectionSettings } from './collection-settings.js'
import type { QdrantSinkOptions } from './sink-options.js'
import { failure, run, signal, sinkOf } from './testing/sink-run.js'

const settings = {
  vectors: {
    a: { size: 2, distance: 'Cosine', on_disk: true, hnsw_config: { m: 8 } },
    b: { size: 3, distance: 'Dot', datatype: 'float16', multivector_config: { comparator: 'max_sim' } },
  },
  sparse_vectors: { s: { index: { on_disk: true } } },
  on_disk_payload: true,
  shard_number: 2,
  quantization_config: { scalar: { type: 'int8', quantile: 0.99, always_ram: true } },
  optimizers_config: { indexing_threshold: 12_345 },
  metadata: { owner: 'search' },
  payloadIndexes: { lang: 'keyword', year: { type: 'integer', lookup: true, range: true } },
} as const

describe('the collection of a sink', () => {
  const qdrant = useQdrant()
  const records: Row[] = [{ id: 1, v: Float32Array.of(1, 2) }]

  it('is created from the options, with the indexes of its payload', async () => {
    const collection = qdrant.collection()
    const report = await run(records, sinkOf(qdrant, collection, { create: settings, vector: { a: 'v' } }))
    const { config, payload_schema } = await qdrant.client.getCollection(collection)
    expect(config).toMatchObject({
      params: {
        vectors: settings.vectors,
        sparse_vectors: settings.sparse_vectors,
        on_disk_payload: true,
        shard_number: 2,
      },
      quantization_config: settings.quantization_config,
      optimizer_config: settings.optimizers_config,
    })
    expect(payload_schema).toMatchObject({ lang: { data_type: 'keyword' }, year: { data_type: 'integer' } })
    expect(report.account?.notes).toEqual([`created collection "${collection}"`, 'created payload indexes: lang, year'])
  })

  it('is created like another one', async () => {
    const [first, second] = [qdrant.collection(), qdrant.collection()]
    await run(records, sinkOf(qdrant, first, { create: settings, vector: { a: 'v' } }))
    const source = { url: qdrant.url, apiKey: qdrant.apiKey }
    const copied = await collectionSettings(source, first)
    expect(copied).toMatchObject(settings)
    await run(
      records,
      sinkOf(qdrant, second, { create: { like: { collection: first, ...source } }, vector: { a: 'v' } }),
    )
    const [one, other] = [await qdrant.client.getCollection(first), await qdrant.client.getCollection(second)]
    expect(other.config).toEqual(one.config)
    expect(Object.keys(other.payload_schema)).toEqual(Object.keys(one.payload_schema))
  })

  it('has its indexes made by the next run if the first one got no further than the collection', async () => {
    const collection = qdrant.collection()
    await qdrant.client.createCollection(collection, { vectors: { size: 2, distance: 'Dot' } })
    const create = { vectors: { size: 2, distance: 'Dot' }, payloadIndexes: { lang: 'keyword' } } as const
    await run(records, sinkOf(qdrant, collection, { create }))
    expect(Object.keys((await qdrant.client.getCollection(collection)).payload_schema)).toEqual(['lang'])
  })

  it('keeps an index of another type, and says so', async () => {
    const collection = qdrant.collection()
    await qdrant.client.createCollection(collection, { vectors: { size: 2, distance: 'Dot' } })
    await qdrant.client.createPayloadIndex(collection, { field_name: 'lang', field_schema: 'keyword', wait: true })
    const create = { vectors: { size: 2, distance: 'Dot' }, payloadIndexes: { lang: 'integer' } } as const
    const { warnings } = await run(records, sinkOf(qdrant, collection, { create }))
    expect(warnings.filter(({ code }: Warning) => code === 'INDEXES')).toHaveLength(1)
  })

  const wrong: [string, Partial<QdrantSinkOptions<Row>>, RegExp][] = [
    ['another size', { vector: 'long' }, /takes vectors of 2 numbers, and the field "long" has 3/],
    [
      'a name that it has not',
      { vector: { other: 'v' } },
      /has no vector "other", but the vector without a name \(2, Dot\)/,
    ],
    ['a field that is not there', { vector: 'vv' }, /no field "vv".*did you mean "v"/],
    ['several fields', {}, /several fields that are vectors \(v, long\)/],
    [
      'another distance',
      { vector: 'v', create: { vectors: { size: 2, distance: 'Cosine' } } },
      /\(2, Dot\), and create wants .*\(2, Cosine\)/,
    ],
    [
      'other names',
      { vector: 'v', create: { vectors: { a: { size: 2, distance: 'Dot' } } } },
      /create wants vector "a" \(2, Dot\)/,
    ],
    [
      'an embedder of another size',
      { embed: Object.assign(() => [], { dimensions: 4 }), embedText: 'text', vector: 'v' },
      /of 2 numbers, and what embed makes has 4/,
    ],
    [
      'a collection to be like that is not there',
      { vector: 'v', create: { like: { collection: 'nowhere' } } },
      /"nowhere", and that one is not there/,
    ],
  ]
  it.each(wrong)('refuses %s before the first write', async (_, options, message) => {
    const collection = qdrant.collection()
    await qdrant.client.createCollection(collection, { vectors: { size: 2, distance: 'Dot' } })
    const many = [{ id: 1, v: Float32Array.of(1, 2), long: Float32Array.of(1, 2, 3), text: 'a' }]
    const error = await failure(run(many, sinkOf(qdrant, collection, options)))
    expect(error).toMatchObject({ code: 'SINK_NOT_READY', message: expect.stringMatching(message) })
    expect((await qdrant.client.count(collection)).count).toBe(0)
  })

  it('that is missing is not made without being told how', async () => {
    const collection = qdrant.collection()
    await qdrant.client.createCollection(`${collection}s`, {})
    const error = await failure(run(records, sinkOf(qdrant, collection)))
    expect(error).toMatchObject({
      code: 'SINK_NOT_READY',
      message: expect.stringMatching(
        new RegExp(`no collection "${collection}".*did you mean "${collection}s".*create`),
      ),
    })
    await qdrant.client.deleteCollection(`${collection}s`)
  })

  it('that has vectors wants records with some, unless it is told otherwise', async () => {
    const collection = qdrant.collection()
    const create = { vectors: { size: 2, distance: 'Dot' } } as const
    const error = await failure(run([{ id: 1 }], sinkOf(qdrant, collection, { create })))
    expect(error).toMatchObject({ code: 'SINK_NOT_READY', message: expect.stringContaining('vector: {}') })
    expect((await qdrant.client.collectionExists(collection)).exists).toBe(false)
    expect((await run([{ id: 1 }], sinkOf(qdrant, collection, { create, vector: {} }))).counts.written).toBe(1)
  })

  it('has settings only if it is there', async () => {
    const call = collectionSettings({ url: qdrant.url, apiKey: qdrant.apiKey }, 'nowhere', { signal })
    expect(await failure(call)).toMatchObject({ code: 'SOURCE_NOT_FOUND' })
  })

  // A real server has such shards in a cluster only.
  it.skipIf(process.env.QDRANT_URL)('whose shards have keys gets them as points come', async () => {
    const collection = qdrant.collection()
    const create = { sharding_method: 'custom' } as const
    const many = Array.from({ length: 6 }, (_, id) => ({ id, tenant: id % 2 === 0 ? 'even' : 'odd' }))
    const shardKey = ({ tenant }: Row) => tenant as string
    const sink = (options: Partial<QdrantSinkOptions<Row>>) => sinkOf(qdrant, collection, { id: 'record', ...options })
    await run(many, sink({ create, shardKey }))
    const { points } = await qdrant.client.scroll(collection, { shard_key: 'odd' })
    expect(points.map(({ id }) => id)).toEqual([1, 3, 5])
    expect(await failure(run(many, sink({ shardKey: 'third' })))).toMatchObject({
      code: 'SINK_NOT_READY',
      message: expect.stringContaining('no shard with the key "third". There are: "even", "odd"'),
    })
    const report = await run(many.slice(0, 1), sink({}), { maxRejected: 1 })
    expect(report.rejected[0]?.message).toContain('shardKey')
  })
})
