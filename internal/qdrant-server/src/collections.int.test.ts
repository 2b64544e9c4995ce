import { describe, expect, test } from 'vitest'
import { useQdrant } from './vitest.js'

describe('collections', () => {
  const qdrant = useQdrant()
  const vectors = { size: 4, distance: 'Dot' } as const

  async function refusal(answer: Promise<unknown>): Promise<unknown> {
    return await answer.then(
      () => null,
      ({ status, data }) => [status, data.status.error],
    )
  }

  test('tell their settings, with the defaults of the server', async () => {
    const { client } = qdrant
    const name = qdrant.collection()
    await client.createCollection(name, {
      vectors: {
        text: { ...vectors, on_disk: true },
        colors: { ...vectors, multivector_config: { comparator: 'max_sim' } },
      },
      sparse_vectors: { words: { modifier: 'idf' } },
      on_disk_payload: false,
      hnsw_config: { m: 32 },
      quantization_config: { scalar: { type: 'int8', quantile: 0.99 } },
      optimizers_config: { indexing_threshold: 0 },
    })
    const info = await client.getCollection(name)
    expect(info).toMatchObject({ status: 'green', points_count: 0, indexed_vectors_count: 0, payload_schema: {} })
    expect(info.config).toMatchObject({
      params: {
        vectors: { text: { ...vectors, on_disk: true }, colors: { multivector_config: { comparator: 'max_sim' } } },
        sparse_vectors: { words: { modifier: 'idf' } },
        shard_number: 1,
        replication_factor: 1,
        on_disk_payload: false,
      },
      hnsw_config: { m: 32, ef_construct: 100 },
      optimizer_config: { indexing_threshold: 0, flush_interval_sec: 5 },
      quantization_config: { scalar: { type: 'int8', quantile: 0.99 } },
    })
    await client.updateCollection(name, {
      optimizers_config: { indexing_threshold: 5000 },
      quantization_config: 'Disabled',
    })
    const changed = (await client.getCollection(name)).config
    expect(changed).toMatchObject({
      optimizer_config: { indexing_threshold: 5000, flush_interval_sec: 5 },
      hnsw_config: { m: 32 },
    })
    expect(changed.quantization_config).toBeNull()
  })

  test('have metadata that changes are merged into, and null removes', async () => {
    const { client } = qdrant
    const name = qdrant.collection()
    await client.createCollection(name, { vectors })
    await client.updateCollection(name, { metadata: { kept: 1, gone: 2 } })
    await client.updateCollection(name, { metadata: { gone: null, added: { n: 3 } } })
    expect((await client.getCollection(name)).config.metadata).toEqual({ kept: 1, added: { n: 3 } })
    await client.updateCollection(name, { metadata: {} })
    expect((await client.getCollection(name)).config.metadata).toEqual({ kept: 1, added: { n: 3 } })
  })

  test('exist once, until they are deleted', async () => {
    const { client } = qdrant
    const name = qdrant.collection()
    expect(await refusal(client.getCollection(name))).toEqual([404, `Not found: Collection \`${name}\` doesn't exist!`])
    expect(await client.createCollection(name, { vectors })).toBe(true)
    expect(await refusal(client.createCollection(name, { vectors }))).toEqual([
      409,
      `Wrong input: Collection \`${name}\` already exists!`,
    ])
    expect((await client.getCollections()).collections).toContainEqual({ name })
    expect(await client.collectionExists(name)).toEqual({ exists: true })
    expect(await client.deleteCollection(name)).toBe(true)
    expect(await client.deleteCollection(name)).toBe(false)
    expect(await refusal(client.scroll(name, {}))).toEqual([404, `Not found: Collection \`${name}\` doesn't exist!`])
  })

  test('are refused with settings that cannot be', async () => {
    const { client } = qdrant
    const create = (settings: object) => refusal(client.createCollection(qdrant.collection(), settings))
    expect(await create({ vectors: { size: 70_000, distance: 'Dot' } })).toEqual([
      422,
      'Validation error in JSON body: [vectors.size: value 70000 invalid, must be from 1 to 65536]',
    ])
    expect(await create({ vectors: { size: 4, distance: 'Near' } })).toMatchObject([400, /VectorsConfig/])
  })

  test('have indexes on fields of the payload', async () => {
    const { client } = qdrant
    const name = qdrant.collection()
    await client.createCollection(name, { vectors })
    await client.createPayloadIndex(name, { field_name: 'city', field_schema: 'keyword', wait: true })
    const params = { type: 'integer', lookup: true, range: false } as const
    await client.createPayloadIndex(name, { field_name: 'deep.n', field_schema: params, wait: true })
    await client.upsert(name, { wait: true, points: [{ id: 1, vector: [1, 2, 3, 4], payload: { city: 'x' } }] })
    expect((await client.getCollection(name)).payload_schema).toEqual({
      city: { data_type: 'keyword', points: 1 },
      'deep.n': { data_type: 'integer', params, points: 0 },
    })
    await client.deletePayloadIndex(name, 'city', { wait: true })
    expect(Object.keys((await client.getCollection(name)).payload_schema)).toEqual(['deep.n'])
  })

  test('have other names', async () => {
    const { client } = qdrant
    const [name, alias] = [qdrant.collection(), qdrant.collection()]
    await client.createCollection(name, { vectors })
    await client.updateCollectionAliases({ actions: [{ create_alias: { alias_name: alias, collection_name: name } }] })
    await client.upsert(alias, { wait: true, points: [{ id: 1, vector: [1, 2, 3, 4] }] })
    expect(await client.count(name)).toEqual({ count: 1 })
    expect(await client.getCollectionAliases(name)).toEqual({ aliases: [{ alias_name: alias, collection_name: name }] })
    expect((await client.getCollections()).collections).not.toContainEqual({ name: alias })
    await client.updateCollectionAliases({ actions: [{ delete_alias: { alias_name: alias } }] })
    expect(await client.collectionExists(alias)).toEqual({ exists: false })
  })
})

describe.skipIf(process.env.QDRANT_URL)(
  'collections with shard keys, which a single server of Qdrant does not have',
  () => {
    const qdrant = useQdrant()

    test('hold the same id once under each key', async () => {
      const { client } = qdrant
      const name = qdrant.collection()
      await client.createCollection(name, { vectors: { size: 1, distance: 'Dot' }, sharding_method: 'custom' })
      await client.createShardKey(name, { shard_key: 'a' })
      await client.createShardKey(name, { shard_key: 7 })
      const points = [{ id: 1, vector: [1] }]
      await client.upsert(name, { wait: true, points, shard_key: 'a' })
      await client.upsert(name, { wait: true, points: [...points, { id: 0, vector: [2] }], shard_key: 7 })
      const all = await client.scroll(name, { with_payload: false })
      expect(all.points).toEqual([
        { id: 0, shard_key: 7 },
        { id: 1, shard_key: 'a' },
        { id: 1, shard_key: 7 },
      ])
      expect((await client.scroll(name, { shard_key: 'a', with_payload: false })).points).toEqual([
        { id: 1, shard_key: 'a' },
      ])
      const unkeyed = await client.upsert(name, { wait: true, points }).then(
        () => null,
        ({ data }) => data.status.error,
      )
      expect(unkeyed).toBe('Wrong input: Shard key not specified')
    })
  },
)
