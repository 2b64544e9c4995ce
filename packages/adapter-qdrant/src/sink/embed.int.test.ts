import { DroverError, type Row } from '@drover/core'
import { useQdrant } from '@drover-internal/qdrant-server/vitest'
import { describe, expect, it } from 'vitest'
import type { Embedder } from '../embed/embedder.js'
import { openAiEmbedder } from '../embed/open-ai-embedder.js'
import { answer, answerWell, embeddingServer, vectorOf } from '../embed/testing/embedding-server.js'
import { failure, pointsOf, run, sinkOf } from './testing/sink-run.js'

const create = { vectors: { size: 4, distance: 'Dot' } } as const
const record = (id: number, text: unknown = `text ${id}`): Row => ({ id, text })
const records = Array.from({ length: 25 }, (_, id) => record(id))

describe('a sink that embeds', () => {
  const qdrant = useQdrant()

  it('gives each record the vector of its own text, by a service that is asked too often at first', async () => {
    await using server = await embeddingServer((request, response, nth) => {
      if (nth === 1) answer(response, 429, {}, { 'retry-after-ms': '5' })
      else answerWell(request, response)
    })
    const collection = qdrant.collection()
    const embed = openAiEmbedder({ model: 'm', apiKey: 'sk-k', baseUrl: server.baseUrl })
    const options = {
      create,
      id: 'record',
      embed,
      embedText: 'text',
      embedding: { batchSize: 10, concurrency: 2 },
    } as const
    const report = await run(records, sinkOf(qdrant, collection, options))
    expect(await pointsOf(qdrant, collection)).toMatchObject(
      records.map(({ id, text }) => ({ id, vector: vectorOf(String(text)) })),
    )
    expect(server.requests.map(({ input }) => input.length).sort()).toEqual([10, 10, 10, 5])
    expect(report.account?.figures).toMatchObject({ embedded: 25, embedCalls: 4, embedRetries: 1 })
  })

  it('takes the vector of a record that brings one', async () => {
    const collection = qdrant.collection()
    const asked: string[] = []
    const embed: Embedder = (texts) => {
      asked.push(...texts)
      return texts.map((text) => vectorOf(text))
    }
    const v = Float32Array.of(9, 9, 9, 9)
    await run(
      [
        { ...record(1), v },
        { ...record(2), v: null },
      ],
      sinkOf(qdrant, collection, { create, id: 'record', vector: 'v', embed, embedText: ({ text }) => `${text}!` }),
    )
    expect(asked).toEqual(['text 2!'])
    expect((await pointsOf(qdrant, collection)).map(({ vector }) => vector)).toEqual([
      [9, 9, 9, 9],
      vectorOf('text 2!'),
    ])
  })

  it('embeds one of several vectors', async () => {
    const collection = qdrant.collection()
    const embed: Embedder = (texts) => texts.map((text) => vectorOf(text))
    const several = { vectors: { a: { size: 4, distance: 'Dot' }, b: { size: 2, distance: 'Dot' } } } as const
    const options = { create: several, id: 'record', embed, embedText: 'text' } as const
    expect(await failure(run(records, sinkOf(qdrant, collection, options)))).toMatchObject({
      code: 'SINK_NOT_READY',
      message: expect.stringContaining('embedVector'),
    })
    await run(records.slice(0, 1), sinkOf(qdrant, collection, { ...options, embedVector: 'a' }))
    expect((await pointsOf(qdrant, collection))[0]?.vector).toEqual({ a: vectorOf('text 0') })
  })

  it.each([[null], [''], ['  \n'], [7]])('refuses a record whose text is %j', async (text) => {
    const collection = qdrant.collection()
    const embed: Embedder = (texts) => texts.map((one) => vectorOf(one))
    const report = await run(
      [record(1), record(2, text)],
      sinkOf(qdrant, collection, { create, embed, embedText: 'text' }),
      { maxRejected: 1 },
    )
    expect(report.rejected).toMatchObject([{ key: [2], code: 'RECORD_REFUSED' }])
  })

  it('rejects the records whose texts the service will not take, and sends the others once', async () => {
    const collection = qdrant.collection()
    const sent = new Map<string, number>()
    const embed: Embedder = (texts) => {
      for (const text of texts) sent.set(text, (sent.get(text) ?? 0) + 1)
      if (texts.some((text) => text.startsWith('text 1'))) throw new DroverError('RECORD_REFUSED', 'too long')
      return texts.map((text) => vectorOf(text))
    }
    const report = await run(records, sinkOf(qdrant, collection, { create, id: 'record', embed, embedText: 'text' }), {
      maxRejected: 20,
    })
    expect(report.counts).toMatchObject({ written: 14, rejected: 11 })
    expect(await pointsOf(qdrant, collection)).toHaveLength(14)
  })

  it('writes nothing if the service refuses the key, is asked for another model, or gives another size', async () => {
    for (const [answering, code, message] of [
      [
        (_: unknown, response: never) => answer(response, 401, { error: { message: 'bad key sk-k' } }),
        'STORE_DENIED',
        /refuses the key/,
      ],
      [
        (request: never, response: never) => answerWell({ ...(request as object), dimensions: 3 } as never, response),
        'SINK_NOT_READY',
        /of 4 numbers, and a vector that embed made has 3/,
      ],
      [
        (_: unknown, response: never) => answer(response, 200, { data: [] }),
        'CONTRACT_BROKEN',
        /answered with 0 vectors/,
      ],
    ] as const) {
      await using server = await embeddingServer(answering as never)
      const collection = qdrant.collection()
      const embed = openAiEmbedder({ model: 'm', apiKey: 'sk-k', baseUrl: server.baseUrl })
      const error = await failure(run(records, sinkOf(qdrant, collection, { create, embed, embedText: 'text' })))
      expect(error).toMatchObject({ code, message: expect.stringMatching(message) })
      expect((error as Error).message).not.toContain('sk-k')
      expect((await qdrant.client.count(collection)).count).toBe(0)
    }
  })
})
