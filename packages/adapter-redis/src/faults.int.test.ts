import {
  type MemoryStore,
  memorySink,
  memorySource,
  memoryStateStore,
  memoryStore,
  type Report,
  type Row,
  startPipeline,
} from '@drover/core'
import { majorVersionOf, type RedisServer, type RedisServerOptions, startRedis } from '@drover-internal/redis-server'
import { describeOwnRedis } from '@drover-internal/redis-server/vitest'
import { Redis } from 'ioredis'
import { afterEach, expect, it } from 'vitest'
import { redisSink } from './sink/redis-sink.js'
import { redisSource } from './source/redis-source.js'
import { redisStateStore } from './state/redis-state-store.js'
import { CuttingProxy } from './testing/cutting-proxy.js'

const most = 2_000
const keyOf = (i: number): string => `checkpoint:${i}`
const rows: readonly Row[] = Array.from({ length: most }, (_, i) => ({
  key: keyOf(i),
  type: 'string',
  value: `of ${i}`,
  expires_at: null,
}))

describeOwnRedis('a run whose Redis fails', () => {
  const open: (AsyncDisposable | Disposable)[] = []
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) {
      if (Symbol.asyncDispose in one) await one[Symbol.asyncDispose]()
      else one[Symbol.dispose]()
    }
  })

  async function serve(options: RedisServerOptions = {}): Promise<{ server: RedisServer; client: Redis }> {
    const server = await startRedis({ keepsData: true, ...options })
    const client = new Redis(server.url, { maxRetriesPerRequest: null })
    client.on('error', () => {})
    open.push(server, { [Symbol.dispose]: () => client.disconnect() })
    return { server, client }
  }

  async function proxied(server: RedisServer): Promise<CuttingProxy> {
    const proxy = await CuttingProxy.start(server)
    open.push(proxy)
    return proxy
  }

  const fill = async (client: Redis): Promise<void> =>
    void (await client.mset(rows.flatMap(({ key, value }) => [String(key), String(value)])))
  const source = () => memorySource<Row>({ records: rows, key: 'key' })
  const write = (connection: string, options: object = {}) =>
    startPipeline({ name: 'write', source: source(), sink: redisSink({ connection }), batchSize: 100, ...options })
  const read = (connection: string, store = memoryStore<Row>(), options: object = {}) =>
    startPipeline({
      name: 'read',
      source: redisSource({ connection, types: 'string' }),
      sink: memorySink<Row>({ store }),
      batchSize: 100,
      ...options,
    })

  /** That every record is there once, and nothing else. `onConflict: 'error'` refuses a second time. */
  async function expectWritten(client: Redis, report: Report): Promise<void> {
    expect(report.counts).toMatchObject({ read: most, written: most, inserted: most, updated: 0, skipped: 0 })
    expect(await client.mget(rows.map(({ key }) => String(key)))).toEqual(rows.map(({ value }) => value))
    const others = (await client.keys('*')).filter(
      (key) => !key.startsWith('checkpoint:') && !key.includes('drover:v1:'),
    )
    expect(others).toEqual([])
  }
  function expectRead(store: MemoryStore<Row>, report: Report): void {
    expect(report.counts).toMatchObject({ read: most, written: most, inserted: most })
    const found = [...store.rows].sort((a, b) => numberOf(a) - numberOf(b))
    expect(found).toEqual(rows)
  }
  const numberOf = ({ key }: Row): number => Number(String(key).slice('checkpoint:'.length))

  /** Waits until a replica gets what its master is told. */
  async function linked(master: Redis, replica: Redis): Promise<void> {
    for (let told = 1; Number(await replica.get('drover:v1:told')) < told - 1 || told < 3; told++) {
      await master.set('drover:v1:told', told)
      await master.wait(1, 1_000)
    }
  }

  /** Does something at some batches, and has it done before the run may end. */
  function atBatches(
    live: ReturnType<typeof write>,
    which: readonly number[],
    work: () => Promise<void>,
  ): Promise<void> {
    let seen = 0
    let working = Promise.resolve()
    live.events.on('batch:committed', () => {
      if (which.includes(++seen)) working = working.then(work)
    })
    return live.result.then(() => working)
  }

  it.each([
    ['is killed', (server: RedisServer) => server.crash()],
    ['is stopped', (server: RedisServer) => server.stop()],
  ])('while it writes goes on where it was when the server %s and comes back', async (_, end) => {
    const { server, client } = await serve()
    const live = write(server.url)
    let ends = 0
    await atBatches(live, [3, 8, 12], async () => {
      await end(server)
      await server.start()
      ends++
    })
    expect(ends).toBe(3)
    await expectWritten(client, await live.result)
  })

  it('while it reads goes on where it was when the server is killed and comes back', async () => {
    const { server, client } = await serve()
    await fill(client)
    const store = memoryStore<Row>()
    const live = read(server.url, store)
    let ends = 0
    await atBatches(live, [3, 8, 12], async () => {
      await server.crash()
      await server.start()
      ends++
    })
    expect(ends).toBe(3)
    expectRead(store, await live.result)
  })

  it('waits while the server is busy loading its data, before it begins and in the middle', async () => {
    const { server, client } = await serve({
      keepsData: false,
      settings: { save: '3600 1000000', 'key-load-delay': 20 },
      newerSettings: { 'loading-process-events-interval-bytes': 1024 },
    })
    await fill(client)
    await client.select(1)
    let loads = 0
    const reload = async (): Promise<void> => {
      await client.save()
      await server.crash()
      await server.start({ isLoading: true })
      const early = new Redis(server.url, { enableReadyCheck: false })
      loads += Number((await early.info('persistence')).includes('loading:1'))
      early.disconnect()
    }
    await reload()
    const live = write(`${server.url}/1`, { source: redisSource({ connection: server.url, types: 'string' }) })
    await atBatches(live, [5], reload)
    // An older server hears nobody until it has loaded so little.
    expect(loads).toBe((await majorVersionOf(client)) < 7 ? 0 : 2)
    await expectWritten(client, await live.result)
  })

  it('says at once that the server is full, and the next call goes on', async () => {
    const { server, client } = await serve()
    const live = write(server.url)
    let batches = 0
    live.events.on('batch:committed', () => {
      if (++batches === 4) void client.config('SET', 'maxmemory', '1mb')
    })
    const message = expect.stringMatching(/writing batch \d+ .*OOM.*maxmemory/)
    await expect(live.result).rejects.toMatchObject({ code: 'STORE_FULL', message })
    // Whole batches, and nothing else.
    expect((await client.keys('checkpoint:*')).length).toBe(batches * 100)
    await client.config('SET', 'maxmemory', '0')
    const report = await write(server.url).result
    expect(report.attempt.counts.inserted).toBeLessThan(most)
    await expectWritten(client, report)
  })

  it.each([
    ['the answer to a batch', 'answer'],
    ['half of the answer to a batch', { answerAfter: 3 }],
    ['a batch', 'request'],
  ] as const)('nothing is written twice where a connection breaks with %s', async (_, lose) => {
    const { server, client } = await serve()
    const proxy = await proxied(server)
    const live = write(proxy.url)
    const isBatch = (request: Buffer): boolean => request.length > 2_000 && request.includes('EVAL')
    proxy.cutNext({ of: isBatch, lose })
    live.events.on('batch:committed', ({ partition }) => {
      expect(partition).toBe('all')
      if (proxy.cuts < 5) proxy.cutNext({ of: isBatch, lose })
    })
    const report = await live.result
    expect(proxy.cuts).toBe(5)
    await expectWritten(client, report)
  })

  it.each([
    ['half of an answer', { answerAfter: 100 }],
    ['an answer', 'answer'],
  ] as const)('every key is read once where a connection breaks with %s', async (_, lose) => {
    const { server, client } = await serve()
    await fill(client)
    const proxy = await proxied(server)
    const store = memoryStore<Row>()
    const isRead = (request: Buffer): boolean => /\r\n(SCAN|MGET|TYPE)\r\n/i.test(request.toString('latin1'))
    const live = read(proxy.url, store)
    proxy.cutNext({ of: isRead, lose })
    live.events.on('batch:committed', () => {
      if (proxy.cuts < 4) proxy.cutNext({ of: isRead, lose })
    })
    const report = await live.result
    expect(proxy.cuts).toBeGreaterThan(1)
    expectRead(store, report)
  })

  it('a state store whose answers are lost neither loses nor doubles a batch', async () => {
    const { server, client } = await serve()
    await fill(client)
    const proxy = await proxied(server)
    const store = memoryStore<Row>()
    const isState = (request: Buffer): boolean => request.includes('EVAL') && request.includes('drover:v1:')
    const live = read(server.url, store, { state: redisStateStore({ connection: proxy.url }), maxRetries: 20 })
    live.events.on('batch:committed', () => {
      if (proxy.cuts < 4) proxy.cutNext({ of: isState, lose: 'answer' })
    })
    const report = await live.result
    expect(proxy.cuts).toBeGreaterThan(0)
    expectRead(store, report)
  })

  it('goes on with a replica that has taken over, where the old master answers READONLY', async () => {
    const { server: old, client } = await serve()
    const { server: replica, client: next } = await serve({ settings: { replicaof: `${old.host} ${old.port}` } })
    await linked(client, next)
    // A name that is moved to another server: connections that there are stay where they are.
    const proxy = await proxied(old)
    const live = write(proxy.url)
    const said: string[] = []
    live.events.on('batch:retried', ({ message }) => void said.push(message))
    await atBatches(live, [6], async () => {
      // Else the run may be through before the old master is one no more.
      live.pause()
      // A replica that has nothing of the run yet cannot go on with it.
      await client.multi().set('caught up', '').del('caught up').exec()
      await client.wait(1, 10_000)
      proxy.target = replica
      await next.call('REPLICAOF', 'NO', 'ONE')
      await client.call('REPLICAOF', replica.host, replica.port)
      live.resume()
    })
    const report = await live.result
    expect(said.join()).toContain('READONLY')
    await expectWritten(next, report)
  })

  it('a server that loses its last writes gets them again, with their positions', async () => {
    const { server, client } = await serve({ keepsData: false, settings: { save: '3600 1000000' } })
    const live = write(server.url, { state: memoryStateStore() })
    let seen = 0
    let working = Promise.resolve()
    live.events.on('batch:committed', () => {
      seen++
      if (seen === 4) working = client.save().then(() => {})
      // Back to the snapshot.
      if (seen === 9) working = working.then(() => server.crash()).then(() => server.start())
    })
    const report = await live.result
    await working
    expect(report.warnings.map(({ code }) => code)).toContain('STORE_WENT_BACK')
    await expectWritten(client, report)
  })

  it('a server that has lost the run by the time its first partition is claimed gets no record under it', async () => {
    const { server, client } = await serve()
    const sink = redisSink({ connection: server.url })
    let isLost = false
    const losing = {
      ...sink,
      connect: async (...operation: Parameters<typeof sink.connect>) => {
        const session = await sink.connect(...operation)
        const claim = session.claim.bind(session)
        session.claim = async (...wanted) => {
          if (!isLost) await client.flushdb()
          isLost = true
          return claim(...wanted)
        }
        return session
      },
    }
    const first = startPipeline({ name: 'write', source: source(), sink: losing, batchSize: 100 })
    await expect(first.result).rejects.toMatchObject({ code: 'LEASE_LOST' })
    expect(await client.keys('checkpoint:*')).toEqual([])
    const again = await write(server.url).result
    await expectWritten(client, again)
  })
})
