import { QdrantClient } from '@qdrant/js-client-rest'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { checkLocation, locationName, type QdrantLocation, resolveLocation } from './qdrant-location.js'

afterEach(() => vi.unstubAllEnvs())

function resolve(location: QdrantLocation): ReturnType<typeof resolveLocation> {
  return resolveLocation('qdrantSink', location)
}

describe('a location', () => {
  it.each([
    ['http://localhost:6333', 'http://localhost:6333', '', 'localhost:6333'],
    ['http://localhost', 'http://localhost:6333', '', 'localhost:6333'],
    ['https://vectors.example.org', 'https://vectors.example.org:6333', '', 'vectors.example.org:6333'],
    ['https://vectors.example.org:443', 'https://vectors.example.org:443', '', 'vectors.example.org:443'],
    ['http://vectors.example.org:80/', 'http://vectors.example.org:80', '', 'vectors.example.org:80'],
    ['http://proxy:8080/stores/qdrant/', 'http://proxy:8080', '/stores/qdrant', 'proxy:8080/stores/qdrant'],
    ['http://[::1]:7000', 'http://[::1]:7000', '', '[::1]:7000'],
    ['HTTP://Host:1', 'http://host:1', '', 'host:1'],
  ])('%s has an origin, a prefix and a name', (url, origin, prefix, name) => {
    expect(resolve({ url })).toMatchObject({ origin, prefix, name, headers: {} })
  })

  it('is that of the environment where none is given, else of this machine', () => {
    vi.stubEnv('QDRANT_URL', '')
    vi.stubEnv('QDRANT_API_KEY', '')
    expect(resolve({})).toMatchObject({ origin: 'http://localhost:6333', headers: {} })
    vi.stubEnv('QDRANT_URL', 'https://there:1')
    vi.stubEnv('QDRANT_API_KEY', 'from-outside')
    expect(resolve({})).toMatchObject({ origin: 'https://there:1', headers: { 'api-key': 'from-outside' } })
    expect(resolve({ url: 'http://here:2', apiKey: 'mine' })).toMatchObject({
      origin: 'http://here:2',
      headers: { 'api-key': 'mine' },
    })
  })

  it('brings user and password of the URL, and never names them', () => {
    const location = { url: 'http://us%40er:pa%2Fss@host:1', apiKey: 'secret-key' }
    expect(resolve(location).headers).toEqual({
      authorization: `Basic ${Buffer.from('us@er:pa/ss').toString('base64')}`,
      'api-key': 'secret-key',
    })
    expect(locationName(location)).toBe('host:1')
  })

  it.each([
    ['http://localhost:1', false],
    ['http://127.0.0.1:1', false],
    ['http://[::1]:1', false],
    ['http://vectors.example.org', true],
    ['http://10.0.0.1', true],
    ['https://vectors.example.org', false],
  ])('%s can be listened to: %s', (url, isOpen) => {
    expect(resolve({ url }).isOpen).toBe(isOpen)
  })

  it.each<[object, string]>([
    [{ url: 'localhost:6333' }, 'url is no URL'],
    [{ url: 'grpc://localhost:6334' }, 'url begins with grpc://'],
    [{ url: 'http://user:pa/ss@host' }, 'url cannot be read'],
    [{ url: 'http://user:p%zz@host' }, 'url cannot be read: a % in a user name or password'],
    [{ url: 'http://host?api-key=hidden' }, 'url has a query'],
    [{ url: 'http://host:99999' }, 'url cannot be read'],
    [{ url: '' }, 'url is a text that is not empty'],
    [{ apiKey: '' }, 'apiKey is a text that is not empty'],
    [{ apiKey: 'hidden\n' }, 'apiKey holds a blank, a line break'],
    [{ timeoutMs: 0 }, 'timeoutMs is a whole number of at least 1'],
    [{ client: {} }, 'client is no QdrantClient'],
    [{ client: { api: () => ({}) } }, 'client is no QdrantClient'],
  ])('%j is refused, without what it holds', (location, said) => {
    expect(() => checkLocation('qdrantSink', location)).toThrow(
      expect.objectContaining({ code: 'OPTION_INVALID', message: expect.stringContaining(`qdrantSink: ${said}`) }),
    )
    expect(() => checkLocation('qdrantSink', location)).not.toThrow(/hidden|pa\/ss|p%zz/)
  })
})

describe('a client of the application', () => {
  it('gives its address and the headers that it sends, and sends nothing', async () => {
    const client = new QdrantClient({
      url: 'https://vectors.example.org',
      apiKey: 'the-key',
      headers: { 'x-team': 'search' },
      checkCompatibility: false,
    })
    const { origin, headers, name } = resolve({ client })
    expect([origin, name]).toEqual(['https://vectors.example.org:6333', 'vectors.example.org:6333'])
    // The host does not exist: had something been sent, this would fail.
    expect(await (headers as () => Promise<object>)()).toEqual({ 'api-key': 'the-key', 'x-team': 'search' })
  })

  it('may have a prefix', () => {
    const client = new QdrantClient({ host: 'proxy', port: 80, prefix: 'stores/qdrant', checkCompatibility: false })
    expect(resolve({ client })).toMatchObject({ origin: 'http://proxy:80', prefix: '/stores/qdrant' })
  })

  it('stands alone', () => {
    const client = new QdrantClient({ checkCompatibility: false })
    expect(() => resolve({ client, apiKey: 'a' })).toThrow('give either client, or url and apiKey')
  })

  it('whose headers cannot be learned is refused', async () => {
    const client = Object.assign(Object.create(null), {
      _restUri: 'http://host:1',
      api: () => ({ root: async () => ({}) }),
    })
    const { headers } = resolve({ client })
    await expect((headers as () => Promise<object>)()).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  })
})
