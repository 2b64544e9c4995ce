import { describe, expect, test } from 'vitest'
import { useQdrant } from './vitest.js'

describe('the server in this process', () => {
  const qdrant = useQdrant()

  test('gives points back in the order of ids: numbers, then UUIDs', async () => {
    const { client } = qdrant
    const name = qdrant.collection()
    await client.createCollection(name, { vectors: { size: 2, distance: 'Dot' } })
    const uuid = '0a000000-0000-4000-8000-000000000001'
    await client.upsert(name, {
      wait: true,
      points: [
        { id: uuid, vector: [0.5, 0.25], payload: { text: 'c' } },
        { id: 10, vector: [0.1, 1e-7], payload: { text: 'b' } },
        { id: 2, vector: [3, -4.5], payload: null },
      ],
    })
    const first = await client.scroll(name, { limit: 2, with_vector: true })
    expect(first).toEqual({
      points: [
        { id: 2, payload: {}, vector: [3, -4.5] },
        { id: 10, payload: { text: 'b' }, vector: [0.1, 1e-7] },
      ],
      next_page_offset: uuid,
    })
    const rest = await client.scroll(name, { offset: uuid })
    expect(rest).toEqual({ points: [{ id: uuid, payload: { text: 'c' } }], next_page_offset: null })
    expect(await client.count(name, { exact: true })).toEqual({ count: 3 })
    await client.delete(name, { wait: true, points: [10] })
    expect(await client.retrieve(name, { ids: [10, 2] })).toEqual([{ id: 2, payload: {} }])
    expect(await client.getCollection(name)).toMatchObject({ status: 'green', points_count: 2 })
  })
})
