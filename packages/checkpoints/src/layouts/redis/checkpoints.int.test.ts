import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { memorySource, memoryStateStore, runPipeline, startPipeline } from '@drover/core'
import { describeRedis, describeStack, stackUrl, useRedis } from '@drover-internal/redis-server/vitest'
import { AIMessage, HumanMessage } from '@langchain/core/messages'
import {
  Annotation,
  Command,
  END,
  interrupt,
  type MemorySaver,
  MessagesAnnotation,
  START,
  StateGraph,
} from '@langchain/langgraph'
import { RedisSaver } from '@langchain/langgraph-checkpoint-redis'
import { ShallowRedisSaver } from '@langchain/langgraph-checkpoint-redis/shallow'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { checkpointSink } from '../../checkpoint-sink.js'
import { checkpointSource } from '../../checkpoint-source.js'
import type { CheckpointRecord, CheckpointState } from '../../records/checkpoint-record.js'
import { checkpointSchema } from '../../records/schemas.js'
import type { StoredValue } from '../../records/stored-value.js'
import { readPages, readRecords } from '../../testing/read-records.js'
import type { RedisCheckpointLayout } from './checkpoint-keys.js'
import { checkpointReading } from './checkpoint-reading.js'
import { checkpointRedisSink } from './checkpoint-sink.js'
import { redisLayoutSource } from './redis-layout-source.js'
import type { DocumentForm } from './redis-reader.js'
import { comparableDocument } from './testing/comparable-document.js'
import { documentClient } from './testing/document-client.js'
import { type Expected, expectedCheckpoints, loadKeys, oldValues, setDocument } from './testing/redis-fixtures.js'

function sourceOf(layout: RedisCheckpointLayout, connection: string, form: DocumentForm) {
  return redisLayoutSource<CheckpointRecord>(
    layout,
    { place: { type: 'redis', connection } },
    checkpointReading(layout),
    form,
  )
}

function shown({ type, bytes }: StoredValue): string {
  return bytes === null ? type : `${type} ${Buffer.from(bytes).toString()}`
}

function comparable({ state, writes, ...record }: CheckpointRecord): Expected {
  const { channels } = state as CheckpointState
  return {
    key: [record.thread_id, record.checkpoint_ns, record.checkpoint_id],
    parent: record.parent_checkpoint_id,
    timestamp: record.timestamp ?? '',
    step: record.metadata.step as number,
    channels: Object.entries(channels)
      .map(([name, value]): [string, string] => [name, shown(value)])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
    writes: writes
      .map(({ task_path, task_id, idx, channel, value }) =>
        [task_path, task_id, idx, channel, value.type, value.bytes && Buffer.from(value.bytes).toString('base64')].join(
          ' ',
        ),
      )
      .sort(),
  }
}

function byKey(all: readonly Expected[]): readonly Expected[] {
  return [...all].sort((a, b) => (JSON.stringify(a.key) < JSON.stringify(b.key) ? -1 : 1))
}

