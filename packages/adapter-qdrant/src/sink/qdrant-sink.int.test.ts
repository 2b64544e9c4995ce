import { dryRun, from, memorySource, type Row, recordId } from '@drover/core'
import { useQdrant } from '@drover-internal/qdrant-server/vitest'
import { describe, expect, it } from 'vitest'
import { qdrantSource } from '../source/qdrant-source.js'
import { readSink } from './testing/read-sink.js'
import { batchOf, failure, pointsOf, run, signal, sinkOf } from './testing/sink-run.js'

const create = { vectors: { size: 2, distance: 'Dot' } } as const
const vectorField = { name: 'v', type: { kind: 'vector', dimensions: 2 }, nullable: false } as const
const record = (id: unknown, more: Row = {}): Row => ({
  id,
  text: `text ${String(id)}`,
  v: Float32Array.of(1, 2),
  ...more,
})

describe('qdrantSink', () => {
  const qdrant = useQdrant()

  describe('ids', () => {
    it('are made of the whole key: the same checkpoint id in two threads and two namespaces is four points', async () => {
      const collection = qdrant.collection()
      const records = ['t1', 't2'].flatMap((thread) => ['', 'n'].map((ns) => ({ thread, ns, checkpoint: 'c1' })))
      await run(records, sinkOf(qdrant, collection, { create: {} }), { key: ['thread', 'ns', 'checkpoint'] })
      const points = await pointsOf(qdrant, collection)
      expect(points.map(({ payload }) => payload)).toHaveLength(4)
      const keys = records.map(({ thread, ns, checkpoint }) => recordId({ source: [thread, ns, checkpoint], child: 0 }))
      expect(points.map(({ id }) => id)).toEqual(keys.sort())
    })

    it('are apart for all that a record fans out into', async () => {
      const collection = qdrant.collection()
      const source = from(memorySource<Row>({ name: 'm', records: [{ id: 1 }], key: 'id' })).pipe(({ id }) => [
        { id, part: 0 },
        { id, part: 1 },
      ])
      await run([], sinkOf(qdrant, collection, { create: {} }), { source })
      expect((await pointsOf(qdrant, collection)).map(({ id }) => id)).toEqual(
        [0, 1].map((child) => recordId({ source: [1], child })).sort(),
      )
    })

    it('that are given are kept in all their digits', async () => {
      const collection = qdrant.collection()
      const uuid = '6F1D5E0A-3C55-4A3B-9D5B-0E6B1F0C7D21'
      const records = [record(0), record(2 ** 53 - 1), record(2n ** 64n - 1n), record(uuid)]
      await run(records, sinkOf(qdrant, collection, { create, id: 'record' }))
      await using session = await qdrantSource({ url: qdrant.url, collection }).connect({ signal })
      const ids: unknown[] = []
      const reading = { signal, partition: { id: 'all', bounds: null }, after: null, page: { records: 9, bytes: 1e6 } }
      for await (const page of session.read(reading)) ids.push(...page.rows().map(({ id }) => id))
      expect(ids).toEqual([0, 2 ** 53 - 1, 2n ** 64n - 1n, uuid.toLowerCase()])
    })

    it.each([['x'], [-1], [1.5], [2n ** 64n], [2 ** 53], [''], [{}], ['18446744073709551615']])(
      'that are neither refuse their record: %o',
      async (id) => {
        const collection = qdrant.collection()
        const records = [record(1), { ...record(2), given: id }, record(3)].map((one) => ({ given: one.id, ...one }))
        const sink = sinkOf(qdrant, collection, { create, id: ({ given }) => given as string })
        const report = await run(records, sink, { maxRejected: 1 })
        expect(report.counts).toMatchObject({ written: 2, rejected: 1 })
        expect(report.rejected[0]).toMatchObject({ key: [2], code: 'RECORD_REFUSED', stage: 'write' })
      },
    )

    it('need a key to be made of', async () => {
      await using session = await sinkOf(qdrant, qdrant.collection(), { create }).connect({ signal })
      const batch = batchOf([record(1)], { hasKeys: false })
      await session.prepare?.({ fields: [vectorField], key: [] }, { signal })
      expect(await failure(session.write(batch, { signal }))).toMatchObject({ code: 'RECORD_REFUSED', row: 0 })
    })
  })

  describe('records', () => {
    it('become payload and vector', async () => {
      const collection = qdrant.collection()
      await run(
        [record(1, { at: new Date(0), tags: ['a'], big: 2n ** 60n })],
        sinkOf(qdrant, collection, { create, id: 'record' }),
      )
      const [point] = await pointsOf(qdrant, collection)
      expect(point).toMatchObject({
        id: 1,
        vector: [1, 2],
        payload: { id: 1, text: 'text 1', at: '1970-01-01T00:00:00.000Z', tags: ['a'] },
      })
      expect(point?.payload).not.toHaveProperty('v')
    })

    it('become what the options say', async () => {
      const collection = qdrant.collection()
      const sink = sinkOf(qdrant, collection, {
        create: { vectors: { a: { size: 2, distance: 'Dot' } }, sparse_vectors: { s: {} } },
        id: ({ id }) => Number(id) + 10,
        payload: ({ text }) => ({ upper: String(text).toUpperCase() }),
        vector: ({ v }) => ({ a: v as Float32Array, s: { indices: [7, 3], values: Float32Array.of(1, 0.5) } }),
      })
      await run([record(1)], sink)
      expect(await pointsOf(qdrant, collection)).toMatchObject([
        { id: 11, payload: { upper: 'TEXT 1' }, vector: { a: [1, 2], s: { indices: [3, 7], values: [0.5, 1] } } },
      ])
    })

    it('bring vectors by name, as lists, as JSON, several at once, or none', async () => {
      const collection = qdrant.collection()
      const sink = sinkOf(qdrant, collection, {
        create: {
          vectors: {
            a: { size: 2, distance: 'Dot' },
            m: { size: 2, distance: 'Dot', multivector_config: { comparator: 'max_sim' } },
          },
        },
        id: 'record',
        payload: [],
        vector: { a: 'x', m: 'y' },
      })
      await run(
        [
          { id: 1, x: '[0.1, 2]', y: [[1, 2], Float32Array.of(3, 4)] },
          { id: 2, x: [1, 0], y: null },
          { id: 3, x: null, y: null },
        ],
        sink,
      )
      expect((await pointsOf(qdrant, collection)).map(({ vector }) => vector)).toEqual([
        {
          a: [0.1, 2],
          m: [
            [1, 2],
            [3, 4],
          ],
        },
        { a: [1, 0] },
        {},
      ])
    })

    it.each<[string, Row]>([
      ['a vector of another size', { v: Float32Array.of(1, 2, 3) }],
      ['a vector with NaN', { v: Float32Array.of(1, Number.NaN) }],
      ['a vector with an infinite number', { v: [1, Number.POSITIVE_INFINITY] }],
      ['a number that float32 does not hold', { v: [1, 1e39] }],
      ['a vector of texts', { v: ['1', '2'] }],
      ['a vector that is a text', { v: 'near' }],
      ['bytes as a vector', { v: new Uint8Array(2) }],
      ['an integer beyond 64 bits', { n: 2n ** 64n }],
      ['half a character', { text: '\ud83d' }],
      ['a function', { n: () => {} }],
    ])('that have %s are refused, each with its row, and the others are written', async (_, wrong) => {
      const collection = qdrant.collection()
      const records = [1, 2, 3, 4, 5].map((id) => record(id, id === 2 || id === 4 ? wrong : {}))
      const report = await run(records, sinkOf(qdrant, collection, { create, id: 'record', vector: 'v' }), {
        maxRejected: 2,
      })
      expect(report.rejected.map(({ key, code }) => [key, code])).toEqual([
        [[2], 'RECORD_REFUSED'],
        [[4], 'RECORD_REFUSED'],
      ])
      expect((await pointsOf(qdrant, collection)).map(({ id }) => id)).toEqual([1, 3, 5])
    })

    it.each<[unknown, string]>([
      [{ indices: [1, 1], values: [1, 2] }, 'the index 1 twice'],
      [{ indices: [1], values: [1, 2] }, '1 indices with 2 values'],
      [{ indices: [-1], values: [1] }, 'the index the number -1'],
      [{ indices: [2 ** 32], values: [1] }, '4294967296'],
      [{ indices: [1], values: [Number.NaN] }, 'NaN'],
      [[1, 2], 'an array of 2'],
    ])('are refused for a sparse vector that is none: %j', async (s, what) => {
      const sink = sinkOf(qdrant, qdrant.collection(), { create: { sparse_vectors: { s: {} } }, vector: { s: 's' } })
      const report = await run(
        [
          { id: 1, s },
          { id: 2, s: { indices: [1], values: [1] } },
        ],
        sink,
        { maxRejected: 1 },
      )
      expect(report.rejected[0]?.message).toContain(what)
      expect(report.counts.written).toBe(1)
    })

    it.each([
      ['uint8', [1, 256]],
      ['uint8', [1, 0.5]],
      ['float16', [1, 70_000]],
    ] as const)('are refused for numbers that %s would change silently: %j', async (datatype, v) => {
      const sink = sinkOf(qdrant, qdrant.collection(), {
        create: { vectors: { size: 2, distance: 'Dot', datatype } },
        vector: 'v',
      })
      const report = await run(
        [
          { id: 1, v },
          { id: 2, v: [1, 2] },
        ],
        sink,
        { maxRejected: 1 },
      )
      expect(report.rejected[0]?.message).toContain(datatype)
      expect(report.counts.written).toBe(1)
    })

    it('of a column that tells 1 from 1.0 come back with both', async () => {
      const fields = [
        { name: 'id', type: { kind: 'int', bits: 64 }, nullable: false },
        { name: 'n', type: { kind: 'any' }, nullable: true, native: '' },
      ] as const
      const rows = [1n, 1, '1', 1.5, null, Uint8Array.of(1)].map((n, id): Row => ({ id, n }))
      const source = memorySource<Row>({ name: 'm', records: rows, key: 'id', schema: { fields } })
      const sink = () => sinkOf(qdrant, collection, { create: {}, id: 'record' })
      const collection = qdrant.collection()
      await run([], sink(), { source })
      expect(await readSink(sink(), { fields, key: ['id'] })).toEqual(rows)
    })
  })

  describe('points of another collection', () => {
    it('are written as they are', async () => {
      const [first, second] = [qdrant.collection(), qdrant.collection()]
      await qdrant.client.createCollection(first, {
        vectors: { '': { size: 2, distance: 'Dot' }, a: { size: 3, distance: 'Euclid' } },
        sparse_vectors: { s: {} },
      })
      const points = [
        { id: 1, vector: { '': [0.1, 2], a: [1, 2, 3] }, payload: { $binary: { base64: 'AA==', subType: '00' } } },
        { id: '6f1d5e0a-3c55-4a3b-9d5b-0e6b1f0c7d21', vector: { s: { indices: [1], values: [0.5] } }, payload: {} },
      ]
      await qdrant.client.upsert(first, { points, wait: true })
      const source = qdrantSource({ url: qdrant.url, collection: first })
      await run([], sinkOf(qdrant, second, { create: { like: { collection: first } } }), { source: source as never })
      expect(await pointsOf(qdrant, second)).toEqual(await pointsOf(qdrant, first))
      expect(await pointsOf(qdrant, second)).toHaveLength(2)
    })
  })

  describe('what is there already', () => {
    const records = [1, 2, 3].map((id) => record(id))

    it('is replaced, and counted as such', async () => {
      const collection = qdrant.collection()
      const sink = () => sinkOf(qdrant, collection, { create, id: 'record' })
      expect((await run(records, sink())).counts).toMatchObject({ inserted: 3, updated: 0 })
      const more = [record(3, { text: 'new' }), record(4)]
      expect((await run(more, sink())).counts).toMatchObject({ inserted: 1, updated: 1 })
      expect((await pointsOf(qdrant, collection)).map(({ payload }) => (payload as Row).text)).toEqual([
        'text 1',
        'text 2',
        'new',
        'text 4',
      ])
    })

    it('stays if it is told to', async () => {
      const collection = qdrant.collection()
      const sink = () => sinkOf(qdrant, collection, { create, id: 'record', onConflict: 'skip' })
      expect((await run(records, sink())).counts).toMatchObject({ inserted: 3, skipped: 0 })
      expect((await run([record(3, { text: 'new' }), record(4)], sink())).counts).toMatchObject({
        inserted: 1,
        skipped: 1,
      })
      expect((await pointsOf(qdrant, collection))[2]).toMatchObject({ payload: { text: 'text 3' } })
    })
  })

  it('sends so many bytes at once, and less where the server takes less', async () => {
    const collection = qdrant.collection()
    const records = Array.from({ length: 200 }, (_, id) => record(id, { text: 'x'.repeat(1000) }))
    const report = await run(records, sinkOf(qdrant, collection, { create, id: 'record', batchBytes: 50_000 }))
    expect(report.account?.figures.requests).toBeGreaterThanOrEqual(4)
    expect(await pointsOf(qdrant, collection)).toHaveLength(200)
  })

  it('is told by a dry run, which creates and writes nothing and embeds no text', async () => {
    const collection = qdrant.collection()
    const sink = sinkOf(qdrant, collection, {
      create: { ...create, payloadIndexes: { text: 'keyword' } },
      embed: () => {
        throw new Error('never in a dry run')
      },
      embedText: 'text',
      payload: ['text'],
    })
    const source = memorySource<Row>({ name: 'm', records: [{ id: 1, text: 'a' }], key: 'id' })
    const report = await dryRun({ name: 'test', source, sink })
    expect(report).toMatchObject({
      creates: [`collection "${collection}"`, 'index of payload field "text"'],
      problems: [],
      notWritten: expect.stringContaining('no text was embedded'),
    })
    expect((await qdrant.client.collectionExists(collection)).exists).toBe(false)
    const bad = memorySource<Row>({ name: 'm', records: [{ id: 1, text: '\ud83d' }], key: 'id' })
    expect((await dryRun({ name: 'test', source: bad, sink })).problems).toMatchObject([{ code: 'RECORD_REFUSED' }])
  })

  it('stops for a collection that is deleted while it writes', async () => {
    const collection = qdrant.collection()
    await using session = await sinkOf(qdrant, collection, { create }).connect({ signal })
    await session.prepare?.({ fields: [vectorField], key: ['id'] }, { signal })
    await session.write(batchOf([record(1)]), { signal })
    await qdrant.client.deleteCollection(collection)
    expect(await failure(session.write(batchOf([record(2)]), { signal }))).toMatchObject({
      code: 'SINK_NOT_READY',
      message: expect.stringContaining(collection),
    })
  })
})
