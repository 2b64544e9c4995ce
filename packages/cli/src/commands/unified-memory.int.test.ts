import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { startQdrantServer } from '@drover-internal/qdrant-server'
import { useQdrant } from '@drover-internal/qdrant-server/vitest'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { fillPostgresCheckpoints, fillSqliteHistory, messages } from '../testing/agent-stores.js'
import { drover, events } from '../testing/command.js'
import { useFolder } from '../testing/test-folder.js'

const folder = useFolder()
const qdrant = useQdrant()
beforeAll(() => {
  process.chdir(folder.path)
  fillSqliteHistory('history.db')
  folder.write('embed.ts', 'export const embed = (texts: string[]) => texts.map(() => [1, 2, 3])\n')
})

const run = (destination: object, ...more: string[]): string[] => [
  ...['run', '--source', 'sqlite', '--source-config', '{"connection_string": "sqlite:///history.db"}'],
  ...['--destination', 'unified', '--dest-config', JSON.stringify(destination), ...more],
]
const place = (collection: string): object => ({
  qdrant_url: qdrant.url,
  collection,
  ...(qdrant.apiKey === undefined ? {} : { api_key: qdrant.apiKey }),
})

describe('vectors for unified memory', () => {
  let server: Server
  let answers: (input: readonly string[], nth: number) => { readonly status: number; readonly body: object }
  let calls: number
  /** So many calls are never answered. */
  let hanging: number
  const good = (input: readonly string[], dimensions = 1536) => ({
    status: 200,
    body: { data: input.map((_, index) => ({ index, embedding: Array(dimensions).fill(0.5) })) },
  })
  beforeAll(async () => {
    server = createServer(async (request, response) => {
      if (++calls <= hanging) return
      let text = ''
      for await (const chunk of request) text += String(chunk)
      const { status, body } = answers((JSON.parse(text) as { input: string[] }).input, calls)
      response.writeHead(status, { 'content-type': 'application/json', 'retry-after': '0' })
      response.end(JSON.stringify(body))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  afterAll(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  beforeEach(() => {
    calls = 0
    hanging = 0
    answers = (input) => good(input)
  })
  const env = () => ({
    OPENAI_API_KEY: 'hunter2',
    OPENAI_BASE_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
  })

  test('come from the endpoint, which a dry run does not ask', async () => {
    const collection = qdrant.collection()
    const args = run({ ...place(collection), embedding_model: 'text-embedding-ada-002' })
    const dry = await drover([...args, '--dry-run', '--json'], env())
    expect(events(dry.stdout)).toEqual([
      expect.objectContaining({
        event: 'dry-run',
        total: { value: messages.length, exact: true },
        sample: expect.objectContaining({ rejected: 0 }),
        connectivity: { source: true, destination: true },
        estimatedTime: expect.anything(),
        issues: [],
      }),
    ])
    expect([dry.code, calls]).toEqual([0, 0])
    expect((await qdrant.client.collectionExists(collection)).exists).toBe(false)
    expect(await drover(args, env())).toMatchObject({ code: 0 })
    expect(calls).toBeGreaterThan(0)
    const { points } = await qdrant.client.scroll(collection, { with_vector: true, limit: 1 })
    expect(points[0]?.vector).toHaveLength(1536)
  })

  test('come from a function of your own', async () => {
    const collection = qdrant.collection()
    const args = run({ ...place(collection), embedder: './embed.ts#embed', dimensions: 3 })
    expect(await drover(args)).toMatchObject({ code: 0 })
    expect((await qdrant.client.count(collection, { exact: true })).count).toBe(messages.length)
  })

  test('need a key, before anything is opened', async () => {
    const nowhere = { qdrant_url: 'http://127.0.0.1:1', collection: 'c', embedding_model: 'text-embedding-ada-002' }
    for (const more of [[], ['--dry-run']]) {
      const { code, stderr } = await drover(run(nowhere, ...more), { OPENAI_API_KEY: '' })
      expect([code, stderr]).toEqual([
        2,
        expect.stringMatching(/OPTION_INVALID: --destination.*OPENAI_API_KEY is not set/),
      ])
    }
    folder.write('keys.env', 'OPENAI_API_KEY=hunter2\n')
    const withFile = await drover(run(nowhere, '--env-file', 'keys.env', '--dry-run'), { OPENAI_API_KEY: undefined })
    expect(withFile.code).toBe(1)
    expect(withFile.stdout + withFile.stderr).not.toContain('hunter2')
  })

  test('of a model that is not known need dimensions', async () => {
    const { code, stderr } = await drover(run({ ...place('c'), embedding_model: 'mine' }), env())
    expect([code, stderr]).toEqual([2, expect.stringContaining('how long are the vectors of mine?')])
  })

  test('wait for an endpoint that is too busy', async () => {
    answers = (input, nth) => (nth < 3 ? { status: 429, body: { error: { message: 'slow down' } } } : good(input))
    const collection = qdrant.collection()
    expect(await drover(run({ ...place(collection), embedding_model: 'text-embedding-3-small' }), env())).toMatchObject(
      { code: 0 },
    )
    expect((await qdrant.client.count(collection, { exact: true })).count).toBe(messages.length)
  })

  test('are asked for again where the endpoint hangs, after the time that the configuration gives it', async () => {
    hanging = 2
    const collection = qdrant.collection()
    const asked = { ...place(collection), embedding_model: 'text-embedding-3-small', embedding_timeout: 0.2 }
    const { code, stderr } = await drover([...run(asked), '--json'], env())
    expect([code, stderr]).toEqual([0, ''])
    expect(calls).toBe(3)
    expect((await qdrant.client.count(collection, { exact: true })).count).toBe(messages.length)
  })

  test('that never come end the run, which says how long it has waited, and can be gone on with', async () => {
    const collection = qdrant.collection()
    const written = (base: string): string =>
      `name: ${base}\nsource: { type: checkpoints, store: sqlite, filename: history.db }\nsink: { type: checkpoints, store: qdrant, url: "${qdrant.url}", collection: ${collection}, embeddingModel: text-embedding-3-small, embedding: { timeoutMs: 100, maxRetries: 0 } }\nmaxRetries: 0\n`
    folder.write('hangs.yaml', written('hangs'))
    hanging = Number.POSITIVE_INFINITY
    const { code, stderr } = await drover(['run', 'hangs.yaml'], env())
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/STORE_UNAVAILABLE: .*embed did not answer within 100 ms\. Check that the service works/),
    ])
    expect(stderr).toContain('go on with: drover run hangs.yaml')
    expect((await qdrant.client.count(collection, { exact: true })).count).toBe(0)
    const nobody = await drover(['run', 'hangs.yaml'], { ...env(), OPENAI_BASE_URL: 'http://127.0.0.1:1/v1' })
    expect([nobody.code, nobody.stderr]).toEqual([
      1,
      expect.stringMatching(/STORE_UNAVAILABLE: 127\.0\.0\.1:1\/v1\/embeddings cannot be reached/),
    ])
    hanging = 0
    expect(await drover(['run', 'hangs.yaml'], env())).toMatchObject({ code: 0 })
  })

  test.each([
    [
      'refuses the key',
      { status: 401, body: { error: { message: 'Incorrect API key provided: hunter2' } } },
      /STORE_DENIED: /,
    ],
    ['answers with another dimension', good(['x'], 7), /SINK_NOT_READY|CONTRACT_BROKEN/],
  ])('end the run where the endpoint %s', async (_, answer, said) => {
    answers = (input) => (answer.status === 200 ? good(input, 7) : answer)
    const { code, stdout, stderr } = await drover(
      run({ ...place(qdrant.collection()), embedding_model: 'text-embedding-3-large' }),
      env(),
    )
    expect([code, stderr]).toEqual([1, expect.stringMatching(said)])
    expect(stdout + stderr).not.toContain('hunter2')
  })
})

describe('unified memory that is not as it should be', () => {
  test('of another dimension is refused, with both', async () => {
    const collection = qdrant.collection()
    await qdrant.client.createCollection(collection, { vectors: { size: 5, distance: 'Cosine' } })
    const { code, stderr } = await drover(run(place(collection)))
    expect([code, stderr]).toEqual([1, expect.stringMatching(/SINK_NOT_READY: .*5/)])
  })

  test('that is not there, and whose key is another one', async () => {
    await using server = await startQdrantServer({ apiKey: 'hunter2' })
    for (const [key, said] of [
      ['hunter2', /SOURCE_NOT_FOUND: .*"nope"/],
      ['hunter3', /STORE_DENIED: /],
    ] as const) {
      const from = JSON.stringify({ qdrant_url: server.url, api_key: key, collection: 'nope' })
      const into = ['--destination', 'json', '--dest-config', '{"output_dir": "none"}']
      const { code, stdout, stderr } = await drover(['run', '--source', 'unified', '--source-config', from, ...into])
      expect([code, stderr]).toEqual([1, expect.stringMatching(said)])
      expect(stdout + stderr).not.toMatch(/hunter[23]/)
    }
  })
})

describePostgres('a store of LangGraph at another migration', () => {
  const database = useDatabase()

  test.each([
    ['older', 'DELETE FROM checkpoint_migrations WHERE v > 3; ALTER TABLE checkpoint_writes DROP COLUMN task_path'],
    ['newer', 'INSERT INTO checkpoint_migrations VALUES (40)'],
  ])('is refused: %s', async (_, change) => {
    await database.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public')
    await fillPostgresCheckpoints(database)
    await database.query(change)
    const { code, stderr } = await drover([
      ...['run', '--source', 'postgresql', '--source-config', JSON.stringify({ connection_string: database.url })],
      ...['--destination', 'json', '--dest-config', '{"output_dir": "none"}'],
    ])
    expect([code, stderr]).toEqual([1, expect.stringMatching(/SOURCE_INVALID: .*migration/)])
  })
})
