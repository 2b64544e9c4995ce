import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { DroverError, type Warning } from '@drover/core'
import { useQdrant } from '@drover-internal/qdrant-server/vitest'
import { QdrantClient } from '@qdrant/js-client-rest'
import { afterEach, describe, expect, it } from 'vitest'
import { statusOf } from '../errors/qdrant-error.js'
import { PointsBody } from '../wire/points-body.js'
import type { WirePoint } from '../wire/wire-point.js'
import { openQdrant } from './open-qdrant.js'
import type { QdrantLocation } from './qdrant-location.js'

const { signal } = new AbortController()

describe('a server', () => {
  const qdrant = useQdrant()

  function location(): QdrantLocation {
    return { url: qdrant.url, apiKey: qdrant.apiKey }
  }

  it('is greeted, and says its version', async () => {
    await using connection = openQdrant(location(), 'a test')
    const version = await connection.greet(signal)
    expect(version).toHaveLength(3)
    expect(version?.[0]).toBe(1)
  })

  it('takes points of every kind and gives the same back', async () => {
    const collection = `${qdrant.collection()} /ü`
    await using connection = openQdrant(location(), 'a test')
    const path = `/collections/${encodeURIComponent(collection)}`
    const doing = 'preparing a test'
    const vectors = {
      '': { size: 3, distance: 'Dot' },
      'a "b"': { size: 2, distance: 'Euclid' },
      many: { size: 2, distance: 'Dot', multivector_config: { comparator: 'max_sim' } },
    }
    await connection.request('PUT', path, { vectors, sparse_vectors: { words: {} } }, { signal, doing })
    try {
      const points: WirePoint[] = [
        { id: 0, payload: {}, vector: Float32Array.of(1e-45, -0, 3.4028235e38), vectors: null },
        {
          id: 7,
          payload: { text: 'ü\u2028"\\', n: 9_007_199_254_740_993n, deep: [{ a: null }] },
          vector: null,
          vectors: {},
        },
        {
          id: 18_446_744_073_709_551_615n,
          payload: { big: 'x'.repeat(300_000) },
          vector: Float32Array.of(0.1, 0.2, 0.3),
          vectors: {
            'a "b"': Float32Array.of(1 / 3, 2 / 3),
            many: [Float32Array.of(1, 2), Float32Array.of(3, 4), Float32Array.of(5, 6)],
            words: { indices: [1, 4_294_967_295], values: Float32Array.of(0.5, 1e-7) },
          },
        },
        {
          id: 'f47ac10b-58cc-4372-a567-0e02b2c3d479',
          payload: { k: 1 },
          vector: Float32Array.of(1, 2, 3),
          vectors: null,
        },
      ]
      const body = new PointsBody('plain')
      for (const point of points) body.add(point)
      await connection.upsert(collection, body, { signal })
      const reading = { signal, withPayload: true, withVector: true }
      const first = await connection.scroll(collection, { ...reading, limit: 3 })
      expect(first.ids).toEqual([0, 7, 18_446_744_073_709_551_615n])
      expect(first.next).toBe('f47ac10b-58cc-4372-a567-0e02b2c3d479')
      const rest = await connection.scroll(collection, { ...reading, limit: 3, offset: first.next as string })
      expect(rest.next).toBeNull()
      const back = [...first.points(), ...rest.points()]
      expect(back.map(({ id, payload, vector }) => ({ id, payload, vector }))).toEqual(
        points.map(({ id, payload, vector }) => ({ id, payload, vector })),
      )
      expect(back[2]?.vectors).toEqual(points[2]?.vectors)
      expect(Object.is(back[0]?.vector?.[1], -0)).toBe(true)
      const from = await connection.scroll(collection, { ...reading, limit: 1, offset: 18_446_744_073_709_551_614n })
      expect(from.ids).toEqual([18_446_744_073_709_551_615n])
      const some = await connection.scroll(collection, {
        ...reading,
        limit: 9,
        withPayload: ['k'],
        withVector: ['words'],
        filter: { must: [{ key: 'k', match: { value: 1 } }] },
      })
      expect(some.points()).toMatchObject([{ payload: { k: 1 }, vector: null }])
    } finally {
      await connection.request('DELETE', path, undefined, { signal, doing })
    }
  })

  it('says what is missing, and what it does not take', async () => {
    await using connection = openQdrant(location(), 'a test')
    const missing = await connection
      .scroll('no such', { signal, limit: 1, withPayload: true, withVector: false })
      .catch((error: unknown) => error)
    expect(missing).toMatchObject({ code: 'SOURCE_NOT_FOUND' })
    expect(statusOf(missing)).toBe(404)
    expect((missing as Error).message).toMatch(
      /^Qdrant failed while reading collection "no such" on [\w.:]+: 404, Not found: Collection/,
    )
  })

  it('is reached as a client of the application reaches it', async () => {
    const client = new QdrantClient({
      url: qdrant.url,
      checkCompatibility: false,
      ...(qdrant.apiKey === undefined ? {} : { apiKey: qdrant.apiKey }),
    })
    const before = JSON.stringify(client)
    await using connection = openQdrant({ client }, 'a test')
    await expect(
      connection.request('GET', '/collections', undefined, { signal, doing: 'listing' }),
    ).resolves.toHaveProperty('collections')
    expect(JSON.stringify(client)).toBe(before)
    await expect(client.getCollections()).resolves.toHaveProperty('collections')
  })
})

