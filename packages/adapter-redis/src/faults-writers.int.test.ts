import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { from, memorySink, memoryStateStore, memoryStore, type Row, runPipeline } from '@drover/core'
import { type RedisServer, startRedis } from '@drover-internal/redis-server'
import { describeOwnRedis } from '@drover-internal/redis-server/vitest'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { childProgram } from '../../../tooling/child-program.js'
import { redisSource } from './source/redis-source.js'
import { CuttingProxy } from './testing/cutting-proxy.js'

const most = 5_000

describeOwnRedis('keys that somebody else changes while they are read', () => {
  let server: RedisServer
  let client: Redis
  let application: ChildProcess | undefined

  beforeAll(async () => {
    // Its tables are resized as soon as they can be.
    server = await startRedis({ settings: { hz: 500 } })
    client = new Redis(server.url)
  })
  afterAll(async () => {
    client.disconnect()
    await server[Symbol.asyncDispose]()
  })
  beforeEach(async () => void (await client.flushdb()))
  afterEach(async () => {
    if (application === undefined) return
    const exited = once(application, 'exit')
    application.kill('SIGKILL')
    await exited
    application = undefined
  })

  const calm = Array.from({ length: most }, (_, i) => [`checkpoint:calm:${i}`, `of ${i}`] as const)
  async function fill(): Promise<void> {
    await client.mset(calm.flat())
    for (let i = 0; i < 2_000; i++) void client.set(`checkpoint:wild:${i}`, 'at first')
    await client.ping()
  }
  /** Until the application has had each of its keys in hand. */
  async function allTouched(): Promise<void> {
    const rounds = async (): Promise<number> => Number(await client.get('rounds'))
    const before = await rounds()
    while ((await rounds()) < before + 41) await new Promise(setImmediate)
  }
  const calmOf = (rows: readonly Row[]) =>
    rows
      .filter(({ key }) => String(key).startsWith('checkpoint:calm:'))
      .map(({ key, value }) => [key, value])
      .sort(([a], [b]) => numberOf(a) - numberOf(b))
  const numberOf = (key: unknown): number => Number(String(key).split(':')[2])

  it.each([1, 3])(
    'those that stay are read once each as they are, the others once at the most, in %d partitions',
    async (parallel) => {
      await fill()
      application = spawn(
        process.execPath,
        [childProgram(`${import.meta.dirname}/testing/unruly.child.ts`), server.url, 'checkpoint:wild:'],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      )
      await once(application.stdout as NonNullable<ChildProcess['stdout']>, 'data')
      const store = memoryStore()
      // The keys are found by now, and most of them not read yet.
      let touched: Promise<void> | undefined
      const report = await runPipeline({
        name: 'read',
        source: from(redisSource({ connection: server.url })).pipe(async (row) => {
          touched ??= allTouched()
          await touched
          return row
        }),
        sink: memorySink({ store }),
        batchSize: 200,
        parallel,
        state: memoryStateStore(),
      })
      expect(calmOf(store.rows)).toEqual(calm)
      const keys = store.rows.map(({ key }) => key)
      expect(new Set(keys).size).toBe(keys.length)
      const forms = { string: 'string', hash: 'object', list: 'object', stream: 'object' }
      for (const { type, value } of store.rows) expect(typeof value).toBe(forms[type as keyof typeof forms])
      expect(report.counts.read).toBe(keys.length)
      expect(report.counts.rejected).toBe(0)
      expect(report.warnings.map(({ code }) => code)).toContain('KEYS_CHANGED')
    },
  )

  it('are read once each while the table shrinks, and SCAN gives them twice', async () => {
    const few = calm.slice(0, 500)
    await client.mset(few.flat())
    await using proxy = await CuttingProxy.start(server)
    const others = Array.from({ length: 8_000 }, (_, i) => `other:${i}`)
    const swelling = others.flatMap((key) => [key, ''])
    let given = 0
    let cycles = 0
    let cycling: Promise<unknown> | undefined
    // The table grows to sixteen times its size, and shrinks again, while SCAN is on its way through it.
    const swell = async (): Promise<void> => {
      await client.mset(swelling)
      await client.unlink(others)
      cycles++
      cycling = undefined
    }
    proxy.onAnswer = (answer) => {
      given += answer.toString('latin1').split('checkpoint:calm:').length - 1
      cycling ??= swell()
    }
    const store = memoryStore()
    const report = await runPipeline({
      name: 'read',
      source: redisSource({ connection: proxy.url, types: 'string', scanCount: 3 }),
      sink: memorySink({ store }),
      state: memoryStateStore(),
    })
    await cycling
    expect(cycles).toBeGreaterThan(3)
    // Values do not hold the key: what SCAN gave more often than there are keys, it gave twice.
    expect(given).toBeGreaterThan(few.length)
    expect(calmOf(store.rows)).toEqual(few)
    expect(report.counts.read).toBe(few.length)
    expect(report.warnings).toEqual([])
  })
})
