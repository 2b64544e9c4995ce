import { from, memorySource, memoryStateStore, runPipeline, type Sink } from '@drover/core'
import { type RedisServer, startRedis } from '@drover-internal/redis-server'
import { describeOwnRedis } from '@drover-internal/redis-server/vitest'
import { Redis } from 'ioredis'
import { expect, test } from 'vitest'
import type { MessageRecord } from '../../records/message-record.js'
import { messageSchema } from '../../records/schemas.js'
import { readRecords } from '../../testing/read-records.js'
import { chatReading } from './chat-reading.js'
import { chatSink } from './chat-sink.js'
import { listReading } from './list-reading.js'
import { listSink } from './list-sink.js'
import { redisLayoutSource } from './redis-layout-source.js'

const records = Array.from({ length: 40 }, (_, order): MessageRecord => {
  const session_id = `s${order % 3}`
  return { session_id, order, type: 'human', content: String(order), tool_calls: null, created_at: null, data: {} }
})

/** Writes the messages in batches of 5; the server is gone, and there again, in the fourth. */
function runOver(server: RedisServer, sink: Sink<MessageRecord>) {
  const schema = messageSchema({ kind: 'any' }, true)
  let isDone = false
  const restarting = async (message: MessageRecord): Promise<MessageRecord> => {
    if (message.order === 17 && !isDone) {
      isDone = true
      await server.crash()
      await server.start()
    }
    return message
  }
  return runPipeline({
    name: 'restart',
    source: from(memorySource<MessageRecord>({ records, key: ['session_id', 'order'], schema })).pipe(restarting),
    sink,
    state: memoryStateStore(),
    batchSize: 5,
  })
}

describeOwnRedis('a server that restarts while messages are written', () => {
  const of = (url: string) => ({ place: { type: 'redis', connection: url } }) as const
  const layouts = [
    [
      'lists',
      (url: string) => listSink(of(url)),
      (url: string) => redisLayoutSource('langchain-redis-list', of(url), listReading()),
    ],
    [
      'langchain-redis',
      (url: string) => chatSink(of(url), 'text'),
      (url: string) => redisLayoutSource('langchain-redis-json', of(url), chatReading(), 'text'),
    ],
  ] as const

  test.each(layouts)('%s: has each of them once, in order, if it keeps what it confirmed', async (_, sink, source) => {
    await using server = await startRedis({ keepsData: true })
    await runOver(server, sink(server.url))
    const { records: found } = await readRecords<MessageRecord>(source(server.url))
    const wanted = ['s0', 's1', 's2'].flatMap((id) => records.filter(({ session_id }) => session_id === id))
    expect(found.map(({ content }) => content)).toEqual(wanted.map(({ content }) => content))
  })

  test.each(layouts)(
    '%s: fails the run if it does not, in place of a history without its beginning',
    async (_, sink) => {
      await using server = await startRedis()
      await expect(runOver(server, sink(server.url))).rejects.toMatchObject({
        code: 'STATE_INVALID',
        message: expect.stringContaining('has lost what it had confirmed'),
      })
      const client = new Redis(server.url)
      expect(await client.keys('*:s?*')).toEqual([])
      client.disconnect()
    },
  )
})
