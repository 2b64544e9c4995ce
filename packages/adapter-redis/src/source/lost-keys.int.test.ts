import { from, memorySink, memoryStateStore, memoryStore, type Report, runPipeline } from '@drover/core'
import { type RedisServer, startRedis } from '@drover-internal/redis-server'
import { describeOwnRedis } from '@drover-internal/redis-server/vitest'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { redisSource } from './redis-source.js'

describeOwnRedis('redisSource of a server that lost its keys', () => {
  let server: RedisServer
  let client: Redis
  let shy: string
  beforeAll(async () => {
    // After a crash it is empty.
    server = await startRedis({ aclUsers: { default: 'on nopass ~* &* +@all', shy: 'on >secret ~* &* +@all -info' } })
    client = new Redis(server.url)
    client.on('error', () => {}) // it is connected again
    const url = new URL(server.url)
    url.username = 'shy'
    url.password = 'secret'
    shy = url.href
  })
  afterAll(async () => {
    client.disconnect()
    await server[Symbol.asyncDispose]()
  })
  beforeEach(async () => void (await client.flushall()))

  const fill = (count: number) => client.mset(Array.from({ length: count }, (_, i) => [`checkpoint:${i}`, 'v']).flat())
  const restart = async (): Promise<void> => {
    await server.crash()
    await server.start()
  }

  /** Something happens once the first keys were read. */
  function run(happens: () => Promise<unknown>, { url = server.url, batchSize = 1_000 } = {}): Promise<Report> {
    let happened: Promise<unknown> | undefined
    return runPipeline({
      name: 'read',
      source: from(redisSource({ connection: url })).pipe(async (row) => {
        happened ??= happens()
        await happened
        return row
      }),
      sink: memorySink({ store: memoryStore() }),
      state: memoryStateStore(),
      batchSize,
    })
  }

  test.each([
    ['it was restarted', restart, /started anew.*, and it has 0 keys now; .*gone/],
    ['it was emptied', () => client.flushall(), /: it was emptied .*has 0 keys now; of the keys that it had, \d{3,} /],
    ['it was restarted, and is used again', () => restart().then(() => client.set('other', '')), / it has 1 key now/],
  ])('fails and says that %s', async (_, happens, message) => {
    await fill(20_000)
    await expect(run(happens)).rejects.toMatchObject({
      code: 'SOURCE_INVALID',
      isRetryable: false,
      message: expect.stringMatching(message),
    })
  })

  test('fails if the last few are gone with the server', async () => {
    await fill(60)
    await expect(run(restart, { batchSize: 10 })).rejects.toMatchObject({ code: 'SOURCE_INVALID' })
  })

  test('knows by the number of keys alone, if it may not ask which server it is', async () => {
    await fill(20_000)
    await expect(run(restart, { url: shy })).rejects.toMatchObject({
      code: 'SOURCE_INVALID',
      message: expect.stringContaining(' has 0 keys now'),
    })
  })

  test('goes on if they expired, and says so', async () => {
    await fill(20_000)
    const expire = async (): Promise<void> => {
      await client.eval("for i = 0, 19999 do redis.call('PEXPIRE', 'checkpoint:' .. i, -1) end", 0)
      await client.set('other', '')
    }
    const { status, warnings } = await run(expire)
    expect(status).toBe('completed')
    expect(warnings).toEqual([
      {
        code: 'KEYS_CHANGED',
        message: expect.stringMatching(/\(they expire, or somebody writes to them\): \d+ keys were/),
      },
    ])
  })
})
