import {
  type ConnectOperation,
  type Cursor,
  memorySink,
  type Partition,
  runPipeline,
  type SourceSession,
  type Warning,
} from '@drover/core'
import { type RedisServer, startRedis } from '@drover-internal/redis-server'
import { describeOwnRedis, describeRedis, useRedis } from '@drover-internal/redis-server/vitest'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { RedisRecord } from './redis-record.js'
import { type RedisSourceOptions, redisSource } from './redis-source.js'
import { connectSource } from './source-session.js'

const whole: Partition = { id: 'all', bounds: null }
const { signal } = new AbortController()

interface Opened extends AsyncDisposable {
  readonly session: SourceSession<RedisRecord>
  readonly warnings: Warning[]
  /** Keys that a read gives, at most so many, ten a page, and the cursor behind them. */
  keys(after?: Cursor | null, partition?: Partition, most?: number): Promise<readonly [keys: string[], cursor: Cursor]>
}

async function open(options: RedisSourceOptions, operation: Partial<ConnectOperation> = {}): Promise<Opened> {
  const warnings: Warning[] = []
  const source = redisSource({ ...options, decodeResponses: true })
  const session = await source.connect({ signal, warn: (warning) => void warnings.push(warning), ...operation })
  return { session, warnings, keys: reader(session), [Symbol.asyncDispose]: () => session[Symbol.asyncDispose]() }
}

function reader(session: SourceSession<RedisRecord>): Opened['keys'] {
  return async (after = null, partition = whole, most = Number.POSITIVE_INFINITY) => {
    const found: string[] = []
    let cursor: Cursor | null = after
    for await (const page of session.read({ signal, partition, after, page: { records: 10, bytes: 1e6 } })) {
      found.push(...page.rows().map(({ key }) => key))
      cursor = page.cursor
      if (found.length >= most) break
    }
    return [found, cursor as Cursor]
  }
}

async function fill(client: Redis, count: number, prefix = 'checkpoint:'): Promise<string[]> {
  const keys = Array.from({ length: count }, (_, i) => `${prefix}${i}`)
  await client.mset(...keys.flatMap((key) => [key, `value of ${key}`]))
  return keys.sort()
}

