import { describe, expect, test } from 'vitest'
import { useQdrant } from './vitest.js'

const uuid = '0a000000-0000-4000-8000-00000000000f'

async function refusal(answer: Promise<unknown>): Promise<{ status: number; error: string }> {
  const error: unknown = await answer.then(
    () => null,
    (cause) => cause,
  )
  const { status, data } = error as { status: number; data: { status: { error: string } } }
  return { status, error: data.status.error }
}

describe('points', () => {
  const qdrant = useQdrant()

  async function created(settings: object = { vectors: { size: 2, distance: 'Dot' } }): Promise<string> {
    const name = qdrant.collection()
    await qdrant.client.createCollection(name, settings)
    return name
  }

  /** As bytes, for numbers that JavaScript's JSON would round. */
  async function raw(method: string, path: string, body?: string): Promise<string> {
    const headers = { 'content-type': 'application/json', ...(qdrant.apiKey ? { 'api-key': qdrant.apiKey } : {}) }
    const answer = await fetch(`${qdrant.url}/collections/${path}`, { method, headers, ...(body ? { body } : {}) })
    return await answer.text()
  }

  test('come in the order of ids: numbers, then UUIDs', async () => {
    const { client } = qdrant
    const name = await created()
    await client.upsert(name, {
      wait: true,
      points: [
        { id: uuid, vector: [0.5, 0.25], payload: { text: 'c' } },
        { id: 10, vector: [0.1, 1e-7], payload: { text: 'b' } },
        { id: 2, vector: [3, -4.5], payload: null },
      ],
    })
    expect(await client.scroll(name, { limit: 2, with_vector: true })).toEqual({
      points: [
        { id: 2, payload: {}, vector: [3, -4.5] },
        { id: 10, payload: { text: 'b' }, vector: [0.1, 1e-7] },
      ],
      next_page_offset: uuid,
    })
    const rest = await client.scroll(name, { offset: uuid })
    expect(rest).toEqual({ points: [{ id: uuid, payload: { text: 'c' } }], next_page_offset: null })
    await client.delete(name, { wait: true, points: [10] })
    await client.upsert(name, { wait: true, points: [{ id: 7, vector: [1, 1] }] })
    const ids = (await client.scroll(name, { with_payload: false })).points.map(({ id }) => id)
    expect(ids).toEqual([2, 7, uuid])
    expect(await client.retrieve(name, { ids: [10, 7, 2, 7] })).toMatchObject([{ id: 7 }, { id: 2 }])
  })

  test('keep ids of 64 bits and floats of payloads to the digit', async () => {
    const name = await created()
    const points = '[{"id":18446744073709551615,"vector":[1,2],"payload":{"a":9007199254740993,"b":1.0,"c":-1}}]'
    expect(await raw('PUT', `${name}/points?wait=true`, `{"points":${points}}`)).toContain('"completed"')
    const answer = await raw('POST', `${name}/points/scroll`, '{"offset":9007199254740993}')
    expect(answer).toContain('{"id":18446744073709551615,"payload":{"a":9007199254740993,"b":1.0,"c":-1}}')
    expect(await raw('GET', `${name}/points/18446744073709551615`)).toContain('"vector":[1.0,2.0]')
    // 9007199254740993 is 9007199254740992 as a double.
    expect(
      await raw('POST', `${name}/points/count`, '{"filter":{"must":{"key":"a","match":{"value":9007199254740992}}}}'),
    ).toContain('"count":0')
  })

  test('have UUIDs in one form, however they were sent', async () => {
    const { client } = qdrant
    const name = await created()
    for (const id of [uuid.toUpperCase(), uuid.replaceAll('-', ''), `urn:uuid:${uuid}`, uuid]) {
      await client.upsert(name, { wait: true, points: [{ id, vector: [1, 2] }] })
    }
    expect((await client.scroll(name, {})).points).toEqual([{ id: uuid, payload: {} }])
  })

  test('are replaced whole by an upsert', async () => {
    const { client } = qdrant
    const name = await created({ vectors: { a: { size: 1, distance: 'Dot' }, b: { size: 1, distance: 'Dot' } } })
    await client.upsert(name, { wait: true, points: [{ id: 1, vector: { a: [1], b: [2] }, payload: { x: 1 } }] })
    await client.upsert(name, { wait: true, points: [{ id: 1, vector: { b: [3] } }] })
    expect((await client.scroll(name, { with_vector: true })).points).toEqual([
      { id: 1, payload: {}, vector: { b: [3] } },
    ])
  })

  test('come as columns too', async () => {
    const { client } = qdrant
    const name = await created()
    const batch = {
      ids: [1, 2],
      vectors: [
        [1, 2],
        [3, 4],
      ],
      payloads: [{ n: 1 }, null],
    }
    await client.upsert(name, { wait: true, batch })
    expect((await client.scroll(name, { with_vector: true })).points).toEqual([
      { id: 1, payload: { n: 1 }, vector: [1, 2] },
      { id: 2, payload: {}, vector: [3, 4] },
    ])
    expect(
      await refusal(
        client.upsert(name, {
          wait: true,
          batch: {
            ids: [1],
            vectors: [
              [1, 2],
              [3, 4],
            ],
          },
        }),
      ),
    ).toEqual({
      status: 422,
      error: 'Validation error in JSON body: [batch: number of ids and vectors must be equal (1 != 2)]',
    })
  })

  test('hold sparse vectors and several in one, beside dense ones', async () => {
    const { client } = qdrant
    const name = await created({
      vectors: {
        dense: { size: 2, distance: 'Euclid' },
        many: { size: 2, distance: 'Dot', multivector_config: { comparator: 'max_sim' } },
      },
      sparse_vectors: { words: {} },
    })
    const words = { indices: [7, 3], values: [0.5, 0.25] }
    await client.upsert(name, {
      wait: true,
      points: [
        {
          id: 1,
          vector: {
            dense: [1, 2],
            many: [
              [1, 2],
              [3, 4],
            ],
            words,
          },
        },
      ],
    })
    const vector = {
      dense: [1, 2],
      many: [
        [1, 2],
        [3, 4],
      ],
      words: { indices: [3, 7], values: [0.25, 0.5] },
    }
    expect((await client.scroll(name, { with_vector: true })).points[0]?.vector).toEqual(vector)
    expect((await client.scroll(name, { with_vector: ['words'] })).points[0]?.vector).toEqual({ words: vector.words })
    const hits = await client.query(name, { query: { indices: [3], values: [2] }, using: 'words' })
    expect(hits.points).toMatchObject([{ id: 1, score: 0.5 }])
    const twice = { indices: [1, 1], values: [1, 2] }
    expect(
      await refusal(client.upsert(name, { wait: true, points: [{ id: 2, vector: { words: twice } }] })),
    ).toMatchObject({
      status: 422,
      error: expect.stringContaining('indices: must be unique'),
    })
  })

  test('under cosine have vectors of length one', async () => {
    const { client } = qdrant
    const name = await created({ vectors: { size: 2, distance: 'Cosine' } })
    await client.upsert(name, {
      wait: true,
      points: [
        { id: 1, vector: [3, 4] },
        { id: 2, vector: [0, 0] },
      ],
    })
    const vectors = (await client.scroll(name, { with_vector: true })).points.map(({ vector }) => vector)
    expect(vectors).toEqual([
      [0.6, 0.8],
      [0, 0],
    ])
    expect((await client.query(name, { query: [6, 8], limit: 1 })).points).toMatchObject([{ id: 1, score: 1 }])
  })

  test.each([
    [{ id: 1, vector: [1, 2, 3] }, 'Wrong input: Vector dimension error: expected dim: 2, got 3'],
    [{ id: 1, vector: { nope: [1, 2] } }, 'Wrong input: Not existing vector name error: nope'],
    [
      { id: 'x', vector: [1, 2] },
      'Format error in JSON body: value x is not a valid point ID, valid values are either an unsigned integer or a UUID',
    ],
    [
      { id: -1, vector: [1, 2] },
      'Format error in JSON body: value -1 is not a valid point ID, valid values are either an unsigned integer or a UUID',
    ],
    [
      { id: 1, vector: [Number.NaN, 2] },
      'Format error in JSON body: data did not match any variant of untagged enum VectorStruct',
    ],
    [
      { id: 1, vector: null },
      'Format error in JSON body: data did not match any variant of untagged enum VectorStruct',
    ],
  ])('%o is refused', async (point, error) => {
    const name = await created()
    const points = [point] as unknown as [{ id: number; vector: number[] }]
    expect(await refusal(qdrant.client.upsert(name, { wait: true, points }))).toEqual({ status: 400, error })
    expect(await qdrant.client.count(name)).toEqual({ count: 0 })
  })

  test('that are written without wait are acknowledged, and seen later', async () => {
    const { client } = qdrant
    const name = await created()
    const answer = await client.upsert(name, { wait: false, points: [{ id: 1, vector: [1, 2] }] })
    expect(answer.status).toBe('acknowledged')
    // One that is wrong is acknowledged too.
    const wrong = await client.upsert(name, { wait: false, points: [{ id: 2, vector: [1] }] })
    expect(wrong.status).toBe('acknowledged')
    await expect.poll(async () => (await client.count(name)).count).toBe(1)
  })

  test('are found by the vector that is nearest', async () => {
    const { client } = qdrant
    const name = await created({ vectors: { size: 2, distance: 'Euclid' } })
    const points = [0, 1, 2, 3].map((id) => ({ id, vector: [id, 0], payload: { id } }))
    await client.upsert(name, { wait: true, points })
    const filter = { must_not: [{ has_id: [2] }] }
    const { points: hits } = await client.query(name, { query: [2.4, 0], limit: 2, filter, with_payload: true })
    expect(hits.map(({ id, score }) => [id, Math.round(score * 10)])).toEqual([
      [3, 6],
      [1, 14],
    ])
    expect((await client.query(name, { query: 0, limit: 1 })).points).toMatchObject([{ id: 1, score: 1 }])
  })

  test('change their payload and vectors in place', async () => {
    const { client } = qdrant
    const name = await created({ vectors: { a: { size: 1, distance: 'Dot' }, b: { size: 1, distance: 'Dot' } } })
    const points = [1, 2].map((id) => ({ id, vector: { a: [1] }, payload: { kept: 1, deep: { x: 1 } } }))
    await client.upsert(name, { wait: true, points })
    await client.setPayload(name, { wait: true, points: [1], payload: { y: 2 }, key: 'deep' })
    await client.setPayload(name, {
      wait: true,
      filter: { must: [{ has_id: [2] }] },
      payload: { kept: null, more: [] },
    })
    await client.deletePayload(name, { wait: true, points: [1], keys: ['deep.x'] })
    await client.updateVectors(name, { wait: true, points: [{ id: 1, vector: { b: [5] } }] })
    await client.deleteVectors(name, { wait: true, points: [2], vector: ['a'] })
    expect((await client.scroll(name, { with_vector: true })).points).toEqual([
      { id: 1, payload: { kept: 1, deep: { y: 2 } }, vector: { a: [1], b: [5] } },
      { id: 2, payload: { deep: { x: 1 }, more: [] }, vector: {} },
    ])
    await client.overwritePayload(name, { wait: true, points: [1], payload: { z: 1 } })
    await client.clearPayload(name, { wait: true, points: [2] })
    expect((await client.scroll(name, {})).points.map(({ payload }) => payload)).toEqual([{ z: 1 }, {}])
    expect(await refusal(client.setPayload(name, { wait: true, points: [9], payload: {} }))).toEqual({
      status: 404,
      error: 'Not found: No point with id 9 found',
    })
  })

  test('are selected by what of their payload is wanted', async () => {
    const { client } = qdrant
    const name = await created()
    const payload = { a: { b: 1, c: 2 }, list: [{ x: 1, y: 2 }], z: 3 }
    await client.upsert(name, { wait: true, points: [{ id: 1, vector: [1, 2], payload }] })
    const selected = async (with_payload: string[] | { exclude: string[] }) =>
      (await client.scroll(name, { with_payload })).points[0]?.payload
    expect(await selected(['a.b', 'list[].y'])).toEqual({ a: { b: 1 }, list: [{ y: 2 }] })
    expect(await selected({ exclude: ['a.b', 'z'] })).toEqual({ a: { c: 2 }, list: [{ x: 1, y: 2 }] })
  })
})