const servers: { close(): unknown; closeAllConnections?(): void }[] = []

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections?.()
    server.close()
  }
})

async function listen(server: Server | ReturnType<typeof createTcpServer>): Promise<string> {
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A server that answers as the test has it. */
function answering(listener: RequestListener): Promise<string> {
  return listen(createServer(listener))
}

/** A server that speaks as the test has it, HTTP or not. */
function speaking(speak: (socket: Socket) => void): Promise<string> {
  return listen(
    createTcpServer((socket) => {
      socket.on('error', () => {}) // the client goes away, as is tested
      socket.once('data', () => speak(socket))
    }),
  )
}

async function failing(location: QdrantLocation): Promise<DroverError> {
  await using connection = openQdrant(location, 'a test')
  const body = new PointsBody()
  body.add({ id: 1, payload: null, vector: Float32Array.of(1), vectors: null })
  const error = await connection.upsert('notes', body, { signal }).then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(error).toBeInstanceOf(DroverError)
  return error as DroverError
}

async function greeting(url: string): Promise<unknown> {
  await using connection = openQdrant({ url }, 'a test')
  return await connection.greet(signal).catch((error: unknown) => error)
}

const completed = JSON.stringify({ result: { operation_id: 1, status: 'completed' }, status: 'ok', time: 0.1 })

describe('a server that fails', () => {
  it('and asks to wait is asked again no sooner', async () => {
    const url = await answering((_, response) => {
      response.writeHead(429, { 'retry-after': '3' }).end('{"status":{"error":"Rate limiting exceeded"}}')
    })
    expect(await failing({ url })).toMatchObject({ code: 'STORE_BUSY', isRetryable: true, retryAfterMs: 3000 })
  })

  it('has written only what it has completed', async () => {
    const url = await answering((_, response) => response.end(completed.replace('completed', 'wait_timeout')))
    const error = await failing({ url })
    expect(error).toMatchObject({ code: 'STORE_BUSY', isRetryable: true })
    expect(error.message).toContain('it says "wait_timeout"')
  })

  it.each<[string, (socket: Socket) => void]>([
    ['before it answers', (socket) => socket.destroy()],
    ['within the headers', (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-le')],
    ['within the answer', (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{"result":')],
    [
      'within an answer of unknown length',
      (socket) => socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{"res\r\n'),
    ],
  ])('because the connection is cut %s can be tried again', async (_, speak) => {
    const url = await speaking(speak)
    expect(await failing({ url })).toMatchObject({ code: 'STORE_UNAVAILABLE', isRetryable: true })
  })

  it.each<[string, RequestListener]>([
    ['answers nothing', () => {}],
    ['answers half', (_, response) => void response.writeHead(200, { 'content-length': 500 }).write('{"result":')],
  ])('because it %s is given up after timeoutMs', async (_, listener) => {
    const url = await answering(listener)
    const error = await failing({ url, timeoutMs: 30 })
    expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE', isRetryable: true })
    expect(error.message).toMatch(
      /on 127\.0\.0\.1:\d+: it took longer than 30 ms\. If the server is only slow, raise timeoutMs\.$/,
    )
  })

  it('is not waited for by who gives up', async () => {
    const url = await answering(() => giving.abort())
    const giving = new AbortController()
    await using connection = openQdrant({ url }, 'a test')
    const asked = connection.request('GET', '/collections', undefined, { signal: giving.signal, doing: 'listing' })
    await expect(asked).rejects.toMatchObject({ code: 'ABORTED' })
    const again = connection.request('GET', '/collections', undefined, { signal: giving.signal, doing: 'listing' })
    await expect(again).rejects.toMatchObject({ code: 'ABORTED' })
  })

  it('speaks no HTTP', async () => {
    const url = await speaking((socket) => socket.end('SSH-2.0-OpenSSH_9.2p1\r\n'))
    const error = await failing({ url })
    expect(error).toMatchObject({ code: 'OPTION_INVALID', isRetryable: false })
    expect(error.message).toContain('6334 for gRPC')
  })

  it('speaks no TLS', async () => {
    const url = await answering((_, response) => response.end(completed))
    const error = await failing({ url: url.replace('http:', 'https:') })
    expect(error).toMatchObject({ code: 'OPTION_INVALID', isRetryable: false })
    expect(error.message).toContain('write http:// instead of https://')
  })

  it('does not run', async () => {
    const server = createTcpServer()
    const url = await listen(server)
    server.close()
    await once(server, 'close')
    expect(await failing({ url })).toMatchObject({ code: 'STORE_UNAVAILABLE', isRetryable: false })
  })

  it('does not run any more', async () => {
    const server = createServer((_, response) => response.end(completed))
    const url = await listen(server)
    await using connection = openQdrant({ url }, 'a test')
    const body = new PointsBody()
    await connection.upsert('notes', body, { signal })
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
    await expect(connection.upsert('notes', body, { signal })).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      isRetryable: true,
    })
  })

  it('redirects, and the key is not carried there', async () => {
    const url = await answering((_, response) => {
      response.writeHead(301, { location: 'https://elsewhere.example.org/' }).end()
    })
    const error = await failing({ url, apiKey: 'the-key' })
    expect(error.code).toBe('OPTION_INVALID')
    expect(error.message).toContain('301 to https://elsewhere.example.org/.')
    expect(error.message).not.toContain('the-key')
  })
})

describe('what is no Qdrant', () => {
  it.each([
    ['<html><title>Welcome to nginx!</title></html>', 'it says "Welcome to nginx!"'],
    ['{"name":"elasticsearch","version":{"number":"8.0.0"}}', 'is no Qdrant'],
    ['{"title":"weaviate","version":"1.0.0"}', 'is no Qdrant'],
    ['', 'is no Qdrant'],
  ])('is told by its greeting: %s', async (text, said) => {
    const url = await answering((_, response) => response.end(text))
    const error = await greeting(url)
    expect(error).toMatchObject({ code: 'OPTION_INVALID' })
    expect((error as Error).message).toContain(said)
  })

  it('is told by what it answers', async () => {
    const url = await answering((_, response) => response.end('{"ok":true}'))
    expect(await failing({ url })).toMatchObject({ code: 'OPTION_INVALID' })
    await using connection = openQdrant({ url }, 'a test')
    const read = connection.scroll('notes', { signal, limit: 1, withPayload: true, withVector: true })
    await expect(read).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  })

  it('may be a version that is too old', async () => {
    const url = await answering((_, response) =>
      response.end('{"title":"qdrant - vector search engine","version":"1.9.7"}'),
    )
    const error = await greeting(url)
    expect(error).toMatchObject({ code: 'OPTION_INVALID' })
    expect((error as Error).message).toMatch(/is Qdrant 1\.9\.7: Drover needs 1\.10\.0 or newer/)
  })

  it('may only stand in front of one, and keep its root to itself', async () => {
    const url = await answering((_, response) => response.writeHead(404).end('no such page'))
    expect(await greeting(url)).toBeUndefined()
  })
})

describe('what is sent', () => {
  it('goes to the path of the URL, with key and password', async () => {
    const seen: object[] = []
    const url = await answering((request, response) => {
      const { method, url: path, headers } = request
      seen.push({ method, path, key: headers['api-key'], login: headers.authorization, type: headers['content-type'] })
      request.resume().on('end', () => response.end(completed))
    })
    await using connection = openQdrant({ url: `${url.replace('//', '//me:pw@')}/stores/q/`, apiKey: 'k' }, 'a test')
    const body = new PointsBody()
    await connection.upsert('a/b', body, { signal })
    expect(seen).toEqual([
      {
        method: 'PUT',
        path: '/stores/q/collections/a%2Fb/points?wait=true',
        key: 'k',
        login: `Basic ${Buffer.from('me:pw').toString('base64')}`,
        type: 'application/json',
      },
    ])
  })

  it('names shard, mode and consistency where they are asked for', async () => {
    const seen: unknown[] = []
    const url = await answering((request, response) => {
      let text = ''
      request
        .on('data', (chunk) => (text += chunk))
        .on('end', () => {
          seen.push(request.url, JSON.parse(text))
          response.end(request.method === 'PUT' ? completed : '{"result":{"points":[]}}')
        })
    })
    await using connection = openQdrant({ url }, 'a test')
    await connection.upsert('a', new PointsBody(), { signal, shardKey: 'eu', mode: 'insert_only' })
    await connection.scroll('a', {
      signal,
      limit: 5,
      withPayload: false,
      withVector: ['x'],
      shardKey: [1, 'b'],
      offset: 2n ** 64n - 1n,
      consistency: 'quorum',
    })
    expect(seen).toEqual([
      '/collections/a/points?wait=true',
      { points: [], shard_key: 'eu', update_mode: 'insert_only' },
      '/collections/a/points/scroll?consistency=quorum',
      { limit: 5, with_payload: false, with_vector: ['x'], offset: 18446744073709552000, shard_key: [1, 'b'] },
    ])
  })

  it('is told of where others can read its key', () => {
    const warnings: Warning[] = []
    const warn = (warning: Warning): number => warnings.push(warning)
    openQdrant({ url: 'http://vectors.example.org', apiKey: 'k' }, 'qdrantSink', warn)
    expect(warnings).toMatchObject([
      { code: 'SECRET_EXPOSED', message: expect.stringContaining('vectors.example.org:6333') },
    ])
    openQdrant({ url: 'https://vectors.example.org', apiKey: 'k' }, 'qdrantSink', warn)
    openQdrant({ url: 'http://127.0.0.1:6333', apiKey: 'k' }, 'qdrantSink', warn)
    expect(warnings).toHaveLength(1)
  })
})
