import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import {
  type MemoryStore,
  memorySink,
  memorySource,
  memoryStateStore,
  memoryStore,
  type Report,
  type Row,
  startPipeline,
} from '@drover/core'
import {
  type FaultKind,
  type QdrantServer,
  startQdrantProcess,
  startQdrantServer,
} from '@drover-internal/qdrant-server'
import { QdrantClient } from '@qdrant/js-client-rest'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { qdrantSink } from './sink/qdrant-sink.js'
import { qdrantSource } from './source/qdrant-source.js'

const most = 600
const records = Array.from({ length: most }, (_, id) => ({ id, name: `n${id}`, v: Float32Array.of(id, 0.1) }))
const writes = /^PUT .*\/points$/
const reads = '/scroll'
const gentle = { vectors: { size: 2, distance: 'Dot' } } as const

/** What gets in the way of a request; the server has done its work, or not. */
const faults: readonly (readonly [string, FaultKind])[] = [
  ['a server that answers 500', 500],
  ['a server that is not there yet (503)', 503],
  ['a server that is asked too often (429)', 429],
  ['a connection that breaks with the request', 'cut'],
  ['a connection that breaks with the answer', 'cut-after'],
  ['a connection that breaks in the middle of the answer', 'cut-answer'],
]

const write = (url: string, options: object = {}, sinkOptions: object = {}) =>
  startPipeline({
    name: 'write',
    source: memorySource<Row>({ records, key: 'id' }),
    sink: qdrantSink<Row>({ url, collection: 'c', create: gentle, ...sinkOptions }),
    state: memoryStateStore(),
    batchSize: 50,
    ...options,
  })

const read = (url: string, store: MemoryStore<Row>, options: object = {}, sourceOptions: object = {}) =>
  startPipeline({
    name: 'read',
    source: qdrantSource({ url, collection: 'c', ...sourceOptions }),
    sink: memorySink<Row>({ store: store as never }),
    batchSize: 50,
    ...options,
  })

/** Points are told apart by their payload, for their ids are made of the keys. */
async function expectWritten(url: string, report: Report): Promise<void> {
  const client = new QdrantClient({ url, checkCompatibility: false })
  const { points } = await client.scroll('c', { limit: 2 * most, with_vector: true })
  const found = points.map(({ payload, vector }) => ({ ...payload, v: vector })) as unknown as (Row & { id: number })[]
  expect(found.sort((a, b) => a.id - b.id)).toEqual(records.map(({ v, ...record }) => ({ ...record, v: [v[0], 0.1] })))
  expect(report.counts).toMatchObject({ read: most, written: most, rejected: 0 })
}

function expectRead(store: MemoryStore<Row>, report: Report): void {
  expect(report.counts).toMatchObject({ read: most, written: most, inserted: most })
  expect(store.rows.map(({ id, vector }) => ({ id, vector }))).toEqual(records.map(({ id, v }) => ({ id, vector: v })))
}

