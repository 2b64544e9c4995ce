import { from, memoryStateStore, type Row, runPipeline, type Source } from '@drover/core'
import { startQdrantServer } from '@drover-internal/qdrant-server'
import { type TestQdrant, useQdrant } from '@drover-internal/qdrant-server/vitest'
import { describe, expect, it } from 'vitest'
import { qdrantSource } from '../source/qdrant-source.js'
import type { QdrantSinkOptions } from './sink-options.js'
import { sinkOf } from './testing/sink-run.js'

/** Numbers that JavaScript has no value of its own for, or that it writes differently. */
const payload =
  '{"whole":1.0,"negative":-2.0,"big":18446744073709551615,"least":-9223372036854775808,"list":[1,1.0,[3.0]],"nested":{"zero":0.0,"large":1e300,"tenth":0.1},"text":"1.0 \\"]}","none":null}'

async function put(qdrant: TestQdrant, collection: string, points: string): Promise<void> {
  await send(qdrant, 'PUT', `/collections/${collection}/points?wait=true`, `{"points":[${points}]}`)
}

async function send(qdrant: TestQdrant, method: string, path: string, body: string): Promise<string> {
  const headers = { 'content-type': 'application/json', ...(qdrant.apiKey && { 'api-key': qdrant.apiKey }) }
  const answer = await fetch(`${qdrant.url}${path}`, { method, headers, body })
  const text = await answer.text()
  if (!answer.ok) throw new Error(text)
  return text
}

/** The points of a collection as text. */
async function textOf(qdrant: TestQdrant, collection: string): Promise<string> {
  const body = '{"limit":1000,"with_payload":true,"with_vector":true}'
  const text = await send(qdrant, 'POST', `/collections/${collection}/points/scroll`, body)
  return text.slice(text.indexOf('"points":'), text.lastIndexOf(',"next_page_offset"'))
}