/** What fixtures of the Python savers come to, wherever they lie. */
function pythonTests(connection: () => { readonly client: Redis; readonly url: string }, form: DocumentForm): void {
  test('of Python come with every channel, write and parent, of threads and namespaces with separators too', async () => {
    const { client, url } = connection()
    await loadKeys(client, 'python.ndjson', form)
    const { records, rejected } = await readRecords(sourceOf('langgraph-redis', url, form), 7)
    expect(rejected).toEqual([])
    expect(byKey(records.map(comparable))).toEqual(byKey(expectedCheckpoints('python.expected.ndjson')))
    expect(new Set(records.map(({ thread_id }) => thread_id))).toEqual(new Set(['user:42', 'plain', 'a:b|c']))
    expect(records.every(({ language }) => language === 'python')).toBe(true)
    const [first] = records.map(({ state }) => (state as CheckpointState).checkpoint)
    expect(Object.keys(first ?? {}).sort()).toEqual(
      ['channel_versions', 'id', 'ts', 'updated_channels', 'v', 'versions_seen'].sort(),
    )
  })

  test('of the shallow saver are the last ones of each namespace, with the writes that it registered', async () => {
    const { client, url } = connection()
    await loadKeys(client, 'python-shallow.ndjson', form)
    const { records, rejected } = await readRecords(sourceOf('langgraph-redis-shallow', url, form))
    expect(rejected).toEqual([])
    const all = expectedCheckpoints('python-shallow.expected.ndjson')
    const last = new Map(all.map((one) => [JSON.stringify(one.key.slice(0, 2)), { ...one, parent: null }]))
    const found = records.map(comparable)
    expect(byKey(found.map(({ writes: _, ...one }) => one as Expected))).toEqual(
      byKey([...last.values()].map(({ writes: _, ...one }) => one as Expected)),
    )
    expect(found.flatMap(({ writes }) => writes).some((write) => write.includes('__interrupt__'))).toBe(true)
  })

  test('of both savers in one store are told apart, and those of the other one are left out with a warning', async () => {
    const { client, url } = connection()
    await loadKeys(client, 'python.ndjson', form)
    await loadKeys(client, 'python-shallow.ndjson', form)
    const warnings: string[] = []
    const { signal } = new AbortController()
    const session = await sourceOf('langgraph-redis-shallow', url, form).connect({
      signal,
      warn: ({ code }) => warnings.push(code),
    })
    let count = 0
    const partition = { id: 'all', bounds: null }
    for await (const page of session.read({ signal, partition, after: null, page: { records: 10, bytes: 1e6 } }))
      count += page.count
    await session[Symbol.asyncDispose]()
    expect(count).toBe(6)
    expect(warnings).toEqual(['KEYS_LEFT_OUT'])
  })
}