describe('a run whose Qdrant fails', () => {
  let server: QdrantServer
  beforeEach(async () => {
    server = await startQdrantServer()
  })
  afterEach(async () => {
    await server[Symbol.asyncDispose]()
  })

  async function filled(url: string): Promise<void> {
    const client = new QdrantClient({ url, checkCompatibility: false })
    await client.createCollection('c', gentle)
    await client.upsert('c', { wait: true, points: records.map(({ id, v }) => ({ id, vector: [...v] })) })
  }

  it.each(faults)('twice and recovers leaves no point twice and none out: %s', async (_, fault) => {
    server.fault(fault, { on: writes, after: 1 })
    server.fault(fault, { on: writes, after: 4 })
    const live = write(server.url)
    const retried: string[] = []
    live.events.on('batch:retried', ({ code }) => void retried.push(code))
    const report = await live.result
    expect(retried.length).toBeGreaterThanOrEqual(2)
    for (const code of retried) expect(code).toMatch(/^STORE_(UNAVAILABLE|BUSY)$/)
    await expectWritten(server.url, report)
  })

  it.each(faults)('twice while it is read gives every point once: %s', async (_, fault) => {
    await filled(server.url)
    server.fault(fault, { on: reads, after: 2, times: 2 })
    const store = memoryStore<Row>()
    const live = read(server.url, store)
    let retries = 0
    live.events.on('batch:retried', () => void retries++)
    expectRead(store, await live.result)
    expect(retries).toBeGreaterThan(0)
  })

  it('waits as long as the server asks for', async () => {
    server.fault(429, { on: writes, retryAfter: 1, after: 2 })
    const live = write(server.url)
    const waits: number[] = []
    live.events.on('batch:retried', ({ code, waitMs }) => {
      expect(code).toBe('STORE_BUSY')
      waits.push(waitMs)
    })
    await expectWritten(server.url, await live.result)
    expect(waits.length).toBeGreaterThan(0)
    for (const wait of waits) expect(wait).toBeGreaterThanOrEqual(1_000)
  })

  it('for good stops resumable, and the next call goes on', async () => {
    const state = memoryStateStore()
    server.fault('cut', { on: writes, after: 4, times: Number.POSITIVE_INFINITY })
    const message = expect.stringMatching(/writing 50 points to collection "c"/)
    await expect(write(server.url, { state, maxRetries: 2 }).result).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message,
    })
    server.clearFaults()
    const before = server.requests.length
    const report = await write(server.url, { state }).result
    // What was durable is not written again, but for batches that were under way together.
    const sent = server.requests.slice(before).filter(({ method, path }) => writes.test(`${method} ${path}`))
    expect(sent.length).toBeLessThan(most / 50)
    expect(report.attempt.counts.read).toBeLessThan(most)
    await expectWritten(server.url, report)
  })

  it('to answer at all is left after timeoutMs, and asked again', async () => {
    server.fault('hang', { on: writes, after: 1 })
    await expectWritten(server.url, await write(server.url, {}, { timeoutMs: 500 }).result)
    server.fault('hang', { on: reads, after: 1 })
    const store = memoryStore<Row>()
    const report = await read(server.url, store, {}, { timeoutMs: 500 }).result
    expect(report.counts).toMatchObject({ read: most, inserted: most })
  })

  it('says why at once where trying again does not help', async () => {
    server.fault(403, { on: writes, message: 'Forbidden: Write access is required' })
    await expect(write(server.url).result).rejects.toMatchObject({ code: 'STORE_DENIED' })
    server.fault(507, { on: writes, message: 'Out of disk: no space left on device' })
    await expect(write(server.url).result).rejects.toMatchObject({ code: 'STORE_FULL' })
    const statuses = server.requests.filter(({ method, path }) => writes.test(`${method} ${path}`))
    expect(statuses.filter(({ status }) => status === 403 || status === 507).length).toBe(2)
  })

  it.each([
    ['the server itself, as 400', {}],
    ['a proxy in front of it, as 413', { on: writes }],
  ])('to take a request for its size gets smaller ones: %s', async (_, proxy) => {
    await using small = await startQdrantServer('on' in proxy ? {} : { limits: { body: 1_500 } })
    if ('on' in proxy) small.fault(413, { ...proxy, times: 3 })
    await expectWritten(small.url, await write(small.url).result)
    expect(small.requests.some(({ status }) => status === 400 || status === 413)).toBe(true)
  })
})

describe('a run whose Qdrant is killed', () => {
  it('and comes back goes on where it was, while it writes and while it reads', { timeout: 60_000 }, async () => {
    const data = fs.mkdtempSync(path.join(os.tmpdir(), 'drover-qdrant-'))
    await using server = await startQdrantProcess({ data })
    const kills = (live: ReturnType<typeof write> | ReturnType<typeof read>): Promise<Report> => {
      let batches = 0
      let killing = Promise.resolve()
      live.events.on('batch:committed', () => {
        if (++batches === 4) killing = server.kill().then(() => server.start())
      })
      return live.result.then((report) => killing.then(() => report))
    }
    await expectWritten(server.url, await kills(write(server.url, { maxRetries: 30 })))
    const store = memoryStore<Row>()
    const report = await kills(read(server.url, store, { maxRetries: 30 }))
    expect(report.counts).toMatchObject({ read: most, inserted: most })
    await server[Symbol.asyncDispose]()
    fs.rmSync(data, { recursive: true })
  })
})