describeRedis('redisSource', () => {
  const database = useRedis()
  afterEach(async () => void (await database.client.flushdb()))

  test('reads the keys that begin with the prefix, and no others', async () => {
    await database.client.mset('checkpoint:1', 'one', 'checkpoint:2', 'two', 'other:1', 'three')
    await using opened = await open({ connection: database.url })
    const [keys] = await opened.keys()
    expect(keys.sort()).toEqual(['checkpoint:1', 'checkpoint:2'])
    expect(opened.warnings).toEqual([])
  })

  test.each([
    ['a[1]*', ['a[1]*x', 'a[1]*'], ['a1', 'a1x', 'a[1]x']],
    ['a?', ['a?', 'a?b'], ['ab', 'abc']],
    ['a\\', ['a\\', 'a\\*'], ['a', 'a*']],
    ['^a-z', ['^a-z', '^a-zz'], ['b', 'az']],
    ['ä😀', ['ä😀', 'ä😀1'], ['ä', 'a😀']],
  ])('takes a prefix such as %s as it is', async (keyPrefix, inside, outside) => {
    for (const key of [...inside, ...outside]) await database.client.set(key, '')
    await using opened = await open({ connection: database.url, keyPrefix })
    const [keys] = await opened.keys()
    expect(keys.sort()).toEqual([...inside].sort())
  })

  test('reads the keys of a pattern, or all keys', async () => {
    await database.client.mset('session:1:state', '', 'session:2:state', '', 'session:2:log', '')
    await using some = await open({ connection: database.url, match: 'session:*:state' })
    expect((await some.keys())[0].sort()).toEqual(['session:1:state', 'session:2:state'])
    await using all = await open({ connection: database.url, keyPrefix: '' })
    expect((await all.keys())[0]).toHaveLength(3)
  })

  test('leaves other types out, and says how many and which', async () => {
    await database.client.set('checkpoint:a', 'text')
    await database.client.rpush('checkpoint:b', 'item')
    await database.client.hset('checkpoint:c', 'field', 'value')
    await using one = await open({ connection: database.url, types: 'list' })
    expect((await one.keys())[0]).toEqual(['checkpoint:b'])
    expect(await one.session.count?.({ signal })).toEqual({ value: 1, exact: true })
    await using two = await open({ connection: database.url, types: ['list', 'hash'] })
    expect((await two.keys())[0].sort()).toEqual(['checkpoint:b', 'checkpoint:c'])
    expect(await two.session.count?.({ signal })).toEqual({ value: 3, exact: false })
    await two.session[Symbol.asyncDispose]()
    expect(two.warnings).toEqual([
      {
        code: 'KEYS_LEFT_OUT',
        message: expect.stringMatching(/: 1 key was left out, such as "checkpoint:a": .*string/),
      },
    ])
  })

  test('counts what it leaves out once, however its reads end', async () => {
    const makers = [
      (key: string) => database.client.set(key, ''),
      (key: string) => database.client.hset(key, 'field', ''),
      (key: string) => database.client.rpush(key, ''),
    ]
    await Promise.all(Array.from({ length: 900 }, (_, i) => makers[i % 3]?.(`checkpoint:${i}`)))
    const options: RedisSourceOptions = { connection: database.url, types: ['hash', 'list'] }
    const leftOut = (warnings: readonly Warning[]) =>
      warnings.map(({ message }) => /\d+ keys were left/.exec(message)?.[0])
    await using opened = await open(options)
    // As it is read to know what records are like, again from the beginning, by halves, and twice from where it was.
    await opened.keys(null, whole, 50)
    const [, cursor] = await opened.keys(null, whole, 100)
    const halves = (await opened.session.split?.({ signal, partition: whole, after: cursor })) ?? []
    const [, later] = await opened.keys(null, halves[0], 30)
    for (const [i, half] of halves.entries()) await opened.keys(i === 0 ? later : null, half)
    await opened.keys(cursor)
    expect(opened.warnings).toEqual([])
    await opened.session[Symbol.asyncDispose]()
    expect(leftOut(opened.warnings)).toEqual(['300 keys were left'])
    // What is read ahead of a stop and not written is counted again by the run that goes on, and never by none.
    const sink = memorySink<RedisRecord>()
    const counts: number[] = []
    for (const stop of [100, 200, undefined]) {
      const stopAfter = stop === undefined ? {} : { stopAfter: { records: stop } }
      const source = redisSource({ ...options, decodeResponses: true })
      const report = await runPipeline({ name: 'x', source, sink, batchSize: 50, ...stopAfter })
      counts.push(...leftOut(report.warnings).map((said) => Number.parseInt(said ?? '', 10)))
    }
    expect(sink.store.rows).toHaveLength(600)
    expect(counts).toHaveLength(3)
    expect(counts.reduce((sum, count) => sum + count)).toBeGreaterThanOrEqual(300)
  })

  test("leaves Drover's own keys out, and says so once", async () => {
    await fill(database.client, 24)
    // Of somebody who has a use of his own for the name.
    await database.client.set('checkpoint:drover:v1:notes', '')
    await database.client.mset('checkpoint:drover:v1:{drover}:run:a', '', 'checkpoint:drover:v1:{drover}:run:b', '')
    await using opened = await open({ connection: database.url })
    expect(await opened.session.count?.({ signal })).toEqual({ value: 25, exact: true })
    expect((await opened.keys())[0]).toHaveLength(25)
    expect(opened.warnings).toEqual([
      {
        code: 'KEYS_LEFT_OUT',
        message: expect.stringMatching(
          /: 2 keys of Drover's own were left out, such as "checkpoint:drover:v1:\{drover\}:run:[ab]"/,
        ),
      },
    ])
  })

  test('says what there is instead when no key fits', async () => {
    await fill(database.client, 3, 'other:')
    await using opened = await open({ connection: database.url })
    expect((await opened.keys())[0]).toEqual([])
    const named = new RegExp(`: no key begins with "checkpoint:"; .*database ${database.database} has 3 keys`)
    expect(opened.warnings).toEqual([{ code: 'SOURCE_EMPTY', message: expect.stringMatching(named) }])
    await using pattern = await open({ connection: database.url, match: 'a*b' })
    await pattern.session.count?.({ signal })
    expect(pattern.warnings[0]?.message).toContain('no key fits "a*b"')
  })

  test('gives what was there from the beginning to the end, whatever comes and goes meanwhile', async () => {
    const keys = await fill(database.client, 500)
    await using opened = await open({ connection: database.url })
    const [first, cursor] = await opened.keys(null, whole, 100)
    const others = keys.filter((key) => !first.includes(key))
    const gone = others.slice(0, 50)
    await database.client.unlink(...gone)
    await database.client.unlink(...first.slice(0, 20))
    await fill(database.client, 300, 'checkpoint:new:')
    await using later = await open({ connection: database.url })
    const [rest] = await later.keys(cursor)
    const read = [...first, ...rest]
    expect(new Set(read).size).toBe(read.length)
    expect(read.filter((key) => !key.includes('new')).sort()).toEqual(keys.filter((key) => !gone.includes(key)))
    // Some of the new ones have their place behind the cursor.
    expect(read.filter((key) => key.includes('new')).length).toBeGreaterThan(100)
    // The session that found its keys before they went says so.
    expect((await opened.keys(cursor))[0].sort()).toEqual(
      keys.filter((key) => !first.includes(key) && !gone.includes(key)),
    )
    await opened.session[Symbol.asyncDispose]()
    expect(opened.warnings).toEqual([
      { code: 'KEYS_CHANGED', message: expect.stringMatching(/ 50 keys were gone when/) },
    ])
  })

  test('reads behind a key that is not there any more', async () => {
    const keys = await fill(database.client, 100)
    await using opened = await open({ connection: database.url })
    const [first, cursor] = await opened.keys(null, whole, 40)
    await database.client.unlink(...first)
    await using later = await open({ connection: database.url })
    expect([...first, ...(await later.keys(cursor))[0]].sort()).toEqual(keys)
  })

  test('reads keys of any bytes, whose cursors are JSON', async () => {
    const keys = ['checkpoint:\0', 'checkpoint:"', 'checkpoint:\u2028', 'checkpoint:'].sort()
    for (const key of keys) await database.client.set(key, '')
    await database.client.set(Buffer.from('checkpoint:\xff', 'latin1'), '')
    const source = redisSource({ connection: database.url, decodeResponses: false })
    await using session = await source.connect({ signal })
    const read: string[] = []
    let after: Cursor | null = null
    for (let i = 0; i < 7; i++) {
      for await (const page of session.read({ signal, partition: whole, after, page: { records: 1, bytes: 1e6 } })) {
        read.push(...page.rows().map(({ key }) => Buffer.from(key).toString('latin1')))
        after = JSON.parse(JSON.stringify(page.cursor)) as Cursor
        break
      }
    }
    expect(read.sort()).toEqual([...keys, 'checkpoint:\xff'].map((key) => key.replace('\u2028', '\xe2\x80\xa8')).sort())
  })

  test('reads the same from a temporary file as from memory', async () => {
    const keys = await fill(database.client, 3_000)
    const settings = { match: 'checkpoint:*', sought: null, decode: true, maxValueBytes: 1e6, scanCount: 100 }
    const location = { connection: database.url }
    await using session = await connectSource<RedisRecord>(
      { ...settings, location, types: ['string'], memoryBytes: 10_000 },
      { signal },
    )
    const [spilled] = await reader(session)()
    await using opened = await open({ connection: database.url })
    expect(spilled).toEqual((await opened.keys())[0])
    expect([...spilled].sort()).toEqual(keys)
  })

  test('is read in partitions side by side, and a run that was stopped goes on in each', async () => {
    const keys = await fill(database.client, 2_000)
    const into = memorySink<RedisRecord>()
    const run = (stopAfter?: { readonly records: number }) =>
      runPipeline({
        name: 'x',
        source: redisSource({ connection: database.url }),
        sink: into,
        parallel: 3,
        batchSize: 100,
        ...(stopAfter && { stopAfter }),
      })
    expect(await run({ records: 700 })).toMatchObject({ status: 'stopped' })
    const report = await run()
    expect(report).toMatchObject({ status: 'completed', counts: { read: 2_000, written: 2_000 }, warnings: [] })
    expect(report.partitions.map(({ counts }) => counts.read > 500)).toEqual([true, true, true])
    expect(into.store.rows.map((row) => (row as RedisRecord).key).sort()).toEqual(keys)
  })

  test('refuses a cursor that is none of Redis, and an incremental run', async () => {
    await using opened = await open({ connection: database.url })
    await expect(opened.keys({ id: 7 })).rejects.toMatchObject({ code: 'STATE_INVALID' })
    const source = redisSource({ connection: database.url })
    const run = runPipeline({ name: 'x', source, sink: memorySink<RedisRecord>(), again: 'incremental' })
    await expect(run).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      message: expect.stringContaining("again: 'full'"),
    })
  })

  describe('an aborted signal', () => {
    test('ends who waits for the keys, and not who waits for the same', async () => {
      await fill(database.client, 2_000)
      await using opened = await open({ connection: database.url, scanCount: 1 })
      const controller = new AbortController()
      const halves = (await opened.session.partition?.({ signal, count: 2 })) ?? []
      const [half, other] = halves as [Partition, Partition]
      const aborted = opened.session
        .read({ signal: controller.signal, partition: half, after: null, page: { records: 10, bytes: 1e6 } })
        [Symbol.asyncIterator]()
        .next()
      const reading = opened.keys(null, other)
      setImmediate(() => controller.abort())
      await expect(aborted).rejects.toThrow()
      expect((await reading)[0].length).toBeGreaterThan(800)
      // Nobody waits any more; who comes then gets all.
      const alone = new AbortController()
      const counting = opened.session.count?.({ signal: alone.signal })
      setImmediate(() => alone.abort())
      await expect(counting).rejects.toThrow()
      expect((await opened.session.count?.({ signal }))?.value).toBe(2_000)
    })
  })
})

