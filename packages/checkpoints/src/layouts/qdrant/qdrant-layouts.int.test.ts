import { fileURLToPath } from 'node:url'
import { qdrantSource } from '@drover/adapter-qdrant'
import {
  decodeJson,
  encodeJson,
  memorySource,
  memoryStateStore,
  recordId,
  runPipeline,
  type Sink,
  type Source,
  verify,
} from '@drover/core'
import { useQdrant } from '@drover-internal/qdrant-server/vitest'
import { describe, expect, test } from 'vitest'
import { checkpointSink } from '../../checkpoint-sink.js'
import { checkpointSource } from '../../checkpoint-source.js'
import type { CheckpointRecord } from '../../records/checkpoint-record.js'
import type { MessageRecord } from '../../records/message-record.js'
import { messageSchema } from '../../records/schemas.js'
import { readRecords } from '../../testing/read-records.js'
import { historySource } from '../langchain/history-source.js'
import { fixture } from '../langchain/testing/histories.js'
import type { LayoutOptions } from '../layout.js'
import { langgraphSqliteSource } from '../sql/sqlite-source.js'
import { detectQdrant } from './detect-qdrant.js'
import { langchainSink, unifiedSink } from './unified-sink.js'
import { langchainDocuments, unifiedMessages, unifiedSource } from './unified-source.js'

const qdrant = useQdrant()
const { signal } = new AbortController()

function place(collection = qdrant.collection()): LayoutOptions {
  const { url, apiKey } = qdrant
  return { place: { type: 'qdrant', url, ...(apiKey === undefined ? {} : { apiKey }), collection } }
}

async function copy<R extends object>(from: Source<R>, to: Sink<R>, warn?: string[]) {
  const report = await runPipeline({ name: 'copy', source: from, sink: to, state: memoryStateStore() })
  warn?.push(...report.warnings.map(({ message }) => message))
  return report
}

const savers = () =>
  langgraphSqliteSource('langgraph-sqlite', {
    place: {
      type: 'sqlite',
      filename: fileURLToPath(new URL('../../../fixtures/langgraph/sqlite.db', import.meta.url)),
    },
  })

const histories = () =>
  historySource('langchain-sqlite', { place: { type: 'sqlite', filename: fixture('message_store.db') } })

const byKey = (records: readonly CheckpointRecord[]): CheckpointRecord[] => {
  const key = (one: CheckpointRecord) => JSON.stringify([one.thread_id, one.checkpoint_ns, one.checkpoint_id])
  const ordered = records.toSorted((a, b) => (key(a) < key(b) ? -1 : 1))
  // A driver's Buffer is no other value than a Uint8Array of the same bytes.
  return decodeJson(encodeJson(ordered)) as CheckpointRecord[]
}

function vectorsOf({ place: where }: LayoutOptions) {
  const { type: _, ...at } = where as { readonly type: string; readonly url: string; readonly collection: string }
  return readRecords(qdrantSource(at))
}

