import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { QdrantClient } from '@qdrant/js-client-rest'
import { describe, expect, test } from 'vitest'
import { type QdrantServer, type QdrantServerOptions, startQdrantProcess, startQdrantServer } from './index.js'

const headers = { 'content-type': 'application/json' }
const point = JSON.stringify({ points: [{ id: 1, vector: [1] }] })

async function withCollection(options: QdrantServerOptions = {}): Promise<QdrantServer> {
  const server = await startQdrantServer(options)
  const body = JSON.stringify({ vectors: { size: 1, distance: 'Dot' } })
  await fetch(`${server.url}/collections/c`, { method: 'PUT', headers, body })
  return server
}

async function put({ url }: { url: string }, body = point): Promise<Response> {
  return await fetch(`${url}/collections/c/points?wait=true`, { method: 'PUT', headers, body })
}

async function count({ url }: { url: string }): Promise<number> {
  const answer = await fetch(`${url}/collections/c/points/count`, { method: 'POST', headers, body: '{}' })
  return ((await answer.json()) as { result: { count: number } }).result.count
}

async function folder(): Promise<{ data: string; [Symbol.dispose](): void }> {
  const data = fs.mkdtempSync(path.join(os.tmpdir(), 'drover-qdrant-'))
  return { data, [Symbol.dispose]: () => fs.rmSync(data, { recursive: true }) }
}

describe('the server', () => {
  test('wants the key that it was given', async () => {
    await using server = await startQdrantServer({ apiKey: 'secret', readOnlyApiKey: 'reader' })
    const list = (key: Record<string, string>) => fetch(`${server.url}/collections`, { headers: key })
    const missing = await list({})
    expect([missing.status, await missing.text()]).toEqual([
      401,
      'Must provide an API key or an Authorization bearer token',
    ])
    const wrong = await list({ 'api-key': 'other' })
    expect([wrong.status, await wrong.text()]).toEqual([401, 'Invalid API key or JWT'])
    expect((await list({ 'api-key': 'secret' })).status).toBe(200)
    expect((await list({ authorization: 'Bearer reader' })).status).toBe(200)
    const change = { method: 'PUT', headers: { ...headers, 'api-key': 'reader' }, body: '{}' }
    expect((await fetch(`${server.url}/collections/c`, change)).status).toBe(403)
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
  })

  test('refuses bodies beyond its limit, as the real one does', async () => {
    await using server = await withCollection({ limits: { body: 1000 } })
    const answer = await put(
      server,
      JSON.stringify({ points: [{ id: 1, vector: [1], payload: { text: 'x'.repeat(1000) } }] }),
    )
    expect([answer.status, await answer.text()]).toEqual([
      400,
      expect.stringMatching(
        /Payload error: JSON payload \(10\d\d bytes\) is larger than allowed \(limit: 1000 bytes\)\./,
      ),
    ])
    expect(await count(server)).toBe(0)
  })

  test('says where a body is no JSON', async () => {
    await using server = await withCollection()
    const answer = await put(server, '{"points":[{"id":1,"vector":[NaN]}]}')
    expect([answer.status, await answer.text()]).toEqual([
      400,
      expect.stringMatching(/Format error in JSON body: expected value at line 1 column \d+/),
    ])
  })

  test('meets requests with the faults that a test asks for', async () => {
    await using server = await withCollection()
    server.fault(429, { retryAfter: 3, after: 1, times: 2, on: 'PUT' })
    expect((await put(server)).status).toBe(200)
    const busy = await put(server)
    expect([busy.status, busy.headers.get('retry-after')]).toEqual([429, '3'])
    expect((await put(server)).status).toBe(429)
    expect((await put(server)).status).toBe(200)
    server.fault('cut')
    await expect(put(server, JSON.stringify({ points: [{ id: 2, vector: [1] }] }))).rejects.toThrow()
    expect(await count(server)).toBe(1)
    server.fault('cut-after')
    await expect(put(server, JSON.stringify({ points: [{ id: 2, vector: [1] }] }))).rejects.toThrow()
    expect(await count(server)).toBe(2)
    server.fault('cut-answer')
    await expect(put(server).then((answer) => answer.text())).rejects.toThrow()
    server.fault('hang')
    await expect(
      fetch(`${server.url}/collections/c/points/count`, {
        method: 'POST',
        headers,
        body: '{}',
        signal: AbortSignal.timeout(50),
      }),
    ).rejects.toThrow()
    const statuses = server.requests.filter(({ method }) => method === 'PUT').map(({ status }) => status)
    expect(statuses).toEqual([200, 200, 429, 429, 200, null, null, null])
  })

  test('takes a thousand vectors of 768 floats in little time, and gives them back to the bit', async () => {
    await using server = await startQdrantServer()
    const client = new QdrantClient({ url: server.url, checkCompatibility: false })
    await client.createCollection('c', { vectors: { size: 768, distance: 'Dot' } })
    const vectors = Array.from({ length: 1000 }, (_, row) =>
      Float32Array.from({ length: 768 }, (_, at) => Math.sin(row * 768 + at)),
    )
    const points = vectors.map((vector, id) => ({ id, vector: [...vector] }))
    await client.upsert('c', { wait: true, points })
    const page = await client.scroll('c', { limit: 1000, with_vector: true })
    expect(page.points.length).toBe(1000)
    for (const { id, vector } of page.points) {
      expect(
        Buffer.from(Float32Array.from(vector as number[]).buffer).equals(
          Buffer.from(vectors[Number(id)]?.buffer ?? new ArrayBuffer(0)),
        ),
      ).toBe(true)
    }
  })
})

