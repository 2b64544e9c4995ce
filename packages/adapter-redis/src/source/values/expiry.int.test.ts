import { describeRedis, useRedis } from '@drover-internal/redis-server/vitest'
import { expect, test } from 'vitest'
import { readKeys } from './testing/read-keys.js'

const at = Date.parse('2100-01-02T03:04:05.678Z')

describeRedis('when keys expire', () => {
  const redis = useRedis()

  test.each([true, false])('is told to the millisecond; text: %s', async (decode) => {
    const { client } = redis
    await client.set('s', 'v')
    await client.rpush('l', 'v')
    expect((await readKeys(redis.url, ['s', 'l'], { decode })).rows.map((row) => row.expires_at)).toEqual([null, null])
    await client.pexpireat('s', at)
    await client.pexpireat('l', at)
    const expected = Array(2).fill('2100-01-02T03:04:05.678Z')
    expect((await readKeys(redis.url, ['s', 'l'], { decode })).rows.map((row) => row.expires_at)).toEqual(expected)
    await client.persist('s')
    await client.persist('l')
  })

  test('is asked for again once the first key of many has an expiry', async () => {
    const { client } = redis
    const keys = Array.from({ length: 400 }, (_, i) => `many:${i}`)
    await client.mset(Object.fromEntries(keys.map((key) => [key, key])))
    let isFirst = true
    const { rows } = await readKeys(redis.url, keys, {
      page: { records: 20, bytes: 1e6 },
      async onPage() {
        if (isFirst) await client.pexpireat('many:399', at)
        isFirst = false
      },
    })
    expect(rows.filter((row) => row.expires_at !== null)).toEqual([
      { key: 'many:399', type: 'string', value: 'many:399', expires_at: '2100-01-02T03:04:05.678Z' },
    ])
  })

  test('at a time that is no date is refused by key', async () => {
    await redis.client.call('SET', 'late', 'v', 'PXAT', '9000000000000000')
    const { rejected, rows } = await readKeys(redis.url, ['late'])
    expect(rows).toEqual([])
    expect(rejected).toEqual([
      {
        key: ['late'],
        error: expect.objectContaining({ code: 'RECORD_UNREADABLE', message: expect.stringContaining('275760') }),
      },
    ])
    await redis.client.del('late')
  })
})