describeOwnRedis('redisSource of a server of its own', () => {
  let server: RedisServer
  let client: Redis
  beforeAll(async () => {
    server = await startRedis({ keepsData: true })
    client = new Redis(server.url)
    client.on('error', () => {}) // it is connected again
  })
  afterAll(async () => {
    client.disconnect()
    await server[Symbol.asyncDispose]()
  })

  test('looks for keys once for counting and for all partitions, and again for who reads from the beginning again', async () => {
    await client.flushdb()
    await fill(client, 300)
    const scans = async () => Number(/cmdstat_scan:calls=(\d+)/.exec(await client.info('commandstats'))?.[1] ?? 0)
    await using opened = await open({ connection: server.url })
    const before = await scans()
    const partitions = (await opened.session.partition?.({ signal, count: 3 })) ?? []
    expect((await opened.session.count?.({ signal }))?.value).toBe(300)
    const parts = await Promise.all(partitions.map((partition) => opened.keys(null, partition, 20)))
    for (const [i, partition] of partitions.entries()) {
      const [first, cursor] = parts[i] as (typeof parts)[number]
      const [rest] = await opened.keys(cursor, partition)
      expect(first.length + rest.length).toBeGreaterThan(60)
    }
    expect(await scans()).toBe(before + 1)
    await client.set('checkpoint:later', '')
    expect((await opened.keys())[0]).toHaveLength(301)
    expect(await scans()).toBe(before + 2)
  })

  test('goes on looking for keys where it was when the connection broke, if it is asked again', async () => {
    await client.flushdb()
    await fill(client, 5_000)
    const scans = async () => Number(/cmdstat_scan:calls=(\d+)/.exec(await client.info('commandstats'))?.[1] ?? 0)
    await using opened = await open({ connection: server.url, scanCount: 10 })
    const before = await scans()
    const counting = opened.session.count?.({ signal }).then(
      () => undefined,
      (error: unknown) => error,
    )
    while ((await scans()) < before + 250);
    await client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    const error = await counting
    // Between two commands it is connected again without a word.
    if (error !== undefined) expect(error).toMatchObject({ isRetryable: true })
    expect(await opened.session.count?.({ signal })).toEqual({ value: 5_000, exact: true })
    // About 500 see all of 5,000 keys; from the beginning again it would be 750.
    expect((await scans()) - before).toBeLessThan(error === undefined ? Number.POSITIVE_INFINITY : 650)
  })

  test('does not wait for a server that answers no more, once the run is given up', async () => {
    await client.flushdb()
    await fill(client, 500)
    const controller = new AbortController()
    await using opened = await open({ connection: server.url }, { signal: controller.signal })
    const options = { signal: controller.signal, partition: whole, after: null, page: { records: 10, bytes: 1e6 } }
    const reading = async () => {
      let pages = 0
      for await (const _ of opened.session.read(options)) {
        if (++pages !== 3) continue
        await server.pause()
        setImmediate(() => controller.abort())
      }
    }
    await expect(reading()).rejects.toMatchObject({ code: 'ABORTED' })
    await opened.session[Symbol.asyncDispose]()
    await server.resume()
  })

  test('goes on behind its cursor after a crash, each key once', async () => {
    await client.flushdb()
    const keys = await fill(client, 2_000)
    const read: string[] = []
    let after: Cursor | null = null
    for (const most of [700, 600, Number.POSITIVE_INFINITY]) {
      await using opened = await open({ connection: server.url })
      const [some, cursor] = await opened.keys(after, whole, most)
      read.push(...some)
      after = cursor
      await server.crash()
      await server.start()
    }
    expect(read.length).toBe(keys.length)
    expect(read.sort()).toEqual(keys)
  })

  test('goes on in the same run after a crash, each record once', async () => {
    await client.flushdb()
    const keys = await fill(client, 2_000)
    const into = memorySink<RedisRecord>()
    const source = redisSource({ connection: server.url })
    let crashes = 0
    const steps = {
      ...source,
      connect: async (operation: ConnectOperation) => {
        const session = await source.connect(operation)
        return {
          describe: (options: { signal: AbortSignal }) => session.describe(options),
          async *read(options: Parameters<typeof session.read>[0]) {
            for await (const page of session.read(options)) {
              if (crashes < 2 && page.count > 0) {
                crashes++
                await server.crash()
                await server.start()
              }
              yield page
            }
          },
          [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
        }
      },
    }
    const report = await runPipeline({ name: 'x', source: steps, sink: into, batchSize: 300 })
    expect(crashes).toBe(2)
    expect(report.counts).toMatchObject({ read: 2_000, written: 2_000 })
    expect(into.store.rows.map((row) => (row as RedisRecord).key).sort()).toEqual(keys)
  })
})