describe('checkpoints in unified memory', () => {
  test('come back as they were, with parents and writes', async () => {
    const [from, to] = [savers(), place()]
    const report = await copy(from, unifiedSink('unified-qdrant', to))
    const { records } = await readRecords(from)
    expect(report.counts.written).toBe(records.length)
    const back = await readRecords(unifiedSource(to))
    expect(byKey(back.records)).toEqual(byKey(records))
    expect(back.rejected).toEqual([])
    const { records: points } = await vectorsOf(to)
    // As the collection of the real one: 768 numbers under cosine, zero where nothing was embedded.
    expect(points[0]?.vector).toEqual(new Float32Array(768))
    const { config } = await qdrant.client.getCollection((to.place as { collection: string }).collection)
    expect(config.params.vectors).toMatchObject({ size: 768, distance: 'Cosine' })
    expect(points.some(({ payload }) => (payload?.message_count as number) > 0)).toBe(true)
  })

  test('are compared with what they came from', async () => {
    const [from, to] = [savers(), place()]
    await copy(from, unifiedSink('unified-qdrant', to))
    await using session = await unifiedSink('unified-qdrant', to).connect({ signal })
    const verification = await verify({
      expected: from as Source<object> as Source,
      actual: session.readBack?.() as Source,
      key: ['thread_id', 'checkpoint_ns', 'checkpoint_id'],
    })
    expect(verification).toMatchObject({ equal: true, differences: [] })
  })

  test('are one point for each thread, namespace and id, under the UUID of all three', async () => {
    const to = place()
    const one = (thread_id: string, checkpoint_ns: string): CheckpointRecord => ({
      thread_id,
      checkpoint_ns,
      checkpoint_id: 'c',
      parent_checkpoint_id: null,
      timestamp: null,
      language: 'python',
      state: { sealed: { type: 'msgpack+aes', bytes: new Uint8Array([1]) } },
      metadata: {},
      writes: [],
    })
    const records = ['a', 'b'].flatMap((thread) => ['', 'n:1|m'].map((ns) => one(thread, ns)))
    const key = ['thread_id', 'checkpoint_ns', 'checkpoint_id'] as const
    for (let round = 0; round < 2; round++) {
      await copy(memorySource({ records, key }), unifiedSink('unified-qdrant', to))
    }
    const { records: points } = await vectorsOf(to)
    const ids = records.map((record) => recordId({ source: key.map((name) => record[name]), child: 0 }))
    expect(points.map(({ id }) => id)).toEqual(ids.toSorted())
    expect(byKey((await readRecords(unifiedSource(to))).records)).toEqual(records)
  })

  test('are embedded by what they say', async () => {
    const to = place()
    const texts: string[] = []
    const embed = async (given: readonly string[]) => {
      texts.push(...given)
      return given.map((text) => new Float32Array([text.length, 1, 0]))
    }
    await copy(savers(), unifiedSink('unified-qdrant', { ...to, embed, dimensions: 3 }))
    expect(texts.some((text) => text.includes('human: '))).toBe(true)
    const { records: points } = await vectorsOf(to)
    const isZero = points.map(({ vector }) => (vector as Float32Array).every((value) => value === 0))
    for (const [i, { payload }] of points.entries()) expect(isZero[i]).toBe(payload?.message_count === 0)
  })

  test('are pushed down by thread', async () => {
    const [from, to] = [savers(), place()]
    await copy(from, unifiedSink('unified-qdrant', to))
    const all = (await readRecords(from)).records
    const [{ thread_id } = { thread_id: '' }] = all
    await using session = await unifiedSource(to).connect({ signal })
    const { pushed } = session.pushDown?.({ thread_id: { eq: thread_id } }) ?? {}
    expect(pushed).toEqual({ thread_id: { eq: thread_id } })
    const count = await session.count?.({ signal, ...(pushed && { filter: pushed }) })
    expect(count?.value).toBe(all.filter((one) => one.thread_id === thread_id).length)
  })

  test('that the older tool for Python wrote are read beside; points of others are left out, and said', async () => {
    const to = place()
    await copy(savers(), unifiedSink('unified-qdrant', to))
    const { collection } = to.place as { collection: string }
    const checkpoint = Buffer.from('{"v":1,"id":"old","ts":"2024-05-01T10:00:00+00:00"}').toString('base64')
    const vector = Array.from({ length: 768 }, () => 0)
    await qdrant.client.upsert(collection, {
      wait: true,
      points: [
        { id: 1, vector, payload: { id: 'old', thread_id: 'T', checkpoint_ns: '', checkpoint, metadata: {} } },
        { id: 2, vector, payload: { id: 'bad', thread_id: 'T', checkpoint: '!' } },
        { id: 3, vector, payload: { text: 'a note' } },
      ],
    })
    const warnings: string[] = []
    const { records, rejected } = await readRecords(warned(unifiedSource(to), warnings))
    expect(records.find(({ checkpoint_id }) => checkpoint_id === 'old')?.timestamp).toBe('2024-05-01T10:00:00+00:00')
    expect(rejected).toMatchObject([{ key: [2], error: { code: 'RECORD_UNREADABLE' } }])
    expect(warnings).toEqual([expect.stringContaining('1 points were left out')])
  })
})