describeRedis('checkpoints in a Redis without modules, as strings of JSON', () => {
  const database = useRedis()
  afterEach(async () => {
    await database.client.flushdb()
  })

  pythonTests(() => database, 'text')

  test('go on behind any cursor, and in partitions, with each checkpoint once', async () => {
    await loadKeys(database.client, 'python.ndjson', 'text')
    const source = sourceOf('langgraph-redis', database.url, 'text')
    const { records, cursors } = await readPages(source, 3)
    const ids = (some: readonly CheckpointRecord[]) =>
      some.map(({ thread_id, checkpoint_id }) => `${thread_id} ${checkpoint_id}`)
    for (const [i, cursor] of cursors.entries()) {
      expect(ids((await readRecords(source, 5, cursor)).records)).toEqual(ids(records.slice((i + 1) * 3)))
    }
    const { signal } = new AbortController()
    await using session = await source.connect({ signal })
    const partitions = (await session.partition?.({ signal, count: 4 })) ?? []
    expect(partitions).toHaveLength(4)
    const parts: CheckpointRecord[] = []
    for (const partition of partitions) {
      for await (const page of session.read({ signal, partition, after: null, page: { records: 100, bytes: 1e7 } }))
        parts.push(...page.rows())
    }
    expect(ids(parts)).toEqual(ids(records))
  })

  test('that are broken are rejected with their keys and bytes, and the others come', async () => {
    await loadKeys(database.client, 'python.ndjson', 'text')
    const [key = ''] = await database.client.keys('checkpoint:plain:__empty__:*')
    const text = (await database.client.get(key)) ?? ''
    await database.client.set(key, text.slice(0, 300))
    const [write = ''] = await database.client.keys('checkpoint_write:plain:below:*')
    await setDocument(
      database.client,
      write,
      ((await database.client.get(write)) ?? '').replace('"idx":0', '"idx":"first"'),
      'text',
    )
    const { records, rejected } = await readRecords(sourceOf('langgraph-redis', database.url, 'text'))
    expect(records).toHaveLength(26)
    expect(rejected.map((reject) => reject.key).sort()).toEqual([[key], ['plain', 'below', write.split(':')[3]]].sort())
    expect(rejected.find((reject) => reject.key?.length === 1)?.raw?.toString()).toBe(text.slice(0, 300))
    expect(rejected.map(({ error }) => (error as { code?: string }).code)).toEqual([
      'RECORD_UNREADABLE',
      'RECORD_UNREADABLE',
    ])
  })

  test.each(['langgraph-redis', 'langgraph-redis-shallow', 'langgraph-js-redis'] as const)(
    '%s: what another application keeps beside is left out, and said',
    async (layout) => {
      await loadKeys(
        database.client,
        layout === 'langgraph-redis-shallow' ? 'python-shallow.ndjson' : 'python.ndjson',
        'text',
      )
      await setDocument(database.client, 'checkpoint:of:a-game', '{"level":3}', 'text')
      await database.client.hset('checkpoint:hash', 'a', 'b')
      const warnings: string[] = []
      const { signal } = new AbortController()
      const session = await sourceOf(layout, database.url, 'text').connect({
        signal,
        warn: ({ message }) => warnings.push(message),
      })
      const partition = { id: 'all', bounds: null }
      for await (const page of session.read({ signal, partition, after: null, page: { records: 10, bytes: 1e6 } }))
        expect(page.rejected ?? []).toEqual([])
      await session[Symbol.asyncDispose]()
      expect(warnings).toEqual([expect.stringMatching(/ (?:1|29) of the documents .* were left out/)])
    },
  )

  test('without the set that names their writes have them all the same', async () => {
    await loadKeys(database.client, 'python.ndjson', 'text')
    await database.client.del(...(await database.client.keys('write_keys_zset:*')))
    // A checkpoint that was put after its writes says that it has none.
    for (const key of await database.client.keys('checkpoint:*')) {
      const text = (await database.client.get(key)) ?? ''
      await database.client.set(key, text.replace('"has_writes":false', '"has_writes":true'))
    }
    const { records } = await readRecords(sourceOf('langgraph-redis', database.url, 'text'))
    expect(byKey(records.map(comparable))).toEqual(byKey(expectedCheckpoints('python.expected.ndjson')))
  })

  test('of a server that is emptied meanwhile are no complete read', async () => {
    await loadKeys(database.client, 'python.ndjson', 'text')
    const { signal } = new AbortController()
    await using session = await sourceOf('langgraph-redis', database.url, 'text').connect({ signal })
    await session.count?.({ signal })
    await database.client.flushdb()
    const read = async () => {
      const options = { signal, partition: { id: 'all', bounds: null }, after: null, page: { records: 10, bytes: 1e6 } }
      for await (const page of session.read(options)) page.rows()
    }
    await expect(read()).rejects.toMatchObject({ code: 'SOURCE_INVALID', message: expect.stringContaining('emptied') })
  })

  test.each(['langgraph-redis', 'langgraph-redis-shallow', 'langgraph-js-redis', 'langchain-redis-json'] as const)(
    'are none for %s: what is missing is said before anything is read',
    async (layout) => {
      const source = checkpointSource({ layout, place: { type: 'redis', connection: database.url } })
      const { signal } = new AbortController()
      await expect(source.connect({ signal })).rejects.toMatchObject({
        code: 'SOURCE_INVALID',
        message: expect.stringMatching(/has no RedisJSON.*load the module/),
      })
    },
  )

  test('of versions before 0.2 have values of channels that lie in documents of their own, and writes that no set names', async () => {
    await loadKeys(database.client, 'python-old.ndjson', 'text')
    const { records, rejected } = await readRecords(sourceOf('langgraph-redis', database.url, 'text'))
    expect(rejected).toEqual([])
    const channels = Object.fromEntries(
      Object.entries(oldValues()).map(([name, [type, text]]) => [
        name,
        type === 'base64' ? `bytes ${Buffer.from(text, 'base64')}` : `json ${text}`,
      ]),
    )
    for (const { state, writes, parent_checkpoint_id } of records) {
      const found = Object.entries((state as CheckpointState).channels).map(([name, value]) => [name, shown(value)])
      expect(Object.fromEntries(found)).toEqual({ ...channels, gone: 'empty' })
      expect(writes.map(({ idx, channel, value }) => [idx, channel, value.type])).toEqual([
        [0, 'messages', 'json'],
        [1, 'raw', 'bytes'],
      ])
      expect(parent_checkpoint_id).toBeNull()
    }
    expect(records.map(({ thread_id, checkpoint_ns }) => [thread_id, checkpoint_ns])).toEqual([
      ['old:1', ''],
      ['old:1', 'node:5a1d7c1e'],
    ])
  })

  test('of LangGraph.js come with values of channels that lie beside them, and with writes', async () => {
    const saver = new RedisSaver(documentClient(database.client) as never)
    const kept = await runGraph(saver)
    const { records, rejected } = await readRecords(sourceOf('langgraph-js-redis', database.url, 'text'))
    expect(rejected).toEqual([])
    expect(records).toHaveLength(kept)
    for (const record of records) {
      const { thread_id, checkpoint_ns, checkpoint_id } = record
      const tuple = await saver.getTuple({ configurable: { thread_id, checkpoint_ns, checkpoint_id } })
      expect(tuple?.parentConfig?.configurable?.checkpoint_id ?? null).toBe(record.parent_checkpoint_id)
      expect(tuple?.checkpoint.ts).toBe(record.timestamp)
      const { channels } = record.state as CheckpointState
      const values = Object.entries(channels).filter(([, { type }]) => type !== 'empty')
      const revived = await Promise.all(
        values.map(async ([name, { bytes }]) => [name, await saver.serde.loadsTyped('json', bytes ?? '')]),
      )
      expect(Object.fromEntries(revived)).toEqual(tuple?.checkpoint.channel_values)
      expect(record.metadata).toEqual(tuple?.metadata)
      // Where a checkpoint and its writes are put at the same time, `has_writes` may say that there are none: so the saver is asked for them.
      const pending = await (saver as unknown as PendingWrites).loadPendingWrites(
        thread_id,
        checkpoint_ns,
        checkpoint_id,
      )
      const written = record.writes.map(({ task_id, channel }) => `${task_id} ${channel}`)
      expect(written.sort()).toEqual((pending ?? []).map(([task, channel]) => `${task} ${channel}`).sort())
    }
    expect(records.some(({ writes }) => writes.some(({ idx }) => idx === -3))).toBe(true)
    expect(records.some(({ checkpoint_ns }) => checkpoint_ns.startsWith('below:'))).toBe(true)
  })

  test('of the shallow saver of LangGraph.js are the last ones', async () => {
    const saver = new ShallowRedisSaver(documentClient(database.client) as never)
    await runGraph(saver)
    const { records } = await readRecords(sourceOf('langgraph-js-redis', database.url, 'text'))
    expect(records.filter(({ checkpoint_ns }) => checkpoint_ns === '').map(({ thread_id }) => thread_id)).toEqual([
      'js:1',
      'js:2',
    ])
  })
})

