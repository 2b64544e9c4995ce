import { afterEach, describe, expect, it, vi } from 'vitest'
import { openAiEmbedder } from './open-ai-embedder.js'
import { answer, type EmbeddingServer, embeddingServer, vectorOf } from './testing/embedding-server.js'

const apiKey = 'sk-not-a-real-key'
const { signal } = new AbortController()

afterEach(() => {
  vi.unstubAllEnvs()
})

const embedder = ({ baseUrl }: EmbeddingServer) => openAiEmbedder({ model: 'm', apiKey, baseUrl })
const failure = (call: unknown) => Promise.resolve(call).catch((error: unknown) => error)

describe('openAiEmbedder', () => {
  it('gives vectors in the order of the texts, whatever order they came in', async () => {
    await using server = await embeddingServer()
    expect(await embedder(server)(['a', 'bcd'], { signal })).toEqual([vectorOf('a'), vectorOf('bcd')])
    expect(server.requests).toEqual([
      { model: 'm', input: ['a', 'bcd'], encoding_format: 'float', authorization: `Bearer ${apiKey}` },
    ])
  })

  it('takes key and address from the environment, and asks for the size it is told', async () => {
    await using server = await embeddingServer()
    vi.stubEnv('OPENAI_API_KEY', 'sk-env')
    vi.stubEnv('OPENAI_BASE_URL', `${server.baseUrl}/`)
    const embed = openAiEmbedder({ model: 'm', dimensions: 2 })
    expect([embed.model, embed.dimensions]).toEqual(['m', 2])
    expect(await embed(['a'], { signal })).toEqual([vectorOf('a', 2)])
    expect(server.requests[0]).toMatchObject({ dimensions: 2, authorization: 'Bearer sk-env' })
  })

  it.each([
    ['no key', { model: 'm', apiKey: undefined }, /OPENAI_API_KEY/],
    ['a key with a line break', { model: 'm', apiKey: 'sk-secret\n' }, /apiKey holds/],
    ['an address that is none', { model: 'm', apiKey, baseUrl: 'sk-hunter2' }, /baseUrl .*is no URL/],
    ['an address of another protocol', { model: 'm', apiKey, baseUrl: 'hunter2:1234' }, /baseUrl .*neither http/],
    ['an address with a password', { model: 'm', apiKey, baseUrl: 'http://u:hunter2@h/v1' }, /baseUrl/],
    ['no model', { model: '', apiKey }, /model/],
    ['an option that does not exist', { model: 'm', apiKey, dimension: 4 }, /did you mean "dimensions"/],
  ])('refuses %s when it is made', (_, options, message) => {
    vi.stubEnv('OPENAI_API_KEY', '')
    const make = () => openAiEmbedder(options)
    expect(make).toThrow(expect.objectContaining({ code: 'OPTION_INVALID', message: expect.stringMatching(message) }))
    expect(make).not.toThrow(/secret|hunter2/)
  })

  it.each([
    [
      401,
      { error: { message: `Incorrect API key provided: ${apiKey}. Yours: sk-no****-key.` } },
      'STORE_DENIED',
      false,
    ],
    [429, { error: { message: 'Too many', code: 'rate_limit_exceeded' } }, 'STORE_BUSY', true],
    [429, { error: { message: 'You exceeded your quota', code: 'insufficient_quota' } }, 'STORE_DENIED', false],
    [404, { error: { message: 'The model `m` does not exist' } }, 'OPTION_INVALID', false],
    [400, { error: { message: 'maximum context length is 8192 tokens' } }, 'RECORD_REFUSED', false],
    [500, '<html>Bad gateway</html>', 'STORE_UNAVAILABLE', true],
    [200, '<html>Sign in</html>', 'STORE_UNAVAILABLE', true],
    [200, { ok: true }, 'STORE_UNAVAILABLE', true],
    [200, { data: [{ index: 0, embedding: 'AAAA' }] }, 'STORE_UNAVAILABLE', true],
    [200, { data: [{ index: 7, embedding: [1] }] }, 'STORE_UNAVAILABLE', true],
    [200, { data: [] }, 'CONTRACT_BROKEN', false],
  ])('says what an answer of %i means: %j', async (status, body, code, isRetryable) => {
    await using server = await embeddingServer((_, response) => answer(response, status, body))
    const error = await failure(embedder(server)(['a'], { signal }))
    expect(error).toMatchObject({ code, isRetryable })
    expect((error as Error).message).not.toMatch(/sk-/)
  })

  it.each([
    [{ 'retry-after': '2' }, 2000],
    [{ 'retry-after': '2', 'retry-after-ms': '150' }, 150],
  ])('tells how long the service asks to wait: %j', async (headers, retryAfterMs) => {
    await using server = await embeddingServer((_, response) => answer(response, 429, {}, headers))
    expect(await failure(embedder(server)(['a'], { signal }))).toMatchObject({ code: 'STORE_BUSY', retryAfterMs })
  })

  it('cannot reach a service that is not there', async () => {
    const server = await embeddingServer()
    await server[Symbol.asyncDispose]()
    expect(await failure(embedder(server)(['a'], { signal }))).toMatchObject({
      code: 'STORE_UNAVAILABLE',
      isRetryable: true,
      message: expect.stringContaining('ECONNREFUSED'),
    })
  })

  it('gives up when it is told to', async () => {
    const giveUp = new AbortController()
    await using server = await embeddingServer(() => giveUp.abort(new Error('enough')))
    expect(await failure(embedder(server)(['a'], giveUp))).toMatchObject({ message: 'enough' })
  })
})
