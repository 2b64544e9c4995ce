import { randomUUID } from 'node:crypto'
import { stateStoreSuite } from '@drover/conformance'
import type { Commit, Held, Lease, RunState, StateStore } from '@drover/core'
import { describeRedis, useRedis } from '@drover-internal/redis-server/vitest'
import { afterEach, describe, expect, it } from 'vitest'
import { type RedisStateStoreOptions, redisStateStore } from './redis-state-store.js'

const operation = { signal: new AbortController().signal }
const partition = { id: 'all', bounds: null }
const counts = { read: 1, written: 1, filtered: 0, rejected: 0, emitted: 1, inserted: 0, updated: 1, skipped: 0 }

let places = 0

describeRedis('redisStateStore', () => {
  const database = useRedis()

  stateStoreSuite('redisStateStore', {
    create: async () => {
      const keyPrefix = `place ${++places}:`
      return {
        open: () => redisStateStore({ connection: database.url, keyPrefix }),
        holds: async () => (await database.client.keys(`${keyPrefix}*`)).sort(),
        [Symbol.asyncDispose]: async () => {},
      }
    },
  })

  const opened: StateStore[] = []
  afterEach(async () => {
    for (const store of opened.splice(0)) await store[Symbol.asyncDispose]()
    await database.client.flushdb()
  })

  function open(options: RedisStateStoreOptions = {}): StateStore {
    const store = redisStateStore({ connection: database.url, ...options })
    opened.push(store)
    return store
  }

  async function follow(store: StateStore, after: RunState | null = null): Promise<RunState> {
    const wanted = { name: 'copy', fingerprint: null, partitions: [partition], follows: after?.run ?? null }
    return store.open(wanted, operation)
  }

  async function take(store: StateStore, { run }: RunState, ttlMs = 60_000): Promise<Lease> {
    const lease = await ask(store, run, ttlMs)
    if ('heldBy' in lease) throw new Error(`It is held by ${lease.heldBy}.`)
    return lease
  }

  function ask(store: StateStore, run: string, ttlMs = 60_000): Promise<Lease | Held> {
    return store.acquire({ run, partition, holder: `elsewhere:1:${randomUUID()}`, ttlMs }, operation)
  }

  const next = ({ run, fence, position }: Lease): Commit => {
    return { run, partition, fence, sequence: (position?.sequence ?? 0) + 1, cursor: 'here', done: false, counts }
  }

  const complete = (store: StateStore, { run }: RunState): Promise<void> =>
    store.settle(run, { outcome: 'completed' }, operation)

  const runKey = ({ run }: RunState): string => `drover:v1:{drover}:run:${run}`

  describe('its keys', () => {
    it('carry the mark of Drover and one hash tag, and have no time to live', async () => {
      const store = open({ keyPrefix: 'app:', hashTag: 'mine' })
      const run = await follow(store)
      await store.commit(next(await take(store, run)), operation)
      const keys = (await database.client.keys('*')).sort()
      expect(keys).toEqual([
        'app:drover:v1:{mine}:names',
        `app:drover:v1:{mine}:run:${run.run}`,
        'app:drover:v1:{mine}:runs:copy',
      ])
      for (const key of keys) expect(await database.client.ttl(key)).toBe(-1)
      expect(await open().load('copy', operation)).toBeNull()
      expect(await open({ keyPrefix: 'app:', hashTag: 'mine' }).load('copy', operation)).not.toBeNull()
    })

    it('are not made for who only looks', async () => {
      const store = open()
      expect(await store.load('copy', operation)).toBeNull()
      for await (const run of store.list(operation)) expect.fail(run.name)
      await store.setup?.(operation)
      expect(await database.client.dbsize()).toBe(0)
    })

    it('are used again after the store was disposed of', async () => {
      const store = open()
      const run = await follow(store)
      await store[Symbol.asyncDispose]()
      expect(await store.load('copy', operation)).toEqual(run)
    })
  })

  describe('a fence', () => {
    it('is not granted a second time by a server that has lost that it granted it', async () => {
      const store = open()
      const run = await follow(store)
      const before = await database.client.hgetall(runKey(run))
      const zombie = await take(store, run, 1)
      await database.client.del(runKey(run))
      await database.client.hset(runKey(run), before)
      // Nobody takes over within the millisecond of the grant.
      while (Date.now() <= zombie.fence) await new Promise(setImmediate)
      const lease = await take(store, run)
      expect(lease.fence).toBeGreaterThan(zombie.fence)
      await store.commit(next(lease), operation)
      await expect(store.commit({ ...next(zombie), sequence: 2 }, operation)).rejects.toMatchObject({ code: 'FENCED' })
    })

    it('that is gone with its position is not taken for one that nobody claimed', async () => {
      const store = open()
      const run = await follow(store)
      const lease = await take(store, run)
      await database.client.hdel(runKey(run), 'fence:all')
      await expect(store.commit(next(lease), operation)).rejects.toMatchObject({
        code: 'FENCED',
        message: expect.stringContaining('Redis has lost what it had acknowledged'),
      })
    })
  })

  describe('old runs', () => {
    const kept = (): Promise<string[]> => database.client.lrange('drover:v1:{drover}:runs:copy', 0, -1)

    it('are removed when a new one begins: completed ones, but for the newest of them', async () => {
      const store = open({ keepRuns: 3 })
      const runs: RunState[] = []
      for (let i = 0; i < 6; i++) {
        const run = await follow(store, runs.at(-1))
        runs.push(run)
        // The second one is never finished.
        if (i !== 1) await complete(store, run)
      }
      expect(await kept()).toEqual([1, 3, 4, 5].map((i) => runs[i]?.run))
      expect(await database.client.exists(runKey(runs[0] as RunState))).toBe(0)
      expect(await database.client.exists(runKey(runs[1] as RunState))).toBe(1)
    })

    it('stay while somebody works on them, and where none has completed since', async () => {
      const store = open({ keepRuns: 1 })
      const one = await follow(store)
      const lease = await take(store, one)
      await complete(store, one)
      const two = await follow(store, one)
      await complete(store, two)
      const three = await follow(store, two)
      const four = await follow(store, three)
      expect(await kept()).toEqual([one, two, three, four].map(({ run }) => run))
      await store.release(lease, operation)
      const five = await follow(store, four)
      expect(await kept()).toEqual([two, three, four, five].map(({ run }) => run))
    })

    it('that were deleted by hand are forgotten', async () => {
      const store = open({ keepRuns: 2 })
      const one = await follow(store)
      const two = await follow(store, one)
      await database.client.del(runKey(one))
      const three = await follow(store, two)
      expect(await kept()).toEqual([two.run, three.run])
    })
  })

  describe('what cannot be read', () => {
    it.each([
      ['position:all', '{', /its field "position:all" is no JSON/],
      ['position:all', '{"sequence":1}', /its field "position:all" is no position/],
      ['fence:all', 'x', /its field "fence:all" is no number/],
      ['partitions', '{}', /its field "partitions" is no list/],
      ['partitions', '[', /its field "partitions" is no JSON/],
      ['fingerprint', '', /its field "fingerprint" is no JSON/],
      ['status', 'fine', /its field "status" is "fine"/],
      ['startedAt', 'today', /its field "startedAt" is no number/],
      ['control:state', '"dance"', /its field "control:state" is none of/],
      ['expires:all', 'soon', /its field "expires:all" is no number/],
      ['outcome', 'x', /its field "outcome" is no JSON/],
    ])('is refused with key and remedy: %s = %s', async (field, value, message) => {
      const store = open()
      const run = await follow(store)
      await store.commit(next(await take(store, run)), operation)
      await database.client.hset(runKey(run), field, value)
      const refusal = { code: 'STATE_INVALID', isRetryable: false, message: expect.stringMatching(message) }
      const failed = expect(store.load('copy', operation)).rejects
      await failed.toMatchObject(refusal)
      await failed.toThrow(runKey(run))
      await failed.toThrow(/Restore it from a backup, or delete/)
    })

    it('is a fence that is no number, for who asks for the lease or commits', async () => {
      const store = open()
      const run = await follow(store)
      const lease = await take(store, run, 1)
      await database.client.hset(runKey(run), 'fence:all', 'x')
      await expect(store.commit(next(lease), operation)).rejects.toMatchObject({ code: 'STATE_INVALID' })
      await store.release(lease, operation)
      await database.client.hdel(runKey(run), 'holder:all')
      await expect(ask(store, run.run)).rejects.toMatchObject({ code: 'STATE_INVALID' })
    })

    it('is a key of another type', async () => {
      const store = open()
      const run = await follow(store)
      const lease = await take(store, run)
      await database.client.set(runKey(run), 'mine')
      const works = [
        () => store.load('copy', operation),
        () => store.commit(next(lease), operation),
        () => store.heartbeat(lease, { ...operation, ttlMs: 1000 }),
        () => ask(store, run.run),
        () => complete(store, run),
      ]
      for (const work of works) {
        const refused = expect(work()).rejects
        await refused.toMatchObject({ code: 'STATE_INVALID' })
        await refused.toThrow(runKey(run))
      }
      expect(await database.client.get(runKey(run))).toBe('mine')
    })

    it('is a list of runs of another type, and then nothing is opened', async () => {
      await database.client.set('drover:v1:{drover}:runs:copy', 'mine')
      await expect(follow(open())).rejects.toMatchObject({
        code: 'STATE_INVALID',
        message: expect.stringContaining('runs:copy'),
      })
      expect(await database.client.keys('*')).toEqual(['drover:v1:{drover}:runs:copy'])
    })

    it('is a run that is gone, though it is the newest', async () => {
      const store = open()
      const run = await follow(store)
      await database.client.del(runKey(run))
      await expect(store.load('copy', operation)).rejects.toMatchObject({
        code: 'STATE_INVALID',
        message: expect.stringContaining('it was deleted, or evicted'),
      })
    })

    it('is a run that is gone, for who works on it', async () => {
      const store = open()
      const run = await follow(store)
      const lease = await take(store, run)
      await database.client.del(runKey(run))
      await expect(store.heartbeat(lease, { ...operation, ttlMs: 1000 })).rejects.toMatchObject({
        code: 'LEASE_LOST',
        message: expect.stringContaining('the server has restarted without an append-only file'),
      })
      await expect(store.commit(next(lease), operation)).rejects.toMatchObject({ code: 'FENCED' })
      await store.release(lease, operation)
      expect(await database.client.exists(runKey(run))).toBe(0)
    })

    it('is the run of another name', async () => {
      const store = open()
      const run = await follow(store)
      await database.client.hset('drover:v1:{drover}:names', 'other', run.run)
      await expect(store.load('other', operation)).rejects.toMatchObject({
        code: 'STATE_INVALID',
        message: expect.stringContaining('which is one of "copy"'),
      })
    })

    it('is a run to follow that was deleted meanwhile', async () => {
      const store = open()
      const run = await follow(store)
      await database.client.flushdb()
      await expect(follow(store, run)).rejects.toMatchObject({
        code: 'STATE_INVALID',
        message: expect.stringContaining('call again'),
      })
      expect(await database.client.dbsize()).toBe(0)
    })
  })

  it('gives up waiting when it is told to', async () => {
    const store = open()
    await expect(store.load('copy', { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' })
  })
})

describe('options that make no sense', () => {
  it.each([
    [{ keepRuns: 0 }, /keepRuns is a whole number of at least 1/],
    [{ keepruns: 3 }, /did you mean "keepRuns"/],
    [{ hashTag: '' }, /hashTag is a text that is not empty/],
    [{ hashTag: '{a}' }, /leave the braces out/],
    [{ keyPrefix: 'a{b}' }, /pass what stands in it as hashTag/],
    [{ keyPrefix: 3 }, /keyPrefix is a text/],
    [{ allowEviction: 'yes' }, /allowEviction is true or false/],
  ])('are refused', (options, message) => {
    expect(() => redisStateStore({ connection: 'redis://localhost', ...(options as object) })).toThrow(message)
  })
})
