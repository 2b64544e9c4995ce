import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import {
  memorySource,
  memoryStateStore,
  type Page,
  runPipeline,
  type Sink,
  type Source,
  startPipeline,
} from '@drover/core'
import { describeRedis, useRedis } from '@drover-internal/redis-server/vitest'
import { mapStoredMessagesToChatMessages } from '@langchain/core/messages'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import type { MessageRecord } from '../../records/message-record.js'
import { messageSchema } from '../../records/schemas.js'
import { readRecords } from '../../testing/read-records.js'
import { historySink } from '../langchain/history-sink.js'
import { historySource } from '../langchain/history-source.js'
import { addedMessages, bySession, comparable, fixture, lines } from '../langchain/testing/histories.js'
import type { LayoutOptions } from '../layout.js'
import { chatReading } from './chat-reading.js'
import { chatSink } from './chat-sink.js'
import { listReading } from './list-reading.js'
import { listSink } from './list-sink.js'
import { redisLayoutSource } from './redis-layout-source.js'
import { setDocument } from './testing/redis-fixtures.js'

const folder = mkdtempSync(path.join(tmpdir(), 'drover-chat-'))
afterAll(() => rmSync(folder, { recursive: true }))

function plain({ expires_at: _, ...message }: MessageRecord) {
  return comparable(message)
}