test('a collection is yellow while its index is built', async () => {
  await using server = await startQdrantServer({ delayMs: 100 })
  const client = new QdrantClient({ url: server.url, checkCompatibility: false })
  await client.createCollection('c', {
    vectors: { size: 256, distance: 'Dot' },
    optimizers_config: { indexing_threshold: 0 },
  })
  const points = Array.from({ length: 40 }, (_, id) => ({ id, vector: new Array<number>(256).fill(id) }))
  await client.upsert('c', { wait: true, points })
  expect(await client.getCollection('c')).toMatchObject({ status: 'green', indexed_vectors_count: 0 })
  await client.updateCollection('c', { optimizers_config: { indexing_threshold: 10 } })
  expect(await client.getCollection('c')).toMatchObject({ status: 'yellow', indexed_vectors_count: 0 })
  await expect.poll(() => client.getCollection('c')).toMatchObject({ status: 'green', indexed_vectors_count: 40 })
})

describe('a folder for its data', () => {
  test('keeps what was acknowledged when its process is killed', async () => {
    using place = await folder()
    await using server = await startQdrantProcess({ data: place.data })
    const body = JSON.stringify({ vectors: { size: 1, distance: 'Dot' } })
    await fetch(`${server.url}/collections/c`, { method: 'PUT', headers, body })
    await put(server)
    const later = JSON.stringify({ points: [{ id: 2, vector: [1] }] })
    await fetch(`${server.url}/collections/c/points`, { method: 'PUT', headers, body: later })
    await server.kill()
    await expect(count(server)).rejects.toThrow()
    await server.start()
    expect(await count(server)).toBe(2)
  })

  test('loses an entry that was cut short, and nothing before it', async () => {
    using place = await folder()
    {
      await using server = await withCollection(place)
      await put(server)
      await put(server, JSON.stringify({ points: [{ id: 2, vector: [1] }] }))
    }
    const file = path.join(place.data, 'requests.log')
    fs.truncateSync(file, fs.statSync(file).size - 3)
    await using server = await startQdrantServer(place)
    expect(await count(server)).toBe(1)
    await put(server, JSON.stringify({ points: [{ id: 3, vector: [1] }] }))
    expect(await count(server)).toBe(2)
  })
})
