import { DroverError, type Row } from '@drover/core'
import { expiryTime } from '@drover-internal/redis-server'
import { describeRedis, useRedis } from '@drover-internal/redis-server/vitest'
import { beforeEach, expect, it } from 'vitest'
import { type RedisSinkOptions, redisSink } from './redis-sink.js'
import { Lane } from './testing/batches.js'

describeRedis('a batch of redisSink', () => {
  const database = useRedis()
  beforeEach(async () => {
    await database.client.flushdb()
  })

  const open = (options: Partial<RedisSinkOptions<Row>> = {}): Promise<Lane> =>
    Lane.open(redisSink<Row>({ connection: database.url, key: 'a:{id}', as: 'hash', ...options }))
  const refusal = async (work: Promise<unknown>): Promise<DroverError> => {
    const error: unknown = await work.then(
      () => new Error('It was taken.'),
      (thrown: unknown) => thrown,
    )
    if (DroverError.isInstance(error, 'RECORD_REFUSED')) return error
    throw error
  }
  const keys = async (): Promise<string[]> =>
    (await database.client.keys('*')).filter((key) => !key.includes('drover:v1:')).sort()

  it('merges the named fields into hashes that are there, whose other fields and time to live stay', async () => {
    await database.client.hset('a:1', { name: 'old', score: '1', other: 'kept', gone: 'x' })
    await database.client.pexpireat('a:1', 4_102_444_800_000)
    await using lane = await open({ onConflict: { merge: ['score', 'gone'] }, expiresAt: 'at' })
    const at = 4_000_000_000_000
    const outcome = await lane.write([
      { id: 1, name: 'new', score: 2, gone: null, at },
      { id: 2, name: 'two', score: 3, gone: null, at },
    ])
    expect(outcome).toEqual({ inserted: 1, updated: 1, skipped: 0 })
    expect(await database.client.hgetall('a:1')).toEqual({ name: 'old', score: '2', other: 'kept' })
    expect(await database.client.hgetall('a:2')).toEqual({ id: '2', name: 'two', score: '3', at: String(at) })
    expect(await expiryTime(database.client, 'a:1')).toBe(4_102_444_800_000)
    expect(await expiryTime(database.client, 'a:2')).toBe(at)
  })

  it('names each key that is no hash and should be merged into, and writes nothing', async () => {
    await database.client.set('a:2', 'x')
    await database.client.rpush('a:4', 'x')
    await using lane = await open({ onConflict: { merge: ['score'] } })
    const error = await refusal(lane.write([1, 2, 3, 4].map((id) => ({ id, score: 1 }))))
    expect([error.row, error.alsoRefused?.map(({ row }) => row)]).toEqual([1, [3]])
    expect(error.message).toContain('key "a:2" is no hash')
    expect(await keys()).toEqual(['a:2', 'a:4'])
  })

  it.each(['commit', 'probe'] as const)('names each key that is there already (%s)', async (mode) => {
    await database.client.set('a:2', 'x')
    await database.client.set('a:3', 'x')
    await using lane = await open()
    const records = [1, 2, 3, 4].map((id) => ({ id }))
    const error = await refusal(mode === 'commit' ? lane.write(records) : lane.probe(records))
    expect([error.row, error.alsoRefused?.map(({ row }) => row)]).toEqual([1, [2]])
    expect(error.message).toContain('key "a:2" is there already')
    expect(await keys()).toEqual(['a:2', 'a:3'])
    expect(await lane.write([{ id: 1 }, { id: 4 }])).toEqual({ inserted: 2, updated: 0, skipped: 0 })
  })

  it('that is the first of a partition, and meets keys of its own run, says that the position may be gone', async () => {
    const again = /there already, and the store has no position of this run .*its position was deleted .*'skip'/
    await using lane = await open()
    await lane.write([{ id: 1 }])
    const met = await refusal(lane.write([{ id: 1 }, { id: 2 }]))
    expect(met.message).toMatch(/there already\. onConflict/)
    for (const key of await database.client.keys('*drover:v1:*')) await database.client.del(key)
    expect(await lane.claim()).toBe(0)
    expect((await refusal(lane.write([{ id: 1 }, { id: 2 }]))).message).toMatch(again)
    expect((await refusal(lane.probe([{ id: 1 }, { id: 2 }]))).message).toMatch(again)
  })

  it.each([
    ['update', (key: string) => database.client.set(key, 'theirs')],
    ['skip', (key: string) => database.client.set(key, 'theirs')],
    [{ merge: ['score'] }, (key: string) => database.client.hset(key, 'theirs', '1')],
  ] as const)('that meets what came behind its look changes nothing, and is tried again (%j)', async (policy, come) => {
    await using lane = await open({ onConflict: policy })
    const records = [1, 2, 3].map((id) => ({ id, score: 1 }))
    await expect(lane.write(records, () => come('a:2'))).rejects.toMatchObject({
      code: 'STORE_BUSY',
      isRetryable: true,
    })
    expect(await keys()).toEqual(['a:2'])
    expect(await lane.claim()).toBe(0)
    const outcome = await lane.write(records)
    const met = policy === 'skip' ? { updated: 0, skipped: 1 } : { updated: 1, skipped: 0 }
    expect(outcome).toEqual({ inserted: 2, ...met })
  })

  it('that was to replace what is gone meanwhile is tried again, and counted as it is then', async () => {
    await database.client.set('a:2', 'x')
    await using lane = await open({ onConflict: 'update' })
    const records = [1, 2].map((id) => ({ id }))
    await expect(lane.write(records, () => database.client.del('a:2'))).rejects.toMatchObject({ code: 'STORE_BUSY' })
    expect(await keys()).toEqual([])
    expect(await lane.write(records)).toEqual({ inserted: 2, updated: 0, skipped: 0 })
  })

  it('refuses a record whose key another record of it has, and names both', async () => {
    await using lane = await open({ key: 'a:{name}', onConflict: 'update' })
    const records = [
      { id: 1, name: 'x' },
      { id: 2, name: 'y' },
      { id: 3, name: 'x' },
    ]
    const error = await refusal(lane.write(records))
    expect(error.row).toBe(2)
    expect(error.message).toContain('the records [1] and [3] would both be key "a:x"')
    expect(await keys()).toEqual([])
  })

  it('takes the last one of a record that comes twice, and counts both', async () => {
    await using lane = await open({ as: 'list', value: 'items', onConflict: 'update' })
    const records = [
      { id: 1, items: ['a', 'b'] },
      { id: 2, items: ['c'] },
      { id: 1, items: ['d'] },
    ]
    expect(await lane.write(records)).toEqual({ inserted: 2, updated: 1, skipped: 0 })
    expect(await database.client.lrange('a:1', 0, -1)).toEqual(['d'])
  })

  it('names all records that cannot be what they are to become', async () => {
    await using lane = await open({ as: 'zset', value: 'members' })
    const good = [{ member: 'a', score: 1 }]
    const error = await refusal(
      lane.write([
        { id: 0, members: good },
        { id: 1, members: [{ member: 'a' }] },
        { id: 2, members: [] },
        { id: 3, members: [{ member: 'a', score: Number.NaN }] },
        { id: 4, members: { a: 1 } },
        { id: 5 },
        { id: 6, members: '[{"member": "from text", "score": {"$numberDouble": "-Infinity"}}]' },
        { id: 7, members: 'no JSON' },
      ]),
    )
    const refusals = [error, ...(error.alsoRefused ?? [])]
    expect(refusals.map(({ row }) => row)).toEqual([1, 2, 3, 4, 5, 7])
    expect(refusals.map(({ message }) => message)).toEqual([
      expect.stringContaining('(at [0]): a score that is not there'),
      expect.stringContaining('an empty zset'),
      expect.stringContaining('NaN'),
      expect.stringContaining('It takes a list'),
      expect.stringContaining('it has no field "members"'),
      expect.stringContaining('or its JSON'),
    ])
    expect(await keys()).toEqual([])
  })

  it.each([
    [{ id: 'drover:v1:{x}:run:y', a: 1 }, 'state'],
    [{ id: 'half \ud800', a: 1 }, 'surrogate'],
    [{ id: 1, a: 'half \udc00' }, 'surrogate'],
    [{ id: null, a: 1 }, 'which the key is made of, is null'],
    [{ id: 1, a: () => {} }, 'a function'],
  ])('refuses %o', async (record, why) => {
    await using lane = await open()
    const error = await refusal(lane.write([{ id: 9, a: 1 }, record]))
    expect([error.row, error.message]).toEqual([1, expect.stringContaining(why)])
  })

  it.each([
    ['list', '["a", "ü"]', () => database.client.lrange('a:1', 0, -1), ['a', 'ü']],
    ['set', '["a"]', () => database.client.smembers('a:1'), ['a']],
    ['hash', '{"a": "1", "b": 2, "c": null}', () => database.client.hgetall('a:1'), { a: '1', b: '2' }],
    ['string', '["a"]', () => database.client.get('a:1'), '["a"]'],
    [
      'stream',
      '{"entries": [{"id": "1-1", "fields": [["a", "b"]]}], "lastId": "7-7"}',
      () => database.client.xrange('a:1', '-', '+'),
      [['1-1', ['a', 'b']]],
    ],
  ] as const)('takes a %s as JSON text, as stores without such a type have it', async (as, text, read, expected) => {
    await using lane = await open({ as, value: 'v' })
    await lane.write([{ id: 1, v: text }])
    expect(await read()).toEqual(expected)
  })

  it('of which a record has more than a million members is one script all the same', { timeout: 30_000 }, async () => {
    const items = Array.from({ length: 1_100_000 }, (_, i) => String(i))
    await using lane = await open({ as: 'list', value: 'items' })
    await lane.write([
      { id: 1, items },
      { id: 2, items: ['x'] },
    ])
    expect(await database.client.llen('a:1')).toBe(items.length)
    expect(await database.client.lindex('a:1', -1)).toBe('1099999')
    expect(await database.client.lrange('a:2', 0, -1)).toEqual(['x'])
  })

  it('refuses a value that Redis cannot hold before it is sent', async () => {
    await using lane = await open({ as: 'string', value: 'v' })
    const error = await refusal(
      lane.write([
        { id: 1, v: 'x' },
        { id: 2, v: new Uint8Array(600 * 1024 * 1024) },
      ]),
    )
    expect([error.row, error.message]).toEqual([1, expect.stringContaining('a value of 629145600 bytes')])
    expect(await keys()).toEqual([])
  })

  it('has values of all sizes as they are', async () => {
    const sizes = [0, 1, 23, 24, 25, 26, 4095, 4096, 4097, 21_845, 21_846, 65_535, 65_536, 65_537, 1_000_000]
    const texts = sizes.flatMap((size) => ['x'.repeat(size), 'ü'.repeat(size)])
    const records = texts.flatMap((v, i) => [
      { id: i, v },
      { id: `${i}b`, v: Buffer.from(v) },
    ])
    await using lane = await open({ as: 'string', value: 'v' })
    await lane.write(records)
    for (const { id, v } of records) expect((await database.client.get(`a:${id}`)) === String(v), String(id)).toBe(true)
  })
})
