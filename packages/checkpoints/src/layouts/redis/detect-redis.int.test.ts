import { describeRedis, useRedis } from '@drover-internal/redis-server/vitest'
import { afterEach, expect, test } from 'vitest'
import { detectIn, detectRedis } from './detect-redis.js'
import { loadKeys, setDocument } from './testing/redis-fixtures.js'

describeRedis('what lies in a Redis', () => {
  const database = useRedis()
  const { signal } = new AbortController()
  const message = JSON.stringify({ type: 'human', data: { content: 'Hello' } })
  afterEach(async () => {
    await database.client.flushdb()
  })

  const look = (keyPrefix?: string) =>
    detectIn(
      { place: { type: 'redis', connection: database.url }, ...(keyPrefix !== undefined && { keyPrefix }) },
      { signal },
      'text',
    )

  test('is nothing where no key is called like one of a library', async () => {
    await database.client.set('session:1', 'x')
    expect(await look()).toEqual([])
  })

  test('is told by the names of keys, their types and what is in them', async () => {
    await database.client.rpush('message_store:a', message)
    expect(await look()).toEqual([{ layout: 'langchain-redis-list', where: 'keys "message_store:*"' }])
    await loadKeys(database.client, 'python.ndjson', 'text')
    const chat = { type: 'human', message_id: '01', data: { content: '' }, session_id: 'a', timestamp: 1 }
    await setDocument(database.client, 'chat:a:01', JSON.stringify(chat), 'text')
    expect(await look()).toEqual([
      { layout: 'langchain-redis-list', where: 'keys "message_store:*"' },
      { layout: 'langchain-redis-json', where: 'keys "chat:*"' },
      { layout: 'langgraph-redis', where: 'keys "checkpoint:*"' },
    ])
  })

  test('may be several layouts under one prefix', async () => {
    await loadKeys(database.client, 'python.ndjson', 'text')
    await loadKeys(database.client, 'python-shallow.ndjson', 'text')
    const js = {
      thread_id: 't',
      checkpoint_ns: '__empty__',
      checkpoint_id: '1',
      parent_checkpoint_id: null,
      checkpoint: {},
      has_writes: 'false',
    }
    await setDocument(database.client, 'checkpoint:t::1', JSON.stringify(js), 'text')
    expect((await look()).map(({ layout }) => layout)).toEqual([
      'langgraph-js-redis',
      'langgraph-redis',
      'langgraph-redis-shallow',
    ])
  })

  test('is looked for under another prefix where one is named', async () => {
    await database.client.rpush('support:a', message)
    await database.client.rpush('message_store:a', message)
    expect(await look('support:')).toEqual([
      { layout: 'langchain-redis-list', where: 'keys "support:*"', options: { keyPrefix: 'support:' } },
    ])
  })

  test('may lie under the prefix of another layout, where it is read then', async () => {
    await database.client.rpush('checkpoint:a', message)
    expect(await look()).toEqual([
      { layout: 'langchain-redis-list', where: 'keys "checkpoint:*"', options: { keyPrefix: 'checkpoint:' } },
    ])
  })

  test('may be called like a layout and be something else, which is said', async () => {
    await database.client.hset('checkpoint:1', 'a', 'b')
    await database.client.rpush('message_store:a', 'no message')
    expect(await look()).toMatchObject([
      { layout: 'langchain-redis-list', problem: expect.stringContaining('of the type list') },
      { layout: 'langgraph-redis', problem: expect.stringContaining('of the type hash') },
    ])
  })

  test('is found on a server without RedisJSON, as far as it can be there', async () => {
    await database.client.rpush('message_store:a', message)
    await database.client.set('checkpoint:1', '{}')
    expect(await detectRedis({ place: { type: 'redis', connection: database.url } }, { signal })).toMatchObject([
      { layout: 'langchain-redis-list' },
      { layout: 'langgraph-redis', problem: expect.stringContaining('of the type string') },
    ])
  })
})