describe('points of one collection that go to another one', () => {
  const qdrant = useQdrant()

  async function copy(
    from: string,
    options: Partial<QdrantSinkOptions<Row>> = {},
    flow: (source: Source<Row>) => Source<Row> = (source) => source,
  ): Promise<string> {
    const into = qdrant.collection()
    const { url, apiKey } = qdrant
    const source = qdrantSource({ url, ...(apiKey === undefined ? {} : { apiKey }), collection: from })
    const sink = sinkOf(qdrant, into, { create: { like: { collection: from } }, ...options })
    await runPipeline({
      name: 'copy',
      source: flow(source as unknown as Source<Row>),
      sink,
      state: memoryStateStore(),
      batchSize: 3,
    })
    return into
  }

  async function original(create: object = { vectors: { size: 2, distance: 'Dot' } }): Promise<string> {
    const collection = qdrant.collection()
    await send(qdrant, 'PUT', `/collections/${collection}`, JSON.stringify(create))
    return collection
  }

  it('keep every number of their payloads as it stood there: 1.0 is not 1, and integers have 64 bits', async () => {
    const notes = await original()
    const ids = ['0', '7', '9007199254740993', '18446744073709551615', '"f47ac10b-58cc-4372-a567-0e02b2c3d479"']
    await put(qdrant, notes, ids.map((id) => `{"id":${id},"payload":${payload},"vector":[0.1,-2.5]}`).join(','))
    const before = await textOf(qdrant, notes)
    expect(before).toMatch(/"whole":1\.0[,}]/)
    expect(before).toContain('18446744073709551615')
    const there = await copy(notes)
    expect(await textOf(qdrant, there)).toBe(before)
    expect(await textOf(qdrant, await copy(there, { onConflict: 'skip', id: 'record' }))).toBe(before)
  })

  it('keep them in many small requests', async () => {
    const notes = await original()
    const points = Array.from({ length: 40 }, (_, id) => `{"id":${id},"payload":${payload},"vector":[${id}.0,1e-7]}`)
    await put(qdrant, notes, points.join(','))
    const before = await textOf(qdrant, notes)
    expect(await textOf(qdrant, await copy(notes, { batchBytes: 700 }))).toBe(before)
  })

  it('keep them beside a point that is refused', async () => {
    const notes = await original()
    const large = JSON.stringify('x'.repeat(3_000))
    const points = Array.from({ length: 9 }, (_, id) => `{"id":${id},"payload":${payload},"vector":[${id}.0,1.0]}`)
    points[4] = `{"id":4,"payload":{"large":${large}},"vector":[1.0,1.0]}`
    await put(qdrant, notes, points.join(','))
    await using small = await startQdrantServer({ limits: { body: 2_500 } })
    const there: TestQdrant = { ...qdrant, url: small.url, apiKey: undefined }
    const { url, apiKey } = qdrant
    const report = await runPipeline({
      name: 'copy',
      source: qdrantSource({ url, ...(apiKey === undefined ? {} : { apiKey }), collection: notes }),
      sink: sinkOf(there, 'copy', { create: { vectors: { size: 2, distance: 'Dot' } } }),
      state: memoryStateStore(),
      maxRejected: 1,
    })
    expect(report.counts).toMatchObject({ written: 8, rejected: 1 })
    const all = JSON.parse(await textOf(qdrant, notes).then((text) => `{${text}}`)) as { points: { id: number }[] }
    expect(all.points).toHaveLength(9)
    const left = await textOf(there, 'copy')
    expect(left.match(/"whole":1\.0[,}]/g)).toHaveLength(8)
    expect(left).not.toMatch(/"id":4[,}]/)
  })

  it('keep named, sparse and several vectors, and points without any', async () => {
    const notes = await original({
      vectors: {
        title: { size: 2, distance: 'Dot' },
        words: { size: 2, distance: 'Dot', multivector_config: { comparator: 'max_sim' } },
      },
      sparse_vectors: { terms: {} },
    })
    await put(
      qdrant,
      notes,
      '{"id":1,"payload":{"n":1.0},"vector":{"title":[0.1,0.2],"words":[[1,2],[3,4]],"terms":{"indices":[5,1],"values":[0.5,0.25]}}},{"id":2,"payload":{},"vector":{"title":[1,2]}},{"id":3,"vector":{}}',
    )
    expect(await textOf(qdrant, await copy(notes))).toBe(await textOf(qdrant, notes))
  })

  it('are records where a step looks at them, or the sink has something to say: 1.0 is the number 1 then', async () => {
    const notes = await original()
    await put(qdrant, notes, `{"id":1,"payload":${payload},"vector":[0.1,-2.5]}`)
    const stepped = await copy(notes, {}, (source) => from(source).pipe((point) => point) as unknown as Source<Row>)
    const [before, after] = [await textOf(qdrant, notes), await textOf(qdrant, stepped)]
    expect(before).toMatch(/"whole":1\.0[,}]/)
    expect(after).toMatch(/"whole":1[,}]/)
    expect(after).toContain('"big":18446744073709551615')
    const chosen = await copy(notes, { payload: ['payload'] })
    expect(await textOf(qdrant, chosen)).toContain('"payload":{"payload":{')
  })

  it('are looked at where a collection keeps less of a number than they may have', async () => {
    const notes = await original()
    await put(qdrant, notes, '{"id":1,"vector":[1.5,2]},{"id":2,"vector":[3,4]}')
    const into = qdrant.collection()
    const { url, apiKey } = qdrant
    const report = await runPipeline({
      name: 'copy',
      source: qdrantSource({ url, ...(apiKey === undefined ? {} : { apiKey }), collection: notes }),
      sink: sinkOf(qdrant, into, { create: { vectors: { size: 2, distance: 'Dot', datatype: 'uint8' } } }),
      state: memoryStateStore(),
      maxRejected: 10,
      deadLetters: undefined,
    } as never)
    expect(report.counts).toMatchObject({ written: 1, rejected: 1 })
  })
})
