import { memorySink, memorySource, memoryStateStore, runPipeline } from '@drover/core'
import { majorVersionOf } from '@drover-internal/redis-server'
import { describeOwnRedis, useOwnRedis } from '@drover-internal/redis-server/vitest'
import { expect, it } from 'vitest'
import { redisSink } from './sink/redis-sink.js'
import { redisSource } from './source/redis-source.js'

/** As docs/redis.md has them. */
const toRead = ['~checkpoint:*', '+@read', '+@connection', '+@transaction']
const toWrite = [
  '~user:*',
  '~drover:v1:*',
  '+@read',
  '+@write',
  '+@scripting',
  '+@connection',
  '+@transaction',
  '+time',
]

describeOwnRedis('a user with few rights', () => {
  const own = useOwnRedis()

  async function user(...rules: readonly string[]): Promise<string> {
    await own.client.call('ACL', 'SETUSER', 'few', 'reset', 'on', '>secret', '-@all', ...rules)
    return own.server.url.replace('redis://', 'redis://few:secret@')
  }

  it.each([
    ['without scripts', toRead],
    ['with scripts', [...toRead, '+@scripting']],
  ])('reads keys of every type, large ones too, %s', async (_, rules) => {
    const many = Array.from({ length: 20_000 }, (_, i) => `item ${i}`)
    await own.client.set('checkpoint:string', 'x', 'EX', 1000)
    await own.client.hset('checkpoint:hash', Object.fromEntries(many.map((item) => [item, 'x'])))
    await own.client.rpush('checkpoint:list', ...many)
    await own.client.sadd('checkpoint:set', 'y')
    await own.client.zadd('checkpoint:zset', 1, 'z')
    await own.client.xadd('checkpoint:stream', '*', 'f', 'v')
    await own.client.xgroup('CREATE', 'checkpoint:stream', 'g', '0')
    const read = async (...more: readonly string[]): Promise<number> => {
      const sink = memorySink<object>()
      const source = redisSource({ connection: await user(...rules, ...more) })
      await runPipeline({ name: 'read', source, sink, state: memoryStateStore() })
      return sink.store.rows.length
    }
    // Before Redis 7.0 it takes the server's clock to know when a key expires.
    const needsClock = (await majorVersionOf(own.client)) < 7
    if (needsClock) await expect(read()).rejects.toMatchObject({ code: 'STORE_DENIED' })
    expect(await read(...(needsClock ? ['+time'] : []))).toBe(6)
  })

  it('writes keys and keeps the state of the run', async () => {
    const connection = await user(...toWrite)
    const source = memorySource({ records: [{ id: 1, name: 'Ada' }], key: 'id' })
    for (const as of ['hash', 'string'] as const) {
      await runPipeline({
        name: as,
        source,
        sink: redisSink({ connection, key: 'user:{id}', as, onConflict: 'update' }),
      })
    }
    expect(await own.client.get('user:1')).toBe('{"id":1,"name":"Ada"}')
  })

  it('that lack one are told which, before anything is written', async () => {
    const source = memorySource({ records: [{ id: 1, names: ['Ada'] }], key: 'id' })
    const connection = await user(...toWrite, '-rpush')
    const sink = redisSink({ connection, key: 'user:{id}', as: 'list', value: 'names' })
    await expect(runPipeline({ name: 'x', source, sink, state: memoryStateStore() })).rejects.toMatchObject({
      code: 'STORE_DENIED',
      message: expect.stringMatching(/rpush/i),
    })
    expect(await own.client.exists('user:1')).toBe(0)
  })
})
