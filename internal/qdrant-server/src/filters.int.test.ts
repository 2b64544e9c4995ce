import { beforeAll, describe, expect, test } from 'vitest'
import { useQdrant } from './vitest.js'

const payloads = [
  { city: 'Berlin', count: 1, at: '2024-01-01T00:00:00Z', tags: ['a', 'b'], open: true },
  { city: 'London', count: 2.5, at: '2024-01-01T02:00:00+02:00', tags: [], open: false },
  {
    city: null,
    count: 3,
    at: '2024-02-01',
    tags: [null],
    parts: [
      { n: 1, of: 'x' },
      { n: 2, of: 'y' },
    ],
  },
  { count: [4, 5], tags: 'a', parts: [{ n: 2, of: 'x' }] },
]

describe('filters', () => {
  const qdrant = useQdrant()
  let name = ''

  beforeAll(async () => {
    name = qdrant.collection()
    await qdrant.client.createCollection(name, {
      vectors: { first: { size: 1, distance: 'Dot' }, second: { size: 1, distance: 'Dot' } },
    })
    const points = payloads.map((payload, at) => ({
      id: at + 1,
      vector: at % 2 === 0 ? { first: [1] } : { first: [1], second: [2] },
      payload,
    }))
    await qdrant.client.upsert(name, { wait: true, points })
  })

  test.each<[object, number[]]>([
    [{ must: [{ key: 'city', match: { value: 'Berlin' } }] }, [1]],
    [{ must: { key: 'city', match: { any: ['Berlin', 'London', 'Rome'] } } }, [1, 2]],
    [{ must: [{ key: 'city', match: { except: ['Berlin'] } }] }, [2]],
    [{ must: [{ key: 'city', match: { text: 'ond' } }] }, [2]],
    [{ must: [{ key: 'tags', match: { value: 'a' } }] }, [1, 4]],
    [{ must: [{ key: 'open', match: { value: false } }] }, [2]],
    [{ must: [{ key: 'count', match: { value: 1 } }] }, [1]],
    [{ must: [{ key: 'count', range: { gte: 2.5, lt: 5 } }] }, [2, 3, 4]],
    [{ must: [{ key: 'count', range: { gt: 2.5, lte: 3 } }] }, [3]],
    [{ must: [{ key: 'at', range: { gte: '2024-01-01T00:00:00Z', lt: '2024-01-02T00:00:00Z' } }] }, [1, 2]],
    [{ must: [{ key: 'at', range: { gt: '2024-01-31T23:59:59.999999Z' } }] }, [3]],
    [{ must: [{ is_empty: { key: 'city' } }] }, [3, 4]],
    [{ must: [{ is_null: { key: 'city' } }] }, [3]],
    [{ must: [{ is_empty: { key: 'tags' } }] }, [2]],
    [{ must: [{ key: 'tags', is_null: true }] }, [3]],
    [{ must: [{ key: 'city', is_empty: false }] }, [1, 2]],
    [{ must: [{ key: 'tags', values_count: { gte: 1 } }] }, [1, 3, 4]],
    [{ must: [{ has_id: [4, 2, 99] }] }, [2, 4]],
    [{ must: [{ has_vector: 'second' }] }, [2, 4]],
    [{ must_not: [{ has_vector: 'second' }] }, [1, 3]],
    [
      {
        must: [
          { key: 'parts[].n', match: { value: 1 } },
          { key: 'parts[].of', match: { value: 'y' } },
        ],
      },
      [3],
    ],
    [
      {
        must: [
          {
            nested: {
              key: 'parts',
              filter: {
                must: [
                  { key: 'n', match: { value: 1 } },
                  { key: 'of', match: { value: 'y' } },
                ],
              },
            },
          },
        ],
      },
      [],
    ],
    [
      {
        must: [
          {
            nested: {
              key: 'parts',
              filter: {
                must: [
                  { key: 'n', match: { value: 2 } },
                  { key: 'of', match: { value: 'x' } },
                ],
              },
            },
          },
        ],
      },
      [4],
    ],
    [{ must: [{ key: 'parts[0].n', match: { value: 2 } }] }, [4]],
    [{ should: [{ has_id: [1] }, { key: 'count', range: { gt: 4 } }] }, [1, 4]],
    [{ min_should: { conditions: [{ has_id: [1, 2] }, { has_id: [2, 3] }, { has_id: [2, 4] }], min_count: 2 } }, [2]],
    [{ must: [{ should: [{ has_id: [1] }, { has_id: [2] }] }], must_not: [{ has_id: [2] }] }, [1]],
    [{}, [1, 2, 3, 4]],
  ])('%j', async (filter, ids) => {
    const found = await qdrant.client.scroll(name, { filter, with_payload: false })
    expect(found.points.map(({ id }) => id)).toEqual(ids)
    expect(await qdrant.client.count(name, { filter })).toEqual({ count: ids.length })
  })

  test.each([
    [{ musst: [] }, /unknown field `musst`, expected one of/],
    [{ must: [{ key: 'city', match: { value: 1.5 } }] }, /untagged enum Match/],
    [{ must: [{ key: 'city' }] }, /untagged enum Condition/],
    [{ must: [{ has_id: ['x'] }] }, /value x is not a valid point ID/],
  ])('%j is refused', async (filter, error) => {
    const refused = await qdrant.client.scroll(name, { filter: filter as object }).then(
      () => null,
      (cause) => cause,
    )
    expect(refused).toMatchObject({ status: 400, data: { status: { error: expect.stringMatching(error) } } })
  })

  test('choose what is deleted', async () => {
    const { client } = qdrant
    const other = qdrant.collection()
    await client.createCollection(other, { vectors: { size: 1, distance: 'Dot' } })
    const points = [1, 2, 3].map((id) => ({ id, vector: [id], payload: { id } }))
    await client.upsert(other, { wait: true, points })
    await client.delete(other, { wait: true, filter: { must: [{ key: 'id', range: { gte: 2 } }] } })
    expect((await client.scroll(other, {})).points).toMatchObject([{ id: 1 }])
  })
})
