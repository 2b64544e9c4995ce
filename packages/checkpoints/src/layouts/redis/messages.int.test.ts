import { readFileSync } from 'node:fs'
import { memoryStateStore, type Page, runPipeline } from '@drover/core'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { describeRedis, useRedis } from '@drover-internal/redis-server/vitest'
import { mapStoredMessagesToChatMessages } from '@langchain/core/messages'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { MessageRecord } from '../../records/message-record.js'
import { readPages, readRecords } from '../../testing/read-records.js'
import { historySink } from '../langchain/history-sink.js'
import { historySource } from '../langchain/history-source.js'
import { addedMessages, bySession, comparable, fixture, lines, restoreTable } from '../langchain/testing/histories.js'
import type { LayoutOptions } from '../layout.js'
import { chatReading } from './chat-reading.js'
import { listReading } from './list-reading.js'
import { listSink } from './list-sink.js'
import { redisLayoutSource } from './redis-layout-source.js'
import { setDocument } from './testing/redis-fixtures.js'

function plain({ expires_at: _, ...message }: MessageRecord) {
  return comparable(message)
}

describeRedis('messages in Redis', () => {
  const database = useRedis()
  const of = (): LayoutOptions => ({ place: { type: 'redis', connection: database.url } })
  const lists = () => redisLayoutSource('langchain-redis-list', of(), listReading())
  afterEach(async () => {
    await database.client.flushdb()
  })

  const numbered = (i: number) => JSON.stringify({ type: 'human', data: { content: String(i) } })

  async function loadLists(): Promise<Record<string, readonly string[]>> {
    const found = JSON.parse(readFileSync(fixture('redis-lists.json'), 'utf8')) as Record<string, readonly string[]>
    for (const [key, items] of Object.entries(found)) await database.client.rpush(key, ...items)
    return found
  }

  test('of lists come session by session, each in the order in which it was added, with the time at which it expires', async () => {
    const [expiring = ''] = Object.keys(await loadLists())
    await database.client.pexpireat(expiring, 4_102_444_800_000)
    const { records, rejected } = await readRecords(lists(), 3)
    expect(rejected).toEqual([])
    expect(records.map(plain)).toEqual(bySession(addedMessages()))
    const expiries = records.map(({ session_id, expires_at }) => [
      session_id,
      Math.round(Date.parse(expires_at ?? '') / 10_000),
    ])
    expect(expiries[0]).toEqual([expiring.slice('message_store:'.length), 410_244_480])
    expect(records.at(-1)?.expires_at).toBeNull()
    expect(records.map(({ order }) => order).slice(0, 4)).toEqual([0, 1, 2, 3])
  })

  test('of long lists are read in parts, go on behind any of them, and stay where they are when one is added', async () => {
    await database.client.lpush('message_store:long:one', ...Array.from({ length: 1_000 }, (_, i) => numbered(i)))
    await database.client.lpush('message_store:short', numbered(0))
    const { records, cursors } = await readPages(lists(), 300)
    const numbers = [...Array.from({ length: 1_000 }, (_, i) => String(i)), '0']
    expect(records.map(({ content }) => content)).toEqual(numbers)
    await database.client.lpush('message_store:long:one', numbered(1_000))
    const rest = await readRecords(lists(), 300, cursors[1])
    expect(rest.records.map(({ content }) => content)).toEqual([...numbers.slice(600, 1_000), '1000', '0'])
  })

  test.each([
    ['trimmed', (key: string) => database.client.ltrim(key, 0, 499)],
    ['removed', (key: string) => database.client.del(key)],
    [
      'made anew',
      async (key: string) => {
        await database.client.del(key)
        await database.client.lpush(key, ...Array.from({ length: 2_000 }, (_, i) => numbered(-i - 1)))
      },
    ],
  ] as const)(
    'of a list that is %s while it is read are said to be missing, and none comes from another place',
    async (_, change) => {
      const key = 'message_store:long'
      await database.client.lpush(key, ...Array.from({ length: 1_000 }, (_, i) => numbered(i)))
      await database.client.lpush('message_store:other', numbered(0))
      const { signal } = new AbortController()
      const warnings: string[] = []
      const session = await lists().connect({ signal, warn: ({ code }) => warnings.push(code) })
      const found: unknown[] = []
      const partition = { id: 'all', bounds: null }
      for await (const page of session.read({ signal, partition, after: null, page: { records: 100, bytes: 1e7 } })) {
        found.push(...page.rows().map(({ content }) => Number(content)))
        if (found.length === 100) await change(key)
      }
      await session[Symbol.asyncDispose]()
      expect(found).toEqual([...Array.from({ length: 256 }, (_, i) => i), 0])
      expect(warnings).toEqual(['KEYS_CHANGED'])
    },
  )

  test('of lists that are none are rejected with their place', async () => {
    await loadLists()
    const [key = ''] = await database.client.keys('message_store:*')
    await database.client.lset(key, -2, 'no message')
    const { records, rejected } = await readRecords(lists())
    expect(rejected.map((reject) => [reject.key, reject.raw?.toString()])).toEqual([
      [[key.slice('message_store:'.length), 1], 'no message'],
    ])
    expect(records).toHaveLength(addedMessages().length - 1)
  })

  test('of langchain-redis come in the order of their timestamps, however their keys are called', async () => {
    for (const line of lines('redis-json.ndjson')) {
      const { key, document } = JSON.parse(line) as { key: string; document: object }
      await setDocument(database.client, key, JSON.stringify(document), 'text')
    }
    const odd = (id: string, timestamp: number) =>
      JSON.stringify({ type: 'ai', message_id: id, data: { content: id, type: 'ai' }, session_id: 'a:b', timestamp })
    await setDocument(database.client, 'chat:a:b:01Z', odd('01Z', 1.25), 'text')
    await setDocument(database.client, 'chat:a:b:01A', odd('01A', 1.5), 'text')
    await setDocument(database.client, 'chat:a:b:01B', odd('01B', 1.5), 'text')
    const source = redisLayoutSource('langchain-redis-json', of(), chatReading(), 'text')
    const { records, rejected, cursors } = await readPages(source, 2)
    expect(rejected).toEqual([])
    const contents = bySession(addedMessages()).map(({ type, content }) => [type, content])
    expect(records.map(({ type, content }) => [type, content])).toEqual([
      ...contents,
      ['ai', '01Z'],
      ['ai', '01A'],
      ['ai', '01B'],
    ])
    expect(records.at(-3)?.created_at).toBe('1970-01-01T00:00:01.250000Z')
    const tool = records.find(({ type }) => type === 'tool')
    expect(tool?.data).toMatchObject({ tool_call_id: 'call_1', status: 'success' })
    for (const [i, cursor] of cursors.entries()) {
      const rest = await readRecords(source, 100, cursor)
      expect(rest.records).toEqual(records.slice((i + 1) * 2))
    }
  })

  test('of a long session of langchain-redis are not all in memory, and come in order, without what other applications keep beside', async () => {
    const filler = 'x'.repeat(30_000)
    const write = database.client.pipeline()
    // Their keys are not in the order of their times.
    for (let i = 0; i < 400; i++) {
      const document = { type: 'ai', data: { content: `${i} ${filler}` }, session_id: 'long', timestamp: i }
      write.set(`chat:long:${String((i * 7) % 400).padStart(3, '0')}`, JSON.stringify(document))
    }
    await write.exec()
    await setDocument(database.client, 'chat:long:settings', '{"colour":"red"}', 'text')
    await setDocument(database.client, 'chat:settings', '{"colour":"blue"}', 'text')
    const { signal } = new AbortController()
    const warnings: { code: string; message: string }[] = []
    const source = redisLayoutSource('langchain-redis-json', of(), chatReading(), 'text')
    const session = await source.connect({ signal, warn: (warning) => warnings.push(warning) })
    const found: number[] = []
    const partition = { id: 'all', bounds: null }
    for await (const page of session.read({ signal, partition, after: null, page: { records: 10, bytes: 1e7 } })) {
      found.push(...page.rows().map(({ content }) => Number.parseInt(String(content), 10)))
      if (found.length === 10) await database.client.del('chat:long:001') // message 343, which is read once more
    }
    await session[Symbol.asyncDispose]()
    expect(found).toEqual(Array.from({ length: 400 }, (_, i) => i).filter((i) => i !== 343))
    expect(warnings.map(({ code }) => code).sort()).toEqual(['KEYS_CHANGED', 'KEYS_LEFT_OUT'])
    expect(warnings.find(({ code }) => code === 'KEYS_LEFT_OUT')?.message).toContain('1 of the')
  })

  test('are added to lists as the library would, with the time at which they expire, and LangChain.js reads them', async () => {
    const original = await loadLists()
    const [expiring = ''] = Object.keys(original)
    await database.client.pexpireat(expiring, 4_102_444_800_000)
    const report = await runPipeline({
      name: 'lists',
      source: lists(),
      sink: listSink({ ...of(), keyPrefix: 'copy:' }),
      state: memoryStateStore(),
      batchSize: 4,
    })
    expect(report.counts).toMatchObject({ read: 13, inserted: 13, skipped: 0 })
    for (const [key, items] of Object.entries(original)) {
      const copied = await database.client.lrange(key.replace('message_store:', 'copy:'), 0, -1)
      const value = (text: string) => JSON.parse(text)
      expect(copied.map(value)).toEqual(items.map(value))
    }
    expect(Math.round((await database.client.pttl(expiring.replace('message_store:', 'copy:'))) / 1e6)).toBe(
      Math.round((4_102_444_800_000 - Date.now()) / 1e6),
    )
    const items = await database.client.lrange(expiring.replace('message_store:', 'copy:'), 0, -1)
    const known = items
      .map((item) => JSON.parse(item))
      .filter(({ type }) => ['human', 'ai', 'system', 'tool'].includes(type))
    expect(mapStoredMessagesToChatMessages(known).map((message) => message.getType())).toEqual(
      known.map(({ type }) => type),
    )
    expect(await database.client.keys('drover*')).toEqual([])
  })

  test('of a batch that is given again are there once', async () => {
    const { signal } = new AbortController()
    await loadLists()
    const source = await lists().connect({ signal })
    const pages: Page<MessageRecord>[] = []
    const partition = { id: 'all', bounds: null }
    for await (const page of source.read({ signal, partition, after: null, page: { records: 5, bytes: 1e6 } }))
      pages.push(page)
    const batch = (sequence: number, from: number, to: number) => ({
      partition,
      sequence,
      async *[Symbol.asyncIterator]() {
        yield* pages.slice(from, to)
      },
    })
    await using session = await listSink({ ...of(), keyPrefix: 'again:' }).connect({ signal })
    expect(await session.write(batch(1, 0, 1), { signal })).toEqual({ inserted: 5, updated: 0, skipped: 0 })
    expect(await session.write(batch(2, 1, 2), { signal })).toEqual({ inserted: 5, updated: 0, skipped: 0 })
    // The process died before the position was stored: another one goes on, with larger batches.
    await using second = await listSink({ ...of(), keyPrefix: 'again:' }).connect({ signal })
    expect(await second.write(batch(2, 1, 3), { signal })).toEqual({ inserted: 3, updated: 0, skipped: 5 })
    const again = await readRecords(redisLayoutSource('langchain-redis-list', of(), listReading('again:')))
    expect(again.records.map(plain)).toEqual(bySession(addedMessages()))
    await source[Symbol.asyncDispose]()
  })

  describePostgres('and PostgreSQL', () => {
    const postgres = useDatabase()
    beforeAll(async () => {
      await restoreTable(postgres, 'text_store')
    })

    test('go from a table to lists and back, equal and in order', async () => {
      const table = (name: string): LayoutOptions => ({
        place: { type: 'postgres', connection: postgres.url },
        table: name,
      })
      const steps = [
        [historySource('langchain-postgres', table('text_store')), listSink({ ...of(), keyPrefix: 'message_store:' })],
        [lists(), historySink('langchain-postgres', table('returned'))],
      ] as const
      for (const [source, sink] of steps) {
        await runPipeline({ name: 'there and back', source, sink, state: memoryStateStore(), batchSize: 4 })
      }
      const { records } = await readRecords(historySource('langchain-postgres', table('returned')))
      expect(bySession(records.map(comparable))).toEqual(bySession(addedMessages()))
    })
  })
})

describe('the sink of lists', () => {
  test('says that messages are added, and never replaced', () => {
    const place = { type: 'redis', connection: 'redis://localhost' } as const
    expect(() => listSink({ place, onConflict: 'update' })).toThrow(/leave onConflict out/)
  })
})
