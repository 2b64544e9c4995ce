import { describeStack } from '@drover-internal/redis-server/vitest'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readKeys } from './testing/read-keys.js'

describeStack('documents of RedisJSON', () => {
  const url = process.env.REDIS_STACK_URL as string
  let client: Redis
  const prefix = `drover-test:${process.pid}:`
  const made: string[] = []

  beforeAll(() => {
    client = new Redis(url)
  })
  afterAll(async () => {
    if (made.length > 0) await client?.del(...made)
    client?.disconnect()
  })

  async function document(name: string, text: string): Promise<string> {
    const key = `${prefix}${name}`
    made.push(key)
    await client.call('JSON.SET', key, '$', text)
    return key
  }

  test.each([true, false])('are read as they are, with all digits of integers; text: %s', async (decode) => {
    const texts = ['{"a":9007199254740993,"b":[1.5,null,"é\\u0000"],"$x":{}}', 'null', '"text"', '[]', '-0.5']
    const keys = await Promise.all(texts.map((text, i) => document(`doc:${i}`, text)))
    const { rows, rejected } = await readKeys(url, keys, { decode })
    expect(rejected).toEqual([])
    expect(rows.map(({ type }) => type)).toEqual(texts.map(() => 'json'))
    expect(rows.map(({ value }) => value)).toStrictEqual([
      { a: 9007199254740993n, b: [1.5, null, 'é\u0000'], $x: {} },
      null,
      'text',
      [],
      -0.5,
    ])
  })

  test('are read alone where they are large, and with their expiry', async () => {
    const key = await document('large', JSON.stringify(Array.from({ length: 10_000 }, (_, i) => i)))
    await client.pexpireat(key, 4_102_444_800_001)
    const { rows } = await readKeys(url, [key], { page: { records: 10, bytes: 100 } })
    expect(rows[0]).toMatchObject({ type: 'json', expires_at: '2100-01-01T00:00:00.001Z' })
    expect(rows[0]?.value).toHaveLength(10_000)
  })
})