describeRedis('messages of langchain-redis that are written to a Redis without modules, as strings of JSON', () => {
  const from = useRedis()
  const to = useRedis()
  afterEach(async () => {
    await from.client.flushdb()
    await to.client.flushdb()
  })
  const place = (url: string): LayoutOptions => ({ place: { type: 'redis', connection: url } })
  const chats = (url: string, keyPrefix?: string) =>
    redisLayoutSource('langchain-redis-json', place(url), chatReading(keyPrefix), 'text')
  const sink = (options: object = {}) => chatSink({ ...place(to.url), ...options }, 'text')
  const copy = (source: Source<MessageRecord>, into: Sink<MessageRecord>, batchSize = 4) =>
    runPipeline({ name: 'copy', source, sink: into, state: memoryStateStore(), batchSize })
  const documents = async (client = to.client) => {
    const keys = (await client.keys('chat:*')).sort()
    return Object.fromEntries(
      await Promise.all(keys.map(async (key) => [key, JSON.parse((await client.get(key)) ?? '')])),
    )
  }
  const message = (session_id: string, order: number, more: object = {}): MessageRecord => ({
    session_id,
    order,
    type: 'human',
    content: `${session_id} ${order}`,
    tool_calls: null,
    created_at: null,
    data: {},
    ...more,
  })
  const given = (records: readonly MessageRecord[], schema = messageSchema({ kind: 'any' }, true)) =>
    memorySource<MessageRecord>({ records: [...records], key: ['session_id', 'order'], schema })

  async function loadChats(): Promise<void> {
    for (const line of lines('redis-json.ndjson')) {
      const { key, document } = JSON.parse(line) as { key: string; document: object }
      await setDocument(from.client, key, JSON.stringify(document), 'text')
    }
  }

  test('are the same documents under the same keys, with the time at which they expire, and so they are once more', async () => {
    await loadChats()
    const tie = (id: string) => ({
      type: 'ai',
      message_id: id,
      data: { content: id },
      session_id: 'a:b',
      timestamp: 1.5,
    })
    for (const id of ['01M80WBQVHECEMZ7TMWPXTG05B', '01M80WBQVHECEMZ7TMWPXTG05A']) {
      await setDocument(from.client, `chat:a:b:${id}`, JSON.stringify(tie(id)), 'text')
    }
    const [expiring = ''] = await from.client.keys('chat:*05M')
    await from.client.pexpireat(expiring, 4_102_444_800_000)
    expect((await copy(chats(from.url), sink())).counts).toMatchObject({ read: 15, inserted: 15 })
    expect(await documents()).toEqual(await documents(from.client))
    expect(Math.round((await to.client.pttl(expiring)) / 1e6)).toBe(Math.round((4_102_444_800_000 - Date.now()) / 1e6))
    expect(await to.client.keys('drover*')).toEqual([])
    expect((await copy(chats(from.url), sink(), 7)).counts).toMatchObject({ inserted: 0, updated: 15 })
    expect((await copy(chats(from.url), sink({ onConflict: 'skip' }))).counts).toMatchObject({
      updated: 0,
      skipped: 15,
    })
    expect(await documents()).toEqual(await documents(from.client))
  })

  test('come from SQL with all types, tool calls, ids and content, are as LangChain.js reads them, and go back equal', async () => {
    const filename = path.join(folder, 'messages.db')
    copyFileSync(fixture('message_store.db'), filename)
    const sqlite: LayoutOptions = { place: { type: 'sqlite', filename } }
    await copy(historySource('langchain-sqlite', sqlite), sink())
    expect((await readRecords(chats(to.url))).records.map(plain)).toEqual(bySession(addedMessages()))
    const stored = Object.values(await documents()) as { type: string; data: object; message_id: string }[]
    expect(stored.every(({ message_id }) => /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(message_id))).toBe(true)
    const known = stored.filter(({ type }) => ['human', 'ai', 'system', 'tool'].includes(type))
    expect(mapStoredMessagesToChatMessages(known as never).map((one) => one.getType())).toEqual(
      known.map(({ type }) => type),
    )
    const back: LayoutOptions = { place: { type: 'sqlite', filename: path.join(folder, 'back.db') } }
    await copy(chats(to.url), historySink('langchain-sqlite', back))
    const { records } = await readRecords(historySource('langchain-sqlite', back))
    expect(records.map(comparable)).toEqual(bySession(addedMessages()))
    // A second run from the same table writes the same keys.
    const before = await documents()
    expect((await copy(historySource('langchain-sqlite', sqlite), sink(), 13)).counts).toMatchObject({ updated: 13 })
    expect(await documents()).toEqual(before)
  })

  test('go from lists and back to lists, in order', async () => {
    const text = (i: number) => JSON.stringify({ type: 'human', data: { content: String(i) } })
    await from.client.lpush('message_store:one:two', ...Array.from({ length: 30 }, (_, i) => text(i)))
    const lists = (url: string) => redisLayoutSource('langchain-redis-list', place(url), listReading())
    await copy(lists(from.url), sink(), 7)
    await copy(chats(to.url), listSink(place(to.url)), 11)
    expect(await to.client.lrange('message_store:one:two', 0, -1)).toEqual(
      await from.client.lrange('message_store:one:two', 0, -1),
    )
  })

  test('of one time are told apart by a microsecond each, as they came, whoever goes on with them', async () => {
    const at = '2026-01-01T00:00:00.000000Z'
    // What a transaction has added has one time, and a clock may have been set back.
    const records = Array.from({ length: 12 }, (_, i) =>
      message(i % 2 === 0 ? 'even' : 'odd', i, { created_at: i === 6 ? '2025-12-31T23:59:59.000000Z' : at }),
    )
    await copy(given(records), sink(), 100)
    const whole = await documents()
    const { records: read } = await readRecords(chats(to.url))
    expect(read.map(({ content }) => content)).toEqual(bySession(records).map(({ content }) => content))
    expect(read.slice(0, 3).map(({ created_at }) => created_at)).toEqual([
      at,
      '2026-01-01T00:00:00.000001Z',
      '2026-01-01T00:00:00.000002Z',
    ])
    await to.client.flushdb()

    const { signal } = new AbortController()
    const source = await given(records).connect({ signal })
    const partition = { id: 'all', bounds: null }
    const pages: Page<MessageRecord>[] = []
    for await (const page of source.read({ signal, partition, after: null, page: { records: 3, bytes: 1e6 } }))
      pages.push(page)
    const batch = (sequence: number, first: number, last: number) => ({
      partition,
      sequence,
      async *[Symbol.asyncIterator]() {
        yield* pages.slice(first, last)
      },
    })
    // Each process dies behind its batch, every second one before its position was stored.
    for (const [sequence, first, last] of [
      [1, 0, 1],
      [2, 1, 2],
      [2, 1, 3],
      [3, 3, 4],
    ] as const) {
      await using session = await sink().connect({ signal })
      await session.write(batch(sequence, first, last), { signal })
    }
    expect(await documents()).toEqual(whole)
    // The same within one process.
    await to.client.flushdb()
    await using session = await sink().connect({ signal })
    for (const [sequence, first, last] of [
      [1, 0, 2],
      [1, 0, 2],
      [2, 2, 4],
      [2, 2, 4],
    ] as const) {
      await session.write(batch(sequence, first, last), { signal })
    }
    expect(await documents()).toEqual(whole)
    await session.finish?.('completed', { signal })
    expect(await to.client.keys('drover*')).toEqual([])
    await source[Symbol.asyncDispose]()
  })

  test('without a time stand before those that have one', async () => {
    await copy(given([message('s', 1, { created_at: '2026-01-01T00:00:00Z' })]), sink())
    await copy(given([message('s', 7), message('s', 8)]), sink())
    const { records } = await readRecords(chats(to.url))
    expect(records.map(({ content }) => content)).toEqual(['s 7', 's 8', 's 1'])
  })

  test('of two stores are all there, though their numbers are the same', async () => {
    await copy(given([message('s', 1)]), sink())
    await copy(given([message('s', 1, { content: 'another' })]), sink())
    expect((await readRecords(chats(to.url))).records.map(({ content }) => content).sort()).toEqual(['another', 's 1'])
  })

  test('of a session without a name, or with a time that is none, are refused, and the others come', async () => {
    const refused: string[] = []
    const run = startPipeline({
      name: 'odd',
      source: given([message('', 1), message('s', 2, { created_at: 'yesterday' }), message('s', 3)]),
      sink: sink(),
      state: memoryStateStore(),
      maxRejected: 5,
    })
    run.events.on('record:rejected', (event) => refused.push(event.message))
    expect((await run.result).counts).toMatchObject({ written: 1, rejected: 2 })
    expect(refused.sort()).toEqual([
      expect.stringContaining('message 1 of session "" cannot be kept: its session has no name'),
      expect.stringContaining('"yesterday"'),
    ])
  })

  test('need RedisJSON, which is said before anything is written', async () => {
    const { signal } = new AbortController()
    await expect(chatSink(place(to.url)).connect({ signal })).rejects.toMatchObject({
      code: 'SINK_NOT_READY',
      message: expect.stringContaining('has no RedisJSON'),
    })
  })
})

describe('the sink of langchain-redis', () => {
  test('takes no error for a key that is there', () => {
    const place = { type: 'redis', connection: 'redis://localhost' } as const
    expect(() => chatSink({ place, onConflict: 'error' })).toThrow(/'update' or 'skip'/)
  })
})
