import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  decodeJson,
  memorySink,
  memoryStateStore,
  memoryStore,
  ndjsonSink,
  runPipeline,
  type Source,
} from '@drover/core'
import { startQdrantServer } from '@drover-internal/qdrant-server'
import { useQdrant } from '@drover-internal/qdrant-server/vitest'
import { describe, expect, test } from 'vitest'
import type { PointId } from '../wire/wire-point.js'
import type { QdrantRecord } from './qdrant-record.js'
import { type QdrantSourceOptions, qdrantSource } from './qdrant-source.js'
import { putPoints, type TestPoint } from './testing/points.js'
import { operation, readPages, readSource } from './testing/read-source.js'

const qdrant = useQdrant()

const uuids = ['00000000-0000-0000-0000-000000000000', '6f1d5e0a-3c55-4a3b-9d5b-0e6b1f0c7d21']
const vectors = { size: 3, distance: 'Dot' } as const

async function filled(settings: object, points: readonly TestPoint[]): Promise<string> {
  const collection = qdrant.collection()
  await qdrant.client.createCollection(collection, settings)
  await putPoints(qdrant, collection, points)
  return collection
}

const source = (collection: string, options: Partial<QdrantSourceOptions> = {}) =>
  qdrantSource({ url: qdrant.url, apiKey: qdrant.apiKey, collection, ...options })