describe('messages', () => {
  const inOrder = (records: readonly MessageRecord[]) => records.toSorted((a, b) => Number(a.order) - Number(b.order))

  test('come back from unified memory as they were', async () => {
    const [from, to] = [histories(), place()]
    await copy<MessageRecord>(from, unifiedSink('unified-qdrant-messages', to))
    const { records } = await readRecords(from)
    expect(inOrder((await readRecords(unifiedMessages(to))).records)).toEqual(records)
  })

  test('come back from documents of LangChain as they were', async () => {
    const [from, to] = [histories(), place()]
    const embed = async (texts: readonly string[]) => texts.map((text) => [text.length, 1])
    await copy<MessageRecord>(from, langchainSink({ ...to, embed, dimensions: 2 }))
    const { records } = await readRecords(from)
    expect(inOrder((await readRecords(langchainDocuments(to))).records)).toEqual(records)
    const { records: points } = await vectorsOf(to)
    expect(Object.keys(points[0]?.payload ?? {}).toSorted()).toEqual(['metadata', 'page_content'])
  })

  test('that are documents of somebody else stay what they are', async () => {
    const [from, to] = [place(), place()]
    const { collection } = from.place as { collection: string }
    await qdrant.client.createCollection(collection, { vectors: { size: 2, distance: 'Cosine' } })
    const uuid = '6f1d5e0a-3c55-4a3b-9d5b-0e6b1f0c7d21'
    const points = [
      { id: 7, vector: [1, 0], payload: { page_content: 'one', metadata: { source: 'a.txt', session_id: 's' } } },
      { id: uuid, vector: [0, 1], payload: { page_content: 'two', metadata: {} } },
    ]
    await qdrant.client.upsert(collection, { wait: true, points })
    const documents = langchainDocuments(from)
    expect((await readRecords(documents)).records).toEqual([
      { ...document, session_id: 's', order: '7', content: 'one', data: { source: 'a.txt', session_id: 's' } },
      { ...document, session_id: '', order: uuid, content: 'two', data: {} },
    ])
    const embed = async (texts: readonly string[]) => texts.map((text) => [text.length, 1])
    await copy<MessageRecord>(documents, langchainSink({ ...to, embed, dimensions: 2 }))
    const moved = (await vectorsOf(to)).records
    expect(moved.map(({ id, payload }) => ({ id, payload }))).toEqual(
      points.map(({ id, payload }) => ({ id, payload })),
    )
  })

  const document = { type: 'document', tool_calls: null, created_at: null }

  test('need an embedder to be documents', () => {
    expect(() => langchainSink(place())).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }))
    expect(() => unifiedSink('unified-qdrant', { ...place(), onConflict: 'error' })).toThrow(/'update' or 'skip'/)
    expect(messageSchema({ kind: 'json' }, true).key).toEqual(['session_id', 'order'])
  })
})

describe('a collection', () => {
  test('is read and written without the name of its layout', async () => {
    const to = place()
    await copy<MessageRecord | CheckpointRecord>(savers(), checkpointSink(to))
    expect((await readRecords(checkpointSource(to))).records).toHaveLength((await readRecords(savers())).records.length)
    const others = place()
    await copy<MessageRecord | CheckpointRecord>(histories(), checkpointSink(others))
    const { records } = await readRecords(checkpointSource(others))
    expect(records).toHaveLength((await readRecords(histories())).records.length)
    expect(records[0]).toHaveProperty('session_id')
    await using session = await checkpointSink(others).connect({ signal })
    const actual = session.readBack?.() as Source
    const expected = histories() as Source<object> as Source
    expect(await verify({ expected, actual, key: ['session_id', 'order'] })).toMatchObject({ equal: true })
  })

  test('is known by its payloads', async () => {
    const to = place()
    await copy(savers(), unifiedSink('unified-qdrant', to))
    const findings = await detectQdrant(to, { signal })
    expect(findings.map(({ layout }) => layout)).toEqual(['unified-qdrant'])
    expect(findings[0]?.where).toMatch(/^\d+ points with thread_id and checkpoint in collection "/)
    await copy<MessageRecord>(histories(), unifiedSink('unified-qdrant-messages', to))
    expect((await detectQdrant(to, { signal })).map(({ layout }) => layout)).toEqual([
      'unified-qdrant',
      'unified-qdrant-messages',
    ])
    await expect(readRecords(langchainDocuments(to))).rejects.toMatchObject({ code: 'SOURCE_INVALID' })
    await expect(detectQdrant(place(), { signal })).rejects.toMatchObject({ code: 'SOURCE_NOT_FOUND' })
  })
})

function warned<R>(source: Source<R>, warnings: string[]): Source<R> {
  const warn = ({ message }: { readonly message: string }): void => void warnings.push(message)
  return { ...source, connect: (operation) => source.connect({ ...operation, warn }) }
}
