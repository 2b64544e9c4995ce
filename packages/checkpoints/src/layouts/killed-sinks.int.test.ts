import {
  memorySource,
  memoryStateStore,
  type RecordSchema,
  type Row,
  runPipeline,
  type Sink,
  type StateStore,
} from '@drover/core'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { useQdrant } from '@drover-internal/qdrant-server/vitest'
import { describeRedis, useRedis } from '@drover-internal/redis-server/vitest'
import { describe, expect, test } from 'vitest'
import { checkpointSink } from '../checkpoint-sink.js'
import { tempFolder } from '../export/testing/records.js'
import type { CheckpointRecord } from '../records/checkpoint-record.js'
import type { MessageRecord } from '../records/message-record.js'
import { checkpointSchema, messageSchema } from '../records/schemas.js'
import { BreakingWire } from '../testing/breaking-wire.js'
import { type Ending, killedSink } from '../testing/killed-sink.js'
import type { LayoutName, LayoutOptions } from './layout.js'
import { chatSink } from './redis/chat-sink.js'
import { checkpointRedisSink } from './redis/checkpoint-sink.js'
import { askSqlite } from './sql/ask.js'

type Records = readonly (CheckpointRecord | MessageRecord)[]

const { signal } = new AbortController()
const endings: readonly Ending[] = ['before the commit', 'behind the commit']
/** Parts of what an undisturbed run sends. */
const breaks = [0.8]

/** Two threads with two namespaces each, one behind the other in time. */
function checkpoints(language: 'python' | 'js'): readonly CheckpointRecord[] {
  return Array.from({ length: 16 }, (_, n): CheckpointRecord => {
    const value = (json: string) => ({ type: language === 'js' ? 'json' : 'inline', bytes: Buffer.from(json) })
    const version = language === 'js' ? n + 1 : `${String(n + 1).padStart(32, '0')}.5`
    const checkpoint_id = `1ef0000${n.toString(16)}-0000-6000-8000-000000000000`
    const ts = `2025-01-01T00:00:${String(n + 10)}.000000+00:00`
    return {
      thread_id: `t${n % 2}`,
      checkpoint_ns: n % 4 < 2 ? '' : 'node:1|inner:2',
      checkpoint_id,
      parent_checkpoint_id: n < 4 ? null : `1ef0000${(n - 4).toString(16)}-0000-6000-8000-000000000000`,
      timestamp: ts,
      language,
      state: {
        checkpoint: {
          v: 4,
          id: checkpoint_id,
          ts,
          channel_versions: { said: version, none: version },
          versions_seen: {},
        },
        channels: { said: value(JSON.stringify(`Number ${n}`)), none: value('null') },
      },
      metadata: { source: 'loop', step: n, parents: {} },
      writes: [0, 1].map((idx) => ({
        task_id: `task-${n}`,
        task_path: '',
        idx,
        channel: 'said',
        value: value(`"${n} ${idx}"`),
      })),
    }
  })
}

const messages = Array.from({ length: 16 }, (_, order): MessageRecord => {
  const created_at = `2025-01-01T00:00:${String(10 + Math.floor(order / 8))}.000000Z`
  return {
    session_id: `s${order % 3}`,
    order,
    type: 'human',
    content: `${order}`,
    tool_calls: null,
    created_at,
    data: {},
  }
})

interface Trial {
  readonly sink: () => Sink<never>
  /** What a reader of the store sees. */
  readonly contents: () => Promise<unknown>
}

interface Subject {
  readonly records: Records
  /** Empty stores, by the URL that leads to them. */
  readonly open: (url: string) => Promise<Trial>
}

let runs = 0

/** A run of one name, called by one process after the other. */
function calls({ records }: Subject): (sink: Sink<never>) => Promise<unknown> {
  const isOfThreads = 'thread_id' in (records[0] ?? {})
  const schema: RecordSchema = isOfThreads ? checkpointSchema : messageSchema({ kind: 'json' }, true)
  const state: StateStore = memoryStateStore()
  const name = `killed ${++runs}`
  return async (sink) =>
    runPipeline({
      name,
      source: memorySource({ records: records as readonly object[] as readonly Row[], key: schema.key, schema }),
      sink: sink as Sink,
      batchSize: 4,
      maxRetries: 0,
      ...(sink.guarantee === 'exactly-once' ? {} : { state }),
    })
}

async function undisturbed(subject: Subject, url = ''): Promise<unknown> {
  const { sink, contents } = await subject.open(url)
  await calls(subject)(sink())
  return await contents()
}

/** Ends it there, goes on, and gives what is in the store then. */
async function killed(subject: Subject, ending: Ending, url = ''): Promise<unknown> {
  const { sink, contents } = await subject.open(url)
  const call = calls(subject)
  await expect(call(killedSink(sink(), ending))).rejects.toThrow('killed')
  await call(sink())
  return await contents()
}

/** Breaks off what is sent, and goes on. */
async function broken(subject: Subject, wire: BreakingWire, bytes: number): Promise<unknown> {
  const { sink, contents } = await subject.open(wire.url)
  const call = calls(subject)
  wire.breakAfter(bytes)
  await call(sink()).catch(() => {}) // a client that sends again what was not answered may go on
  expect(wire.isBroken).toBe(true)
  await call(sink())
  return await contents()
}

