import { DroverError } from '@drover/core'
import { type RedisServer, startRedis } from '@drover-internal/redis-server'
import { describeOwnRedis, describeRedis, useRedis } from '@drover-internal/redis-server/vitest'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openRedis } from '../../connection/open-redis.js'
import type { RedisConnection } from '../../connection/redis-connection.js'
import { KeyIndex } from './key-index.js'
import { allKeys } from './key-range.js'
import { NodeScan } from './node-scan.js'

const { signal } = new AbortController()
const settings = { match: 'checkpoint:*', type: null, scanCount: 10 }

/** Keys with a number, and nothing in them. */
async function fill(client: Redis, prefix: string, count: number): Promise<string[]> {
  const keys = Array.from({ length: count }, (_, i) => `${prefix}:${i}`)
  for (let at = 0; at < count; at += 5_000) {
    await client.mset(...keys.slice(at, at + 5_000).flatMap((key) => [key, '']))
  }
  return keys
}

/** A scan whose keys are kept, with something done once some of them have come. */
class Watched {
  readonly taken: string[] = []
  readonly scan: NodeScan
  #isDone = false

  constructor(
    private readonly connection: RedisConnection,
    private readonly at: number,
    private readonly disturb: () => Promise<unknown>,
  ) {
    this.scan = new NodeScan('the server', settings)
  }

  run(): Promise<void> {
    return this.scan.run(this.connection.nodeOf(0), (keys) => this.#take(keys), signal)
  }

  async #take(keys: readonly Buffer[]): Promise<void> {
    this.taken.push(...keys.map(String))
    if (this.taken.length < this.at || this.#isDone) return
    this.#isDone = true
    await this.disturb()
  }
}

async function failure(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  )
}

function connect(url: string): Promise<RedisConnection> {
  return openRedis({ connection: url }, { where: 'the test', signal, writes: false })
}

describeRedis('a scan', () => {
  const database = useRedis()

  test('goes on where it was when only its connection broke', async () => {
    const keys = await fill(database.client, 'checkpoint', 3_000)
    await using connection = await connect(database.url)
    // The next command is on its way by then.
    const { taken, run } = watching(connection, 1_500, async () => connection.nodeOf(0).client.stream.destroy())
    const error = await failure(run())
    expect(DroverError.isInstance(error) && error.isRetryable).toBe(true)
    const before = taken.length
    await run()
    expect(taken.length - before).toBeLessThan(1_600)
    expect([...new Set(taken)].sort()).toEqual([...keys].sort())
    await database.client.flushdb()
  })

  test('of one type leaves the others to the server', async () => {
    await database.client.set('checkpoint:text', '')
    await database.client.rpush('checkpoint:list', 'a')
    await using connection = await connect(database.url)
    const taken: string[] = []
    const scan = new NodeScan('the server', { ...settings, type: 'list' })
    await scan.run(connection.nodeOf(0), (keys) => void taken.push(...keys.map(String)), signal)
    expect(taken).toEqual(['checkpoint:list'])
    await database.client.flushdb()
  })

  function watching(connection: RedisConnection, at: number, disturb: () => Promise<unknown>) {
    const watched = new Watched(connection, at, disturb)
    return { scan: watched.scan, taken: watched.taken, run: () => watched.run() }
  }
})

describeOwnRedis('a scan of a server that is started again', () => {
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

  async function again(): Promise<void> {
    await server.crash()
    await server.start()
  }

  async function untilDone(watched: Watched): Promise<void> {
    // The connection may still be broken when it is used again.
    for (let attempt = 0; !watched.scan.isDone && attempt < 5; attempt++) await failure(watched.run())
  }

  test('begins again, for its cursor says nothing to the new process', async () => {
    const keys = await fill(client, 'checkpoint', 3_000)
    await using connection = await connect(server.url)
    const watched = new Watched(connection, 1_500, again)
    // It may notice that only when it is through: the answer to the next command may have been on its way already.
    await untilDone(watched)
    expect(watched.taken.length).toBeGreaterThan(keys.length)
    expect(watched.taken.slice(-keys.length).sort()).toEqual([...keys].sort())
  })

  test('is made once more when that happened behind its last answer', async () => {
    const keys = await fill(client, 'checkpoint', 3_000)
    await using connection = await connect(server.url)
    const watched = new Watched(connection, keys.length, again)
    await untilDone(watched)
    expect(watched.taken).toHaveLength(2 * keys.length)
    expect(watched.taken.slice(-keys.length).sort()).toEqual([...keys].sort())
  })

  test('is given up when the signal is aborted, though the server does not answer', async () => {
    await fill(client, 'checkpoint', 3_000)
    await using connection = await connect(server.url)
    const controller = new AbortController()
    const scan = new NodeScan('the server', settings)
    let taken = 0
    const running = scan.run(
      connection.nodeOf(0),
      async (keys) => {
        const isFirst = taken === 0
        taken += keys.length
        if (isFirst) {
          await server.pause()
          setImmediate(() => controller.abort())
        }
      },
      controller.signal,
    )
    expect(await failure(running)).toMatchObject({ code: 'ABORTED' })
    await server.resume()
  })
})

describeOwnRedis('a scan of a table that grows and shrinks', () => {
  test('gets keys twice, and the index gives each once', async () => {
    // One database, looked after often.
    await using server = await startRedis({
      settings: { databases: 1, hz: 500 },
      newerSettings: { 'enable-debug-command': 'yes' },
    })
    const client = new Redis(server.url)
    const keys = await fill(client, 'checkpoint', 250)
    const others = Array.from({ length: 3_000 }, (_, i) => `other:${i}`)
    await using connection = await connect(server.url)
    const taken: string[] = []
    let isLarge = false
    const scan = new NodeScan('the server', { ...settings, scanCount: 8 })
    const take = async (found: readonly Buffer[]) => {
      taken.push(...found.map(String))
      isLarge = !isLarge
      if (isLarge) await client.mset(...others.flatMap((key) => [key, '']))
      else await client.unlink(...others)
      await tableOf(client, (size) => size > 1_000 === isLarge)
    }
    await scan.run(connection.nodeOf(0), take, signal)
    client.disconnect()
    // What all of it is about: servers do that.
    expect(taken.length).toBeGreaterThan(keys.length)

    await using index = new KeyIndex()
    await index.add(taken.map((key) => Buffer.from(key)))
    await index.finish()
    const read: string[] = []
    for await (const chunk of index.read(allKeys, 100, signal)) read.push(...chunk.map(String))
    expect(read.sort()).toEqual([...keys].sort())
    expect(await index.count(signal)).toBe(keys.length)
  })

  /** Waits until the table of keys has such a size, and is one table. */
  async function tableOf(client: Redis, isRight: (size: number) => boolean): Promise<void> {
    for (let look = 0; look < 5_000; look++) {
      const sizes = [...String(await client.call('DEBUG', 'HTSTATS', '0')).matchAll(/table size: (\d+)/g)]
      // The second one is that of expirations, or the one that keys are moved to.
      if (sizes.length === 1 && isRight(Number(sizes[0]?.[1]))) return
    }
    throw new Error('The table of keys stays as it is.')
  }
})
