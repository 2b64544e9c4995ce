import { majorVersionOf } from '@drover-internal/redis-server'
import { describeRedis, useRedis } from '@drover-internal/redis-server/vitest'
import { expect, test } from 'vitest'
import { readKeys } from './testing/read-keys.js'

const edges = ['', '\u0000', 'a\nb', '\u{10ffff}', '😀', 'ﬀ', '"\\', '__proto__', '9007199254740993', '-0']

describeRedis('what keys hold', () => {
  const redis = useRedis()

  const valuesOf = async (key: string | Buffer, decode = true) => {
    const { rows, rejected } = await readKeys(redis.url, [key], { decode })
    expect(rejected).toEqual([])
    expect(rows).toHaveLength(1)
    return rows[0]
  }

  test('strings are texts, or bytes', async () => {
    await redis.client.mset(Object.fromEntries(edges.map((text, i) => [`s:${i}`, text])))
    const keys = edges.map((_, i) => `s:${i}`)
    const { rows } = await readKeys(redis.url, keys)
    expect(rows).toStrictEqual(edges.map((value, i) => ({ key: `s:${i}`, type: 'string', value, expires_at: null })))
    const bytes = await readKeys(redis.url, keys, { decode: false })
    expect(bytes.rows.map(({ value }) => value)).toStrictEqual(edges.map((text) => new Uint8Array(Buffer.from(text))))
    expect(bytes.rows[0]?.key).toStrictEqual(new Uint8Array(Buffer.from('s:0')))
    expect(bytes.keys[0]).toEqual([Buffer.from('s:0').toString('base64')])
  })

  test('keys are of any bytes', async () => {
    const key = Buffer.from([0, 255, 13, 10, 36])
    await redis.client.set(key, 'v')
    const { rows, keys } = await readKeys(redis.url, [key], { decode: false })
    expect(rows).toStrictEqual([
      { key: new Uint8Array(key), type: 'string', value: new Uint8Array([118]), expires_at: null },
    ])
    expect(keys).toEqual([[key.toString('base64')]])
    const text = await readKeys(redis.url, [key, 's:0'])
    expect(text.rejected).toEqual([
      {
        key: [{ $binary: { base64: key.toString('base64'), subType: '00' } }],
        error: expect.objectContaining({
          code: 'RECORD_UNREADABLE',
          message: expect.stringContaining('"\\x00\\xff\\x0d\\x0a$" (string): its name is not valid UTF-8'),
        }),
        raw: new Uint8Array(key),
      },
    ])
  })

  test('hashes keep every field, also __proto__ and one without a name', async () => {
    const fields = edges.flatMap((text, i) => [text, edges[edges.length - 1 - i] as string])
    await redis.client.hset('h', ...fields)
    const value = (await valuesOf('h'))?.value as Record<string, string>
    expect(Object.entries(value).sort()).toStrictEqual(
      edges.map((text, i) => [text, edges[edges.length - 1 - i] as string]).sort(),
    )
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
    const list = (await valuesOf('h', false))?.value as { field: Uint8Array; value: Uint8Array }[]
    expect(
      list.map((one) => [Buffer.from(one.field).toString(), Buffer.from(one.value).toString()]).sort(),
    ).toStrictEqual(Object.entries(value).sort())
  })

  test('lists keep their order and what is in them twice', async () => {
    await redis.client.rpush('l', ...edges, ...edges)
    expect((await valuesOf('l'))?.value).toStrictEqual([...edges, ...edges])
    expect((await valuesOf('l', false))?.value).toStrictEqual(
      [...edges, ...edges].map((text) => new Uint8Array(Buffer.from(text))),
    )
  })

  test('sets are in the order of their bytes, whatever the server holds them in', async () => {
    await redis.client.sadd('set', ...edges)
    const sorted = [...edges].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    expect((await valuesOf('set'))?.value).toStrictEqual(sorted)
    expect((await valuesOf('set', false))?.value).toStrictEqual(sorted.map((text) => new Uint8Array(Buffer.from(text))))
    await redis.client.sadd('intset', 3, 1, 200)
    expect((await valuesOf('intset'))?.value).toStrictEqual(['1', '200', '3'])
  })

  test('sorted sets keep each score as it is', async () => {
    const scores = ['-inf', '-1.5', '1e-300', '0.1', '9007199254740992', '1.7976931348623157e308', 'inf']
    await redis.client.zadd('z', ...scores.flatMap((score, i) => [score, `m${i}`]))
    expect((await valuesOf('z'))?.value).toStrictEqual(
      [-Infinity, -1.5, 1e-300, 0.1, 2 ** 53, Number.MAX_VALUE, Infinity].map((score, i) => ({
        member: `m${i}`,
        score,
      })),
    )
    // Not in a list pack any more, where the server keeps integers as such.
    await redis.client.zadd('z-', '-0', 'm'.repeat(200))
    expect((await valuesOf('z-'))?.value).toStrictEqual([{ member: 'm'.repeat(200), score: -0 }])
  })

  test('streams have entries, groups and what is pending', async () => {
    const { client } = redis
    await client.xadd('x', '1-1', 'f', 'v', 'f', '', '', '😀')
    await client.xadd('x', '2-0', 'a', 'b')
    await client.xadd('x', '3-0', 'a', 'c')
    await client.xgroup('CREATE', 'x', 'none', '$')
    const countsEntries = (await majorVersionOf(client)) >= 7
    if (countsEntries) await client.xgroup('CREATE', 'x', 'some', '0', 'ENTRIESREAD', '0')
    else await client.xgroup('CREATE', 'x', 'some', '0')
    await client.xgroup('CREATECONSUMER', 'x', 'some', 'idle')
    await client.xreadgroup('GROUP', 'some', 'busy', 'COUNT', 1, 'STREAMS', 'x', '>')
    await client.xclaim('x', 'some', 'busy', 0, '1-1', 'TIME', 1_700_000_000_123, 'RETRYCOUNT', 7)
    await client.xdel('x', '2-0')
    const stream = {
      entries: [
        {
          id: '1-1',
          fields: [
            ['f', 'v'],
            ['f', ''],
            ['', '😀'],
          ],
        },
        { id: '3-0', fields: [['a', 'c']] },
      ],
      lastId: '3-0',
      maxDeletedId: countsEntries ? '2-0' : null,
      entriesAdded: countsEntries ? 3 : null,
      groups: [
        { name: 'none', lastDeliveredId: '3-0', entriesRead: null, pending: [], consumers: [] },
        {
          name: 'some',
          lastDeliveredId: '1-1',
          entriesRead: countsEntries ? 1 : null,
          pending: [{ id: '1-1', consumer: 'busy', deliveredAt: 1_700_000_000_123, deliveries: 7 }],
          consumers: ['busy', 'idle'],
        },
      ],
    }
    expect((await valuesOf('x'))?.value).toStrictEqual(stream)
    const inParts = await readKeys(redis.url, ['x'], { page: { records: 1, bytes: 1 } })
    expect(inParts.rows[0]?.value).toStrictEqual(stream)
    const bytes = (await valuesOf('x', false))?.value as { groups: { name: Uint8Array }[]; entries: unknown[] }
    expect(bytes.groups[0]?.name).toStrictEqual(new Uint8Array(Buffer.from('none')))
    expect(bytes.entries[1]).toStrictEqual({
      id: '3-0',
      fields: [[new Uint8Array([97]), new Uint8Array([99])]],
    })
  })

  test('an empty stream is a key all the same', async () => {
    await redis.client.xadd('empty', '5-0', 'a', 'b')
    await redis.client.xdel('empty', '5-0')
    const countsEntries = (await majorVersionOf(redis.client)) >= 7
    for (const page of [
      { records: 9, bytes: 1e6 },
      { records: 1, bytes: 1 },
    ]) {
      const { rows } = await readKeys(redis.url, ['empty'], { page })
      expect(rows[0]?.value).toMatchObject({
        entries: [],
        lastId: '5-0',
        maxDeletedId: countsEntries ? '5-0' : null,
        entriesAdded: countsEntries ? 1 : null,
        groups: [],
      })
    }
  })

  test.each([
    ['a string', ['SET', 'bad', Buffer.from([97, 255])], 'its value', [97, 255]],
    ['the name of a field', ['HSET', 'bad', Buffer.from([200]), 'v'], 'the name of a field', [200]],
    ['the value of a field', ['HSET', 'bad', 'f', Buffer.from([201])], 'the value of field "f"', [201]],
    ['an item of a list', ['RPUSH', 'bad', 'a', Buffer.from([202])], 'item 1', [202]],
    ['a member of a set', ['SADD', 'bad', Buffer.from([203])], 'a member', [203]],
    ['a member of a sorted set', ['ZADD', 'bad', '1', Buffer.from([204])], 'a member', [204]],
    [
      'an entry of a stream',
      ['XADD', 'bad', '7-0', 'f', Buffer.from([205])],
      'the value of field "f" in entry 7-0',
      [205],
    ],
    // The end of one text and the beginning of the next make a character together.
    ['two halves of a character', ['RPUSH', 'bad', Buffer.from([0xc3]), Buffer.from([0xa9])], 'item 0', [0xc3]],
  ] as const)('%s that is no UTF-8 is refused by key, with its bytes', async (_, [name, ...args], what, raw) => {
    await redis.client.del('bad')
    await redis.client.set('good', 'x')
    await redis.client.call(name, ...args)
    const { rows, rejected, pages } = await readKeys(redis.url, ['good', 'bad'])
    expect(rows.map(({ key }) => key)).toEqual(['good'])
    expect(pages.reduce((sum, { count }) => sum + count, 0)).toBe(2)
    expect(rejected).toEqual([
      {
        key: ['bad'],
        error: expect.objectContaining({
          code: 'RECORD_UNREADABLE',
          message: expect.stringContaining(`${what} is not valid UTF-8`),
        }),
        raw: new Uint8Array(raw),
      },
    ])
    const bytes = await readKeys(redis.url, ['good', 'bad'], { decode: false })
    expect([bytes.rows.length, bytes.rejected]).toEqual([2, []])
  })
})