async function expectSame(subject: Subject, url: string): Promise<void> {
  await using wire = await BreakingWire.to(url)
  const whole = await undisturbed(subject, wire.url)
  expect(JSON.stringify(whole).length).toBeGreaterThan(500)
  const sent = wire.sent
  for (const part of breaks) expect(await broken(subject, wire, Math.floor(sent * part))).toEqual(whole)
  for (const ending of endings) expect(await killed(subject, ending, url)).toEqual(whole)
}

const sinkAt = (layout: LayoutName, options: LayoutOptions & object): Sink<never> =>
  checkpointSink({ layout, ...options }) as object as Sink<never>

describe('a file of SQLite has each record once, wherever a process ends', () => {
  test.each([
    ['langgraph-sqlite', checkpoints('python'), ['checkpoints', 'writes']],
    ['langgraph-js-sqlite', checkpoints('js'), ['checkpoints', 'writes']],
    ['langchain-sqlite', messages, ['message_store']],
  ] as const)('%s', async (layout, records, tables) => {
    const subject: Subject = {
      records,
      open: async () => {
        const filename = `${tempFolder()}/killed.db`
        const ask = askSqlite(filename, { signal })
        return {
          sink: () => sinkAt(layout, { place: { type: 'sqlite', filename } }),
          contents: () => Promise.all(tables.map((table) => ask(`SELECT * FROM ${table} ORDER BY rowid`))),
        }
      },
    }
    const whole = await undisturbed(subject)
    expect(JSON.stringify(whole).length).toBeGreaterThan(500)
    for (const ending of endings) expect(await killed(subject, ending)).toEqual(whole)
  })
})

describePostgres('PostgreSQL has each record once, wherever a process ends', () => {
  const database = useDatabase()
  const saved = ['checkpoints', 'checkpoint_blobs', 'checkpoint_writes']
  test.each([
    ['langgraph-postgres', checkpoints('python'), saved],
    ['langgraph-postgres-shallow', checkpoints('python'), saved],
    ['langgraph-js-postgres', checkpoints('js'), saved],
    ['langchain-postgres', messages, ['message_store']],
  ] as const)('%s', async (layout, records, tables) => {
    const subject: Subject = {
      records,
      open: async (url) => {
        const schema = `trial_${++runs}`
        await database.query(`CREATE SCHEMA ${schema}`)
        // Numbers that a transaction was given and did not keep are not given again.
        const rowsOf = (table: string) =>
          database.query(
            `SELECT to_jsonb(t) - 'id' AS row FROM ${schema}.${table} AS t ORDER BY to_jsonb(t) -> 'id', t::text`,
          )
        return {
          sink: () => sinkAt(layout, { place: { type: 'postgres', connection: url }, schema }),
          contents: async () => {
            const all: unknown[] = []
            for (const table of tables) all.push(await rowsOf(table))
            return all
          },
        }
      },
    }
    await expectSame(subject, database.url)
  })
})

describeRedis('Redis has each record once, wherever a process ends', () => {
  const redis = useRedis()
  const text = 'text'
  const place = (url: string): LayoutOptions => ({ place: { type: 'redis', connection: url } })
  test.each([
    [
      'langgraph-redis',
      checkpoints('python'),
      (url: string) => checkpointRedisSink('langgraph-redis', place(url), text),
    ],
    [
      'langgraph-redis-shallow',
      checkpoints('python'),
      (url: string) => checkpointRedisSink('langgraph-redis-shallow', place(url), text),
    ],
    [
      'langgraph-js-redis',
      checkpoints('js'),
      (url: string) => checkpointRedisSink('langgraph-js-redis', place(url), text),
    ],
    ['langchain-redis-list', messages, (url: string) => sinkAt('langchain-redis-list', place(url))],
    ['langchain-redis-json', messages, (url: string) => chatSink(place(url), text)],
  ] as const)('%s', async (_, records, sink) => {
    const subject: Subject = {
      records,
      open: async (url) => {
        await redis.client.flushdb()
        return { sink: () => sink(url) as object as Sink<never>, contents }
      },
    }
    await expectSame(subject, redis.url)
  })

  async function contents(): Promise<unknown> {
    const { client } = redis
    const keys = (await client.keys('*')).sort()
    const held = async (key: string): Promise<unknown> => {
      const type = await client.type(key)
      if (type === 'string') return await client.get(key)
      return type === 'list' ? await client.lrange(key, 0, -1) : await client.zrange(key, '0', '-1', 'WITHSCORES')
    }
    return Object.fromEntries(await Promise.all(keys.map(async (key) => [key, await held(key)])))
  }
})

describe('Qdrant has each record once, wherever a process ends', () => {
  const qdrant = useQdrant()
  const embed = async (texts: readonly string[]) => texts.map((text) => [text.length, 1, 0])
  test.each([
    ['unified-qdrant', checkpoints('python')],
    ['unified-qdrant-messages', messages],
    ['langchain-qdrant', messages],
  ] as const)('%s', async (layout, records) => {
    const subject: Subject = {
      records,
      open: async (url) => {
        const collection = qdrant.collection()
        const { apiKey } = qdrant
        const at = { type: 'qdrant', url, collection, ...(apiKey === undefined ? {} : { apiKey }) } as const
        return {
          sink: () => sinkAt(layout, { place: at, embed, dimensions: 3 } as LayoutOptions),
          contents: async () => (await qdrant.client.scroll(collection, { limit: 100, with_vector: true })).points,
        }
      },
    }
    await expectSame(subject, qdrant.url)
  })
})