/** Notes how large each page is. */
function measured(inner: Source<QdrantRecord>, sizes: number[]): Source<QdrantRecord> {
  return {
    ...inner,
    connect: async (operation) => {
      const session = await inner.connect(operation)
      return {
        describe: (options) => session.describe(options),
        async *read(options) {
          for await (const page of session.read(options)) {
            sizes.push(page.bytes)
            yield page
          }
        },
        [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
      }
    },
  }
}

describe('points', () => {
  test('come with ids of 64 bits and UUIDs as they are, numbers first', async () => {
    const ids: PointId[] = [0, 1, 2 ** 53 - 1, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n, ...uuids]
    const collection = await filled(
      { vectors: {} },
      ids.toReversed().map((id) => ({ id })),
    )
    await using session = await source(collection).connect(operation)
    const [page] = await readPages(session)
    expect(page?.rows()).toEqual(ids.map((id) => ({ id, payload: {}, vector: null })))
    expect(page?.keys().slice(2, 4)).toEqual([
      { source: [2 ** 53 - 1], child: 0 },
      { source: ['9007199254740992'], child: 0 },
    ])
    expect(await session.describe(operation)).toEqual({
      fields: [
        { name: 'id', type: { kind: 'json' }, nullable: false },
        { name: 'payload', type: { kind: 'json' }, nullable: false },
        { name: 'vector', type: { kind: 'json' }, nullable: true },
      ],
      key: ['id'],
    })
  })

  test('come with the vector without a name, and with none', async () => {
    const vector = new Float32Array([0.1, -3.4028234663852886e38, 1e-40])
    const collection = await filled({ vectors }, [{ id: 1, vector, payload: { text: 'ä', n: 2n ** 60n } }])
    expect(await readSource(source(collection))).toEqual([{ id: 1, payload: { text: 'ä', n: 2n ** 60n }, vector }])
    expect(await readSource(source(collection, { vectors: false, payload: ['n'] }))).toEqual([
      { id: 1, payload: { n: 2n ** 60n }, vector: null },
    ])
    expect(await readSource(source(collection, { payload: false }))).toEqual([{ id: 1, payload: null, vector }])
    await using session = await source(collection).connect(operation)
    expect((await session.describe(operation)).fields).toEqual([
      { name: 'id', type: { kind: 'int', bits: 64 }, nullable: false },
      { name: 'payload', type: { kind: 'json' }, nullable: false },
      { name: 'vector', type: { kind: 'vector', dimensions: 3 }, nullable: true },
    ])
  })

  test('come with named, sparse and multiple vectors, and without those that they lack', async () => {
    const settings = {
      vectors: { dense: vectors, many: { ...vectors, multivector_config: { comparator: 'max_sim' } } },
      sparse_vectors: { words: {} },
    }
    const dense = new Float32Array([1, 0.5, 0.25])
    const words = { indices: [0, 4_294_967_295], values: new Float32Array([0.1, 2]) }
    const many = [dense, new Float32Array([0, 0, 1])]
    const collection = await filled(settings, [
      { id: uuids[0] as string, vectors: { dense, words, many } },
      { id: uuids[1] as string, vectors: { dense } },
    ])
    expect(await readSource(source(collection))).toEqual([
      { id: uuids[0], payload: {}, vectors: { dense, words, many } },
      { id: uuids[1], payload: {}, vectors: { dense } },
    ])
    expect(await readSource(source(collection, { vectors: ['words'] }))).toEqual([
      { id: uuids[0], payload: {}, vectors: { words } },
      { id: uuids[1], payload: {}, vectors: null },
    ])
    await using session = await source(collection).connect(operation)
    const one = { kind: 'vector', dimensions: 3 }
    expect((await session.describe(operation)).fields).toMatchObject([
      { name: 'id', type: { kind: 'uuid' } },
      { name: 'payload' },
      {
        name: 'vectors',
        type: {
          kind: 'struct',
          fields: [
            { name: 'dense', type: one },
            { name: 'many', type: { kind: 'list', of: one } },
            { name: 'words', type: { kind: 'struct', fields: [{ name: 'indices' }, { name: 'values' }] } },
          ],
        },
      },
    ])
  })

  test('are gone on with behind one that was deleted', async () => {
    const collection = await filled(
      { vectors: {} },
      [1, 2, 3, 4, 5, ...uuids].map((id) => ({ id })),
    )
    const at = source(collection)
    await qdrant.client.delete(collection, { points: [3, uuids[0] as string], wait: true })
    expect((await readSource(at, { after: 3 })).map(({ id }) => id)).toEqual([4, 5, uuids[1]])
    expect((await readSource(at, { after: uuids[0] as string })).map(({ id }) => id)).toEqual([uuids[1]])
    expect(await readSource(at, { after: '18446744073709551615' })).toHaveLength(1)
    expect(await readSource(at, { after: 'ffffffff-ffff-ffff-ffff-ffffffffffff' })).toEqual([])
  })

  test('are those that a filter of Qdrant finds, which is counted with', async () => {
    const points = Array.from({ length: 40 }, (_, id) => ({ id, payload: { kind: id % 4 === 0 ? ['a', 'b'] : 'c' } }))
    const collection = await filled({ vectors: {} }, points)
    const filter = { must: [{ key: 'kind', match: { value: 'b' } }] }
    expect(await readSource(source(collection, { filter }))).toHaveLength(10)
    expect(await readSource(source(collection, { filter, where: { 'payload.kind': { eq: 'b' } } }))).toEqual([])
    await using session = await source(collection, { filter, where: { id: { in: [0, 1, 4] } } }).connect(operation)
    expect(await session.count?.(operation)).toEqual({ value: 2, exact: true })
    await using other = await source(collection, { where: { 'payload.kind': { eq: 'b' } } }).connect(operation)
    expect(await other.count?.(operation)).toEqual({ value: 10, exact: false })
    const parts = await session.partition?.({ ...operation, count: 2 })
    const read = await Promise.all((parts ?? []).map((partition) => readPages(session, { partition })))
    expect(read.flat().flatMap((page) => page.rows().map(({ id }) => id))).toEqual([0, 4])
  })
})

describe('a collection with a limit', () => {
  test('is asked for no more points than it gives', async () => {
    const points = Array.from({ length: 200 }, (_, id) => ({ id, payload: { n: id, m: id } }))
    const strict_mode_config = { enabled: true, max_query_limit: 7, unindexed_filtering_retrieve: false }
    const collection = await filled({ vectors: {}, strict_mode_config }, points)
    const asked: number[] = []
    const where = { 'payload.n': { gte: 190 } }
    expect(await readSource(measured(source(collection, { where }), asked))).toHaveLength(10)
    expect(asked).toHaveLength(Math.ceil(200 / 7))
  })
})

describe('shards with keys', () => {
  async function sharded(): Promise<string> {
    const collection = qdrant.collection()
    await qdrant.client.createCollection(collection, { vectors: {}, sharding_method: 'custom' })
    for (const shard of ['de', 7, 'fr']) {
      await qdrant.client.createShardKey(collection, { shard_key: shard })
      // The same ids in each of them.
      await putPoints(
        qdrant,
        collection,
        [1, 2, 3].map((id) => ({ id, payload: { shard } })),
        shard,
      )
    }
    return collection
  }

  test('are read one by one, and are part of the key', async () => {
    await using session = await source(await sharded()).connect(operation)
    const pages = await readPages(session, { page: { records: 2, bytes: 1e9 } })
    const rows = pages.flatMap((page) => page.rows())
    expect(rows).toEqual(
      [7, 'de', 'fr'].flatMap((shard) =>
        [1, 2, 3].map((id) => ({ id, payload: { shard }, vector: null, shard_key: shard })),
      ),
    )
    expect(pages[0]?.keys()[0]).toEqual({ source: [7, 1], child: 0 })
    expect((await session.describe(operation)).key).toEqual(['shard_key', 'id'])
    expect(await session.count?.(operation)).toEqual({ value: 9, exact: true })
    let before = 0
    for (const page of pages) {
      before += page.count
      const rest = (await readPages(session, { after: page.cursor })).flatMap((one) => one.rows())
      expect(rest).toEqual(rows.slice(before))
    }
  })

  test('are partitions, however few are asked for', async () => {
    await using session = await source(await sharded()).connect(operation)
    expect(session.hasParts).toBe(true)
    const parts = (await session.partition?.({ ...operation, count: 1 })) ?? []
    expect(parts.map(({ id }) => id)).toEqual(['7', 'de', 'fr'])
    const more = (await session.partition?.({ ...operation, count: 6 })) ?? []
    expect(more.length).toBeGreaterThan(3)
    const rows = await Promise.all(more.map(async (partition) => await readPages(session, { partition })))
    expect(rows.flat().flatMap((page) => page.rows())).toHaveLength(9)
  })

  test('are read alone where they are named', async () => {
    const collection = await sharded()
    expect(await readSource(source(collection, { shardKey: ['fr', 7] }))).toHaveLength(6)
    await expect(readSource(source(collection, { shardKey: 'es' }))).rejects.toMatchObject({
      code: 'SOURCE_NOT_FOUND',
      message: expect.stringContaining('no shard "es"'),
    })
  })
})

describe('a run', () => {
  test('exports 25,000 points, with a few of them in memory', async () => {
    const collection = await filled(
      { vectors },
      Array.from({ length: 25_000 }, (_, i) => ({
        id: i % 2 === 0 ? i : BigInt(i) * 700_000_000_000_001n,
        payload: { text: `point ${i}`, tags: ['a', i] },
        vector: new Float32Array([i, 0.1, -1]),
      })),
    )
    const folder = await mkdtemp(join(tmpdir(), 'drover-qdrant-'))
    try {
      const path = join(folder, 'points.ndjson')
      const sizes: number[] = []
      const report = await runPipeline({
        name: 'export',
        source: measured(source(collection), sizes),
        sink: ndjsonSink({ path }),
        state: memoryStateStore(),
        maxInFlightBytes: 2 * 1024 * 1024,
      })
      // Several pages, of which none is large: of the others nothing stays behind.
      expect(sizes.length).toBeGreaterThan(5)
      expect(Math.max(...sizes)).toBeLessThan(1024 * 1024)
      expect(report.counts).toMatchObject({ read: 25_000, written: 25_000 })
      const lines = (await readFile(path, 'utf8')).trimEnd().split('\n')
      const records = lines.map(
        (line) => decodeJson(line) as { readonly id: PointId; readonly payload: { readonly tags: unknown[] } },
      )
      expect(new Set(records.map(({ id }) => id)).size).toBe(25_000)
      for (const { id, payload } of records) {
        const i = payload.tags[1] as number
        if (i % 2 === 0 ? id !== i : BigInt(id) !== BigInt(i) * 700_000_000_000_001n) expect.fail(`${id} is not ${i}`)
      }
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  test('is cut into partitions that are read side by side', async () => {
    const points = Array.from({ length: 3_000 }, (_, id) => ({ id }))
    const collection = await filled({ vectors: {} }, points)
    const store = memoryStore()
    const report = await runPipeline({
      name: 'parallel',
      source: source(collection),
      sink: memorySink({ store, key: 'id' }),
      parallel: 3,
    })
    expect(report.partitions.length).toBeGreaterThan(1)
    for (const { counts } of report.partitions) expect(counts.read).toBeGreaterThan(200)
    expect(report.counts.written).toBe(3_000)
  })

  test('does not ask for what came since: ids say nothing of time', async () => {
    const collection = await filled({ vectors: {} }, [{ id: 1 }])
    const running = runPipeline({
      name: 'incremental',
      source: source(collection),
      sink: memorySink({ store: memoryStore(), key: 'id' }),
      again: 'incremental',
    })
    await expect(running).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  })
})

describe('what is wrong is said', () => {
  test('a wrong key, without the key', async () => {
    await using server = await startQdrantServer({ apiKey: 'the-right-one' })
    const reading = readSource(qdrantSource({ url: server.url, apiKey: 'the-wrong-one', collection: 'a' }))
    await expect(reading).rejects.toMatchObject({ code: 'STORE_DENIED', message: expect.not.stringMatching('-one') })
  })

  test('a server that is not there', async () => {
    const server = await startQdrantServer()
    await server[Symbol.asyncDispose]()
    const reading = readSource(qdrantSource({ url: server.url, collection: 'a' }))
    await expect(reading).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  })

  test('a collection that is not there, with those that are', async () => {
    const collection = await filled({ vectors: {} }, [])
    await expect(readSource(source(`${collection}x`))).rejects.toMatchObject({
      code: 'SOURCE_NOT_FOUND',
      message: expect.stringContaining(`did you mean "${collection}"`),
    })
  })

  test('a vector that the collection has not', async () => {
    const collection = await filled({ vectors: { dense: vectors } }, [])
    await expect(readSource(source(collection, { vectors: ['dence'] }))).rejects.toMatchObject({
      code: 'SOURCE_NOT_FOUND',
      message: expect.stringContaining('did you mean "dense"'),
    })
  })

  test('a filter that Qdrant does not take', async () => {
    const collection = await filled({ vectors: {} }, [{ id: 1 }])
    const filter = { must: [{ key: 'a', match: { valu: 1 } }] }
    await expect(readSource(source(collection, { filter }))).rejects.toMatchObject({ code: 'SOURCE_INVALID' })
  })

  test('a collection that is removed while it is read', async () => {
    const collection = await filled(
      { vectors: {} },
      Array.from({ length: 100 }, (_, id) => ({ id })),
    )
    await using session = await source(collection).connect(operation)
    const reading = async () => {
      for await (const _ of session.read({
        ...operation,
        partition: { id: 'all', bounds: null },
        after: null,
        page: { records: 5, bytes: 1e6 },
      })) {
        await qdrant.client.deleteCollection(collection)
      }
    }
    await expect(reading()).rejects.toMatchObject({ code: 'SOURCE_NOT_FOUND' })
  })

  test.each<[string, object]>([
    ['no option "colection"', { colection: 'a' }],
    ['collection is a text', { collection: '' }],
    ['vectors is true, false or a list', { vectors: 'dense' }],
    ['payload is true, false or a list', { payload: [1] }],
    ['filter has "key"', { filter: { key: 'a', match: { value: 1 } } }],
    ['filter is an object', { filter: [] }],
    ['where names "role"', { where: { role: { eq: 'user' } } }],
    ['which is not read', { where: { 'payload.role': { eq: 'user' } }, payload: ['text'] }],
    ['consistency is', { consistency: 'most' }],
    ['consistency is', { consistency: 0 }],
    ['shardKey is', { shardKey: [1.5] }],
    ['shardKey names', { shardKey: [] }],
  ])('%s', (message, options) => {
    expect(() => qdrantSource({ collection: 'a', ...options })).toThrow(
      expect.objectContaining({ code: 'OPTION_INVALID', message: expect.stringContaining(message) }),
    )
  })
})
