import { startRedis } from '@drover-internal/redis-server'
import { describeOwnRedis, describeRedis, useRedis } from '@drover-internal/redis-server/vitest'
import { Redis } from 'ioredis'
import { expect, test } from 'vitest'
import { readKeys } from './testing/read-keys.js'

const members = 40_000
const numbers = Array.from({ length: members }, (_, i) => i)
const small = { records: 1_000, bytes: 64 * 1024 }

/** Makes collections of so many members quickly: one call of a script each. */
async function fill(client: Redis, key: string, command: string, count = members): Promise<void> {
  const line = command.replaceAll('KEY', 'KEYS[1]')
  await client.eval(`for i = 0, ${count - 1} do redis.call(${line}) end`, 1, key)
}

describeRedis('collections of 40,000 members', () => {
  const redis = useRedis()

  test.each([
    ['hash', "'HSET', KEY, 'f' .. i, i", Object.fromEntries(numbers.map((i) => [`f${i}`, String(i)]))],
    ['list', "'RPUSH', KEY, i", numbers.map(String)],
    ['set', "'SADD', KEY, 'm' .. i", numbers.map((i) => `m${i}`).sort()],
    ['zset', "'ZADD', KEY, i, 'm' .. i", numbers.map((i) => ({ member: `m${i}`, score: i }))],
    [
      'stream',
      "'XADD', KEY, (i + 1) .. '-0', 'i', i",
      numbers.map((i) => ({ id: `${i + 1}-0`, fields: [['i', String(i)]] })),
    ],
  ])('a %s is read in parts, and is the same as whole', async (type, command, expected) => {
    await fill(redis.client, type, command)
    const { rows, changes } = await readKeys(redis.url, ['none', type, 'none too'], { page: small })
    const [{ value } = { value: null }] = rows
    expect(isSame(type === 'stream' ? (value as { entries: unknown }).entries : value, expected)).toBe(true)
    expect([rows.length, changes.unsteady.count, changes.gone.count]).toEqual([1, 0, 2])
    await redis.client.del(type)
  })

  /** Vitest takes long to compare so many. */
  function isSame(a: unknown, b: unknown): boolean {
    return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b))
  }

  function sorted(value: unknown): unknown {
    return Array.isArray(value) ? value : Object.entries(value as object).sort(([a], [b]) => (a < b ? -1 : 1))
  }

  test.each([
    ['hash', "'HSET', KEY, 'f' .. i, i", ['HSET', 'changing', 'f', '1']],
    ['list', "'RPUSH', KEY, i", ['LPUSH', 'changing', 'x']],
    ['set', "'SADD', KEY, 'm' .. i", ['SADD', 'changing', 'new']],
    ['zset', "'ZADD', KEY, i, 'm' .. i", ['ZADD', 'changing', '-1', 'new']],
    ['stream', "'XADD', KEY, (i + 1) .. '-0', 'i', i", ['XADD', 'changing', '*', 'i', 'new']],
  ])('a %s that changes while it is read is read again, and taken as it is in the end', async (_, command, change) => {
    await fill(redis.client, 'changing', command, 30_000)
    const writer = new Redis(redis.url)
    let isDone = false
    const writing = (async () => {
      for (let i = 0; !isDone; i++)
        await writer.call(change[0] as string, ...change.slice(1, -1), `${change.at(-1)}${i}`)
    })()
    const { rows, changes } = await readKeys(redis.url, ['changing'], { page: small })
    isDone = true
    await writing
    writer.disconnect()
    expect(rows).toHaveLength(1)
    expect([changes.unsteady.count, String(changes.unsteady.example)]).toEqual([1, 'changing'])
    // Nothing twice, whatever moved.
    const { value, type } = rows[0] as { value: { member: string }[]; type: string }
    if (type === 'zset') expect(new Set(value.map(({ member }) => member)).size).toBe(value.length)
    await redis.client.del('changing')
  })

  test('larger than maxValueBytes they are refused by key, before all of them came', async () => {
    await fill(redis.client, 'large', "'RPUSH', KEY, i")
    const { rows, rejected } = await readKeys(redis.url, ['large', 'after'], { page: small, maxValueBytes: 100_000 })
    expect(rows).toEqual([])
    expect(rejected).toEqual([
      {
        key: ['large'],
        error: expect.objectContaining({
          code: 'RECORD_UNREADABLE',
          message: expect.stringMatching(/key "large" \(list\) holds more than maxValueBytes \(100000\): raise/),
        }),
      },
    ])
  })
})

describeRedis('large strings', () => {
  const redis = useRedis()

  test('among small ones are read, each in a page of its own', async () => {
    const { client } = redis
    const keys = Array.from({ length: 3_000 }, (_, i) => `key:${i}`)
    await client.mset(Object.fromEntries(keys.map((key) => [key, key])))
    await client.set('key:500', 'x'.repeat(30_000_000))
    await client.set('key:2000', 'y'.repeat(200_000))
    const { rows, pages } = await readKeys(redis.url, keys, { page: small })
    expect(rows.map(({ key }) => key)).toEqual(keys)
    expect(rows.map(({ value }) => (value as string).length).filter((length) => length > 20)).toEqual([
      30_000_000, 200_000,
    ])
    for (const { count, bytes } of pages) {
      expect(count).toBeLessThanOrEqual(small.records)
      expect(count === 1 || bytes <= small.bytes).toBe(true)
    }
    await client.flushdb()
  })

  test('larger than maxValueBytes are refused by key, and the others are read', async () => {
    const keys = Array.from({ length: 600 }, (_, i) => `key:${i}`)
    await redis.client.mset(Object.fromEntries(keys.map((key) => [key, key])))
    for (const key of ['key:0', 'key:300', 'key:599']) await redis.client.set(key, 'x'.repeat(2_000))
    const { rows, rejected } = await readKeys(redis.url, keys, { maxValueBytes: 1_999 })
    expect(rows).toHaveLength(597)
    expect(rejected.map(({ key }) => key)).toEqual([['key:0'], ['key:300'], ['key:599']])
    expect(rejected[0]?.error).toMatchObject({
      message: expect.stringContaining('(string) holds 2000 bytes, more than maxValueBytes (1999)'),
    })
    await redis.client.flushdb()
  })
})

describeOwnRedis('a string of 600 MB', () => {
  test('is refused by key, and never comes', async () => {
    await using server = await startRedis({ settings: { 'proto-max-bulk-len': String(2 ** 30), save: '' } })
    const client = new Redis(server.url)
    const keys = Array.from({ length: 2_000 }, (_, i) => `key:${i}`)
    await client.mset(Object.fromEntries(keys.map((key) => [key, key])))
    await client.setrange('key:1500', 600_000_000, 'x')
    client.disconnect()
    const before = process.memoryUsage().rss
    let most = 0
    const { rows, rejected } = await readKeys(server.url, keys, {
      onPage: async () => {
        most = Math.max(most, process.memoryUsage().rss - before)
      },
    })
    expect([rows.length, rejected.length]).toEqual([1_999, 1])
    expect(rejected[0]).toMatchObject({
      key: ['key:1500'],
      error: { message: expect.stringContaining('holds 600000001 bytes, more than maxValueBytes (268435456)') },
    })
    expect(most).toBeLessThan(150e6)
    // Allowed to be so large, it still is more than a text may have.
    const allowed = await readKeys(server.url, ['key:1500'], { maxValueBytes: 2 ** 30 })
    expect(allowed.rejected[0]).toMatchObject({
      error: { message: expect.stringContaining('more than a text may have') },
    })
  })
})