describeRedis('checkpoints written to a Redis without modules, as strings of JSON', () => {
  const from = useRedis()
  const to = useRedis()
  afterEach(async () => {
    await from.client.flushdb()
    await to.client.flushdb()
  })
  const sinkOf = (layout: RedisCheckpointLayout, options: object = {}) =>
    checkpointRedisSink(layout, { place: { type: 'redis', connection: to.url }, ...options }, 'text')
  const copy = (layout: RedisCheckpointLayout, options: object = {}) =>
    runPipeline({
      name: 'copy',
      source: sourceOf(layout, from.url, 'text'),
      sink: sinkOf(layout, options),
      state: memoryStateStore(),
      batchSize: 5,
    })

  test('of Python are the same documents again, and the same records', async () => {
    await loadKeys(from.client, 'python.ndjson', 'text')
    expect((await copy('langgraph-redis')).counts).toMatchObject({ inserted: 28, updated: 0 })
    const keys = (await from.client.keys('*')).sort()
    expect((await to.client.keys('*')).sort()).toEqual(keys)
    for (const key of keys) {
      if (key.startsWith('write_keys_zset')) {
        expect((await to.client.zrange(key, '0', '-1')).sort()).toEqual(
          (await from.client.zrange(key, '0', '-1')).sort(),
        )
      } else
        expect(comparableDocument(await to.client.get(key))).toEqual(comparableDocument(await from.client.get(key)))
    }
    const [first, second] = [from, to].map(({ url }) => readRecords(sourceOf('langgraph-redis', url, 'text')))
    expect((await second)?.records).toEqual((await first)?.records)
    expect((await copy('langgraph-redis', { onConflict: 'skip' })).counts).toMatchObject({ inserted: 0, skipped: 28 })
    expect((await copy('langgraph-redis')).counts).toMatchObject({ updated: 28 })
  })

  test('of LangGraph.js are read by its saver, and the graph goes on with an interrupted thread', async () => {
    await runGraph(new RedisSaver(documentClient(from.client) as never))
    await copy('langgraph-js-redis')
    const [first, second] = [from, to].map(({ url }) => readRecords(sourceOf('langgraph-js-redis', url, 'text')))
    expect((await second)?.records).toEqual((await first)?.records)
    const graph = graphWith(new RedisSaver(documentClient(to.client) as never))
    const config = { configurable: { thread_id: 'js:2' } }
    const before = await graph.getState(config)
    expect(before.tasks.flatMap(({ interrupts }) => interrupts.map(({ value }) => value))).toEqual([
      { question: 'Go on?' },
    ])
    const after = await graph.invoke(new Command({ resume: 'gladly' }), config)
    expect(after.note).toBe('gladly')
    expect(after.messages).toHaveLength(2)
  })

  test('that JSON has no form for are refused one by one, and those of the other language', async () => {
    await loadKeys(from.client, 'python.ndjson', 'text')
    const { records } = await readRecords(sourceOf('langgraph-redis', from.url, 'text'))
    const [first, second, third] = records.slice(0, 3) as [CheckpointRecord, CheckpointRecord, CheckpointRecord]
    const odd: CheckpointRecord[] = [
      {
        ...first,
        state: {
          ...(first.state as CheckpointState),
          channels: { raw: { type: 'msgpack', bytes: new Uint8Array([192]) } },
        },
      },
      { ...second, state: { sealed: { type: 'msgpack+aes', bytes: new Uint8Array(40) } } },
      { ...third, language: 'js' },
      records[3] as CheckpointRecord,
    ]
    const source = memorySource({
      records: odd,
      key: ['thread_id', 'checkpoint_ns', 'checkpoint_id'],
      schema: checkpointSchema,
    })
    const refused: string[] = []
    const run = startPipeline({
      name: 'odd',
      source,
      sink: sinkOf('langgraph-redis'),
      state: memoryStateStore(),
      maxRejected: 3,
    })
    run.events.on('record:rejected', ({ message }) => refused.push(message))
    expect((await run.result).counts).toMatchObject({ written: 1, rejected: 3 })
    expect(refused.sort()).toEqual([
      expect.stringContaining('is of the type "msgpack", and RedisJSON keeps JSON'),
      expect.stringContaining('encrypted or pickled as a whole'),
      expect.stringContaining('LangGraph.js'),
    ])
  })

  test('go from Redis into SQLite as far as its saver reads their values, and are refused otherwise', async () => {
    await loadKeys(from.client, 'python.ndjson', 'text')
    const { records } = await readRecords(sourceOf('langgraph-redis', from.url, 'text'))
    const marked = records.filter(({ state, writes }) =>
      [...Object.values((state as CheckpointState).channels), ...writes.map(({ value }) => value)].some(
        ({ type, bytes }) => type === 'json' && /"__(bytes|send|interrupt)__":/.test(String(Buffer.from(bytes ?? []))),
      ),
    )
    const folder = mkdtempSync(path.join(tmpdir(), 'drover-redis-'))
    try {
      const place = { type: 'sqlite', filename: path.join(folder, 'agents.db') } as const
      const reasons: string[] = []
      const run = startPipeline({
        name: 'into SQLite',
        source: sourceOf('langgraph-redis', from.url, 'text'),
        sink: checkpointSink({ place, layout: 'langgraph-sqlite' }),
        state: memoryStateStore(),
        maxRejected: 100,
        deadLetters: path.join(folder, 'dead'),
      })
      run.events.on('record:rejected', ({ message }) => reasons.push(message))
      const { counts } = await run.result
      expect(marked.length).toBeGreaterThan(0)
      // SQLite keeps a checkpoint as one value of MessagePack, which messages in JSON cannot be a part of either.
      expect(reasons.filter((reason) => reason.includes('langgraph-checkpoint-redis'))).toHaveLength(marked.length)
      expect(counts).toMatchObject({ read: 28, written: 28 - reasons.length, rejected: reasons.length })
      expect(counts.written).toBeGreaterThan(0)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('need RedisJSON, which is said before anything is written, and take no error for a key that is there', async () => {
    const options = { place: { type: 'redis', connection: to.url } } as const
    const { signal } = new AbortController()
    await expect(checkpointRedisSink('langgraph-redis', options).connect({ signal })).rejects.toMatchObject({
      code: 'SINK_NOT_READY',
      message: expect.stringContaining('has no RedisJSON'),
    })
    expect(() => checkpointRedisSink('langgraph-redis', { ...options, onConflict: 'error' })).toThrow(
      /'update' or 'skip'/,
    )
  })
})

describeStack('checkpoints in a Redis with RedisJSON', () => {
  let client: Redis
  beforeAll(() => {
    client = new Redis(stackUrl())
  })
  afterEach(async () => {
    await client.flushdb()
  })
  afterAll(() => {
    client.disconnect()
  })
  pythonTests(() => ({ client, url: stackUrl() }), 'json')
})

interface PendingWrites {
  loadPendingWrites(
    ...name: readonly string[]
  ): Promise<readonly (readonly [task: string, channel: string])[] | undefined>
}

/** Two threads, one of them interrupted. Gives how many checkpoints there are. */
async function runGraph(saver: RedisSaver | ShallowRedisSaver): Promise<number> {
  const graph = graphWith(saver)
  for (const thread_id of ['js:1', 'js:2']) {
    const config = { configurable: { thread_id } }
    await graph.invoke({ messages: [new HumanMessage({ content: 'Weather?', id: 'h-1' })] }, config)
    if (thread_id === 'js:1') await graph.invoke(new Command({ resume: 'yes' }), config)
  }
  const client = (saver as unknown as { readonly client: { keys(pattern: string): Promise<string[]> } }).client
  return (await client.keys('checkpoint:*')).length
}

function graphWith(saver: RedisSaver | ShallowRedisSaver) {
  const State = Annotation.Root({
    ...MessagesAnnotation.spec,
    note: Annotation<string>,
  })
  const below = new StateGraph(State)
    .addNode('deep', () => ({ note: 'from below' }))
    .addEdge(START, 'deep')
    .addEdge('deep', END)
  return new StateGraph(State)
    .addNode('agent', () => ({
      messages: [
        new AIMessage({
          content: '',
          id: 'a-1',
          tool_calls: [{ name: 'weather', args: { city: 'Oslo' }, id: 'call_1' }],
        }),
      ],
    }))
    .addNode('below', below.compile())
    .addNode('ask', () => ({ note: interrupt({ question: 'Go on?' }) as string }))
    .addEdge(START, 'agent')
    .addEdge('agent', 'below')
    .addEdge('below', 'ask')
    .addEdge('ask', END)
    .compile({ checkpointer: saver as unknown as MemorySaver })
}
