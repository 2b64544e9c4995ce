import { majorVersionOf } from '@drover-internal/redis-server'
import { describeRedis, useRedis } from '@drover-internal/redis-server/vitest'
import { Redis } from 'ioredis'
import { expect, test } from 'vitest'

import { readKeys } from './testing/read-keys.js'

describeRedis('keys that are not as they were found', () => {
  const redis = useRedis()
  const keys = Array.from({ length: 300 }, (_, i) => `k:${i}`)

  test('gone, or of another type by now', async () => {
    const { client } = redis
    await client.mset(Object.fromEntries(keys.map((key) => [key, key])))
    let isFirst = true
    const { rows, changes, pages } = await readKeys(redis.url, keys, {
      page: { records: 50, bytes: 1e6 },
      async onPage() {
        // Those of the page that is on its way are not touched.
        if (isFirst) await client.multi().del('k:200', 'k:201').del('k:250').rpush('k:250', 'a').exec()
        isFirst = false
      },
    })
    expect(rows).toHaveLength(298)
    expect(rows.find(({ key }) => key === 'k:250')).toEqual({
      key: 'k:250',
      type: 'list',
      value: ['a'],
      expires_at: null,
    })
    expect([changes.gone.count, String(changes.gone.example), changes.retyped.count]).toEqual([2, 'k:200', 0])
    expect(pages.at(-1)?.cursor).toBe(Buffer.from('k:299').toString('base64'))
    await client.flushdb()
  })

  test('the cursor stands after the last key, also if nothing came of it', async () => {
    const { pages, rows } = await readKeys(redis.url, ['nobody:1', 'nobody:2'])
    expect([rows.length, pages.length, pages[0]?.count]).toEqual([0, 1, 0])
    expect(pages[0]?.cursor).toBe(Buffer.from('nobody:2').toString('base64'))
  })

  test('of types that are not read are left out and counted', async () => {
    await redis.client.set('s', 'v')
    await redis.client.rpush('l', 'v')
    await redis.client.hset('h', 'f', 'v')
    const several = await readKeys(redis.url, ['s', 'l', 'h'], { types: ['string', 'hash'] })
    expect(several.rows.map(({ key }) => key)).toEqual(['s', 'h'])
    expect([several.changes.otherType.count, String(several.changes.otherType.example)]).toEqual([1, 'l'])
    // Who asks for one type alone is given keys of that type: the list has become one since.
    const one = await readKeys(redis.url, ['s', 'l'], { types: ['string'] })
    expect([one.rows.length, one.changes.retyped.count, one.changes.otherType.count]).toEqual([1, 1, 0])
    await redis.client.flushdb()
  })

  test('all types in any order, in pages of any size', async () => {
    const { client } = redis
    const makers = [
      (key: string) => client.set(key, key),
      (key: string) => client.hset(key, 'f', key),
      (key: string) => client.rpush(key, key, key),
      (key: string) => client.sadd(key, key),
      (key: string) => client.zadd(key, 1, key),
      (key: string) => client.xadd(key, '1-1', 'f', key),
    ]
    // Long stretches of strings, with others among them.
    const maker = (i: number) => makers[i % 37 === 0 ? i % 6 : i > 60 ? 0 : i % 6]
    const keys = Array.from({ length: 120 }, (_, i) => `mixed:${i}`)
    await Promise.all(keys.map((key, i) => maker(i)?.(key)))
    const { rows } = await readKeys(redis.url, keys)
    expect(rows.map(({ key }) => key)).toEqual(keys)
    for (const page of [
      { records: 1, bytes: 1e6 },
      { records: 7, bytes: 1e6 },
      { records: 300, bytes: 100 },
      { records: 300, bytes: 1 },
    ]) {
      const other = await readKeys(redis.url, keys, { page })
      expect(other.rows).toStrictEqual(rows)
      for (const one of other.pages) {
        expect(one.count).toBeLessThanOrEqual(page.records)
        expect(one.count <= 1 || one.bytes <= page.bytes).toBe(true)
      }
    }
    const commands = await readKeys(await userUrl('+@all', '-@scripting'), keys)
    expect(commands.rows).toStrictEqual(rows)
    await client.flushdb()
  })

  /** Another user of the same database. */
  async function userUrl(...rights: readonly string[]): Promise<string> {
    await redis.client.acl('SETUSER', 'reader', 'reset', 'on', '>secret', '~*', '&*', ...rights)
    const url = new URL(redis.url)
    url.username = 'reader'
    url.password = 'secret'
    return url.href
  }

  test.each([
    [['+@read', '+select', '+ping', '+hello', '+client', '+multi', '+exec']],
    [['+@all', '-info']],
    [['+@all', '-@scripting']],
    [['+@all', '-info', '-@scripting']],
    [['+@all', '-multi']],
    [['+@all', '-memory']],
  ])('a user with the rights %s reads them all, and when they expire', async (rights) => {
    const { client } = redis
    await client.mset(Object.fromEntries(keys.map((key) => [key, key])))
    await client.pexpireat('k:123', 4_102_444_800_001)
    await client.rpush('k:list', 'a')
    // Before Redis 7.0 it takes the server's clock to know when a key expires.
    const more = (await majorVersionOf(client)) < 7 ? ['+time'] : []
    const { rows } = await readKeys(await userUrl(...rights, ...more), [...keys, 'k:list'], {
      page: { records: 60, bytes: 1e6 },
    })
    expect(rows).toHaveLength(301)
    expect(rows.filter((row) => row.expires_at !== null)).toEqual([
      { key: 'k:123', type: 'string', value: 'k:123', expires_at: '2100-01-01T00:00:00.001Z' },
    ])
    await client.flushdb()
  })

  test('a user who may not read a key is told which', async () => {
    await redis.client.set('k:1', 'v')
    await redis.client.acl('SETUSER', 'reader', 'reset', 'on', '>secret', '~other:*', '+@all')
    const url = new URL(redis.url)
    url.username = 'reader'
    url.password = 'secret'
    await expect(readKeys(url.href, ['k:1'])).rejects.toMatchObject({
      code: 'STORE_DENIED',
      message: expect.stringContaining('reading key "k:1"'),
    })
    await redis.client.acl('DELUSER', 'reader')
  })

  test('who leaves the loop early leaves nothing behind', async () => {
    const client = new Redis(redis.url)
    await client.mset(Object.fromEntries(keys.map((key) => [key, key])))
    const connections = async () => Number(/connected_clients:(\d+)/.exec(await client.info('clients'))?.[1])
    const before = await connections()
    await expect(
      readKeys(redis.url, keys, {
        page: { records: 10, bytes: 1e6 },
        onPage: async () => {
          throw new Error('enough')
        },
      }),
    ).rejects.toThrow('enough')
    await expect.poll(connections).toBe(before)
    client.disconnect()
  })
})
