import { mkdtemp, rm } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Commit, Partition } from '../contracts/position.js'
import type { Held, Lease, RunState, StateStore } from '../contracts/state-store.js'
import { directoryStateStore } from './directory-state-store.js'
import { memoryStateStore } from './memory-state-store.js'

const operation = { signal: new AbortController().signal }
const partition: Partition = { id: 'all', bounds: null }
const counts = { read: 1, written: 1, filtered: 0, rejected: 0, emitted: 1, inserted: 1, updated: 0, skipped: 0 }
const deadProcess = 2 ** 22 + 1 // above the highest number that Linux gives (`man 5 proc`, pid_max)

let directory: string
let now: number
const clock = (): number => now

beforeEach(async () => {
  directory = await mkdtemp(`${tmpdir()}/drover-state-`)
  now = Date.UTC(2026, 0, 1)
})
afterEach(() => rm(directory, { recursive: true }))

const stores: [string, () => StateStore][] = [
  ['memoryStateStore', () => memoryStateStore({ clock })],
  ['directoryStateStore', () => directoryStateStore({ directory: `${directory}/state`, clock })],
]

describe.each(stores)('%s', (_, make) => {
  let store: StateStore
  beforeEach(async () => {
    store = make()
    await store.setup?.(operation)
  })
  afterEach(() => store[Symbol.asyncDispose]())

  const open = (name = 'copy', follows: string | null = null): Promise<RunState> =>
    store.open({ name, fingerprint: { version: 1 }, partitions: [partition], follows }, operation)

  const acquire = (run: RunState, holder = 'a', ttlMs = 1000): Promise<Lease | Held> =>
    store.acquire({ run: run.run, partition, holder, ttlMs }, operation)

  async function leased(run: RunState, holder = 'a'): Promise<Lease> {
    const lease = await acquire(run, holder)
    if ('heldBy' in lease) throw new Error(`held by ${lease.heldBy}`)
    return lease
  }

  const commitOf = ({ run, partition, fence }: Lease, sequence: number): Commit => {
    return { run, partition, fence, sequence, cursor: { id: sequence }, done: false, counts }
  }

  test('knows no run before the first', async () => {
    expect(await store.load('copy', operation)).toBeNull()
    for await (const run of store.list(operation)) expect.fail(run.name)
  })

  test('creates a run and gives it back', async () => {
    const run = await open()
    expect(run).toEqual({
      run: expect.stringMatching(/^[0-9a-f-]{36}$/),
      name: 'copy',
      fingerprint: { version: 1 },
      startedAt: new Date(now),
      status: 'open',
      partitions: [partition],
      positions: [],
      control: { state: 'run' },
      leases: [],
    })
    expect(await store.load('copy', operation)).toEqual(run)
  })

  test('gives all who open after the same run one and the same run', async () => {
    const first = await Promise.all(Array.from({ length: 8 }, () => open()))
    expect(new Set(first.map((run) => run.run)).size).toBe(1)
    const [run] = first as [RunState]
    const second = await Promise.all(Array.from({ length: 8 }, () => open('copy', run.run)))
    expect(new Set(second.map((next) => next.run)).size).toBe(1)
    expect(second[0]?.run).not.toBe(run.run)
    expect((await open('copy', run.run)).run).toBe(second[0]?.run)
    expect((await store.load('copy', operation))?.run).toBe(second[0]?.run)
  })

  test('refuses to follow a run that is gone', async () => {
    await expect(open('copy', '0c9c2e9a-0000-4000-8000-000000000000')).rejects.toMatchObject({ code: 'STATE_INVALID' })
  })

  test('lists the newest run of every name, by status if asked', async () => {
    const old = await open('Copy/1')
    const names = ['Copy/1', 'copy/1', 'con', '\u00fc', 'u\u0308', '..', 'x'.repeat(300), `${'x'.repeat(299)}y`]
    for (const name of names) await open(name, name === 'Copy/1' ? old.run : null)
    await store.settle((await open('con')).run, { outcome: 'completed' }, operation)
    const listed = async (status?: 'open' | 'completed'): Promise<string[]> => {
      const found: string[] = []
      for await (const run of store.list({ ...operation, ...(status && { status }) })) found.push(run.name)
      return found.sort()
    }
    expect(await listed()).toEqual(names.sort())
    expect(await listed('completed')).toEqual(['con'])
    expect(await listed('open')).toEqual(names.filter((name) => name !== 'con'))
  })

  test('two who acquire at once: exactly one gets the lease', async () => {
    const run = await open()
    const answers = await Promise.all(['a', 'b', 'c', 'd'].map((holder) => acquire(run, holder)))
    const leases = answers.filter((answer) => !('heldBy' in answer)) as Lease[]
    expect(leases).toHaveLength(1)
    expect(leases[0]).toMatchObject({
      run: run.run,
      partition,
      fence: 1,
      expiresAt: new Date(now + 1000),
      position: null,
    })
    const held = answers.filter((answer) => 'heldBy' in answer)
    expect(held).toEqual([1, 2, 3].map(() => ({ heldBy: leases[0]?.holder, expiresAt: new Date(now + 1000) })))
  })

  test('a lease ends by the clock, later if it was renewed, at once if it was given back', async () => {
    const run = await open()
    const a = await leased(run, 'a')
    now += 900
    await store.heartbeat(a, { ...operation, ttlMs: 1000 })
    now += 900
    expect(await acquire(run, 'b')).toMatchObject({ heldBy: 'a' })
    now += 101
    const b = await leased(run, 'b')
    await store.release(b, operation)
    await store.release(b, operation)
    const c = await leased(run, 'c')
    expect([a.fence, b.fence, c.fence]).toEqual([1, 2, 3])
  })

  test('a holder on this host whose process is gone counts as expired; others do not', async () => {
    for (const [holder, isGone] of [
      [`${hostname()}:${deadProcess}:x`, true],
      [`${hostname()}:${process.pid}:x`, false],
      [`other-${hostname()}:${deadProcess}:x`, false],
      ['whatever', false],
    ] as const) {
      const run = await open(holder)
      await leased(run, holder)
      expect('heldBy' in (await acquire(run, 'b')), holder).toBe(!isGone)
    }
  })

  test('the holder itself may acquire again, and its old lease is lost', async () => {
    const run = await open()
    const first = await leased(run)
    const second = await leased(run)
    expect(second.fence).toBe(2)
    await expect(store.heartbeat(first, { ...operation, ttlMs: 1000 })).rejects.toMatchObject({ code: 'LEASE_LOST' })
    await store.release(first, operation)
    await store.heartbeat(second, { ...operation, ttlMs: 1000 })
  })

  test('a lease that was taken over or given back cannot be renewed', async () => {
    const run = await open()
    const a = await leased(run, 'a')
    now += 2000
    const b = await leased(run, 'b')
    await expect(store.heartbeat(a, { ...operation, ttlMs: 1000 })).rejects.toMatchObject({
      code: 'LEASE_LOST',
      message: expect.stringContaining('b has it now'),
    })
    await store.release(a, operation)
    expect(await acquire(run, 'c')).toMatchObject({ heldBy: 'b' })
    await store.release(b, operation)
    await expect(store.heartbeat(b, { ...operation, ttlMs: 1000 })).rejects.toMatchObject({ code: 'LEASE_LOST' })
  })

  test('partitions are leased and committed each for itself', async () => {
    const other = { id: 'B', bounds: ['x', null] }
    const run = await open()
    const a = await leased(run)
    const b = await store.acquire({ run: run.run, partition: other, holder: 'b', ttlMs: 1000 }, operation)
    await store.commit(commitOf(a, 1), operation)
    await store.commit(commitOf(b as Lease, 1), operation)
    const { positions } = (await store.load('copy', operation)) as RunState
    expect(positions.map((position) => position.partition)).toEqual(expect.arrayContaining([partition, other]))
    expect(positions).toHaveLength(2)
  })

  test('commits in sequence, and the next lease goes on from there', async () => {
    const run = await open()
    const a = await leased(run)
    for (const sequence of [1, 2, 3]) await store.commit(commitOf(a, sequence), operation)
    expect((await store.load('copy', operation))?.positions).toEqual([commitOf(a, 3)])
    await store.release(a, operation)
    const b = await leased(run, 'b')
    expect(b.position).toEqual({ ...commitOf(a, 3), fence: 2 })
    await store.commit({ ...commitOf(b, 4), done: true }, operation)
    expect((await store.load('copy', operation))?.positions).toEqual([{ ...commitOf(b, 4), done: true }])
  })

  test('refuses a sequence that is not the next one', async () => {
    const lease = await leased(await open())
    await expect(store.commit(commitOf(lease, 2), operation)).rejects.toMatchObject({ code: 'FENCED' })
    await store.commit(commitOf(lease, 1), operation)
    await expect(store.commit(commitOf(lease, 1), operation)).rejects.toMatchObject({ code: 'FENCED' })
    expect((await store.load('copy', operation))?.positions).toEqual([commitOf(lease, 1)])
  })

  test('of two commits with the same number one counts, though both are under way at once', async () => {
    const lease = await leased(await open())
    const answers = await Promise.allSettled(
      [1, 1].map((sequence) => store.commit(commitOf(lease, sequence), operation)),
    )
    expect(answers.map((answer) => answer.status)).toEqual(['fulfilled', 'rejected'])
    await store.commit(commitOf(lease, 2), operation)
  })

  test('a zombie cannot commit after it was taken over', async () => {
    const run = await open()
    const zombie = await leased(run, 'a')
    await store.commit(commitOf(zombie, 1), operation)
    now += 2000
    const lease = await leased(run, 'b')
    await expect(store.commit(commitOf(zombie, 2), operation)).rejects.toMatchObject({ code: 'FENCED' })
    await store.commit(commitOf(lease, 2), operation)
    await expect(store.commit(commitOf(zombie, 3), operation)).rejects.toMatchObject({ code: 'FENCED' })
    expect((await store.load('copy', operation))?.positions).toEqual([commitOf(lease, 2)])
  })

  test('a heartbeat brings what operators asked for; a stop is forgotten once the attempt has ended', async () => {
    const run = await open()
    const lease = await leased(run)
    const beat = (): Promise<unknown> => store.heartbeat(lease, { ...operation, ttlMs: 1000 })
    expect(await beat()).toEqual({ state: 'run' })
    await store.control(run.run, { state: 'pause', batchSize: 10 }, operation)
    expect(await beat()).toEqual({ state: 'pause', batchSize: 10 })
    await store.settle(run.run, { outcome: 'stopped' }, operation)
    expect(await beat()).toEqual({ state: 'pause', batchSize: 10 })
    await store.control(run.run, { state: 'stop', recordsPerSecond: 5 }, operation)
    await store.settle(run.run, { outcome: 'stopped' }, operation)
    expect(await beat()).toEqual({ state: 'run', batchSize: 10, recordsPerSecond: 5 })
  })

  test('a lease is over by the clock of the store, or when its process is gone', async () => {
    const run = await open()
    const lease = await leased(run)
    const leftMs = async () => (await store.load('copy', operation))?.leases?.map((standing) => standing.leftMs)
    expect(await leftMs()).toEqual([1000])
    now += 400
    expect(await leftMs()).toEqual([600])
    now += 4000
    expect(await leftMs()).toEqual([0])
    await store.heartbeat(lease, { ...operation, ttlMs: 1000 })
    expect(await leftMs()).toEqual([1000])
    await store.release(lease, operation)
    await leased(run, `${hostname()}:${deadProcess}:x`)
    expect(await leftMs()).toEqual([0])
  })

  test('notes how attempts ended, and what has completed stays so', async () => {
    const run = await open()
    const lease = await leased(run)
    const failed = { outcome: 'failed', reason: 'it broke', positions: [commitOf(lease, 1)] } as const
    await store.settle(run.run, failed, operation)
    expect(await store.load('copy', operation)).toMatchObject({ status: 'open', lastOutcome: failed })
    now += 5000
    await store.settle(run.run, { outcome: 'completed' }, operation)
    const completed = { status: 'completed', completedAt: new Date(now), lastOutcome: { outcome: 'completed' } }
    expect(await store.load('copy', operation)).toMatchObject(completed)
    now += 5000
    await store.settle(run.run, { outcome: 'failed' }, operation)
    expect(await store.load('copy', operation)).toMatchObject(completed)
  })

  test('says so if a run does not exist', async () => {
    const run = '0c9c2e9a-0000-4000-8000-000000000000'
    const lease: Lease = { run, partition, fence: 1, holder: 'a', expiresAt: new Date(now), position: null }
    for (const call of [
      () => store.acquire({ run, partition, holder: 'a', ttlMs: 1 }, operation),
      () => store.heartbeat(lease, { ...operation, ttlMs: 1 }),
      () => store.control(run, { state: 'pause' }, operation),
      () => store.settle(run, { outcome: 'stopped' }, operation),
      () => store.commit(commitOf(lease, 1), operation),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'STATE_INVALID', message: expect.stringContaining(run) })
    }
  })

  test('keeps what it was given, though the caller changes it', async () => {
    const fingerprint = { version: 1 }
    const run = await store.open({ name: 'copy', fingerprint, partitions: [partition], follows: null }, operation)
    const lease = await leased(run)
    const commit = { ...commitOf(lease, 1), cursor: { id: 1 } }
    await store.commit(commit, operation)
    fingerprint.version = 2
    commit.cursor.id = 2
    const state = await store.load('copy', operation)
    expect([state?.fingerprint, state?.positions[0]?.cursor]).toEqual([{ version: 1 }, { id: 1 }])
  })

  test('is closed more than once without harm', async () => {
    const run = await open()
    await store.commit(commitOf(await leased(run), 1), operation)
    await store[Symbol.asyncDispose]()
    await store[Symbol.asyncDispose]()
    expect((await store.load('copy', operation))?.positions).toHaveLength(1)
  })
})

test('refuses wrong options', () => {
  const refused = (make: () => unknown): void => {
    expect(make).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }))
  }
  refused(() => directoryStateStore({ directory: '' }))
  refused(() => directoryStateStore({ directory: 'a', folder: 'b' } as never))
  refused(() => directoryStateStore({ directory: 'a', clock: 1 as never }))
  refused(() => memoryStateStore({ clock: 'x' as never }))
  refused(() => memoryStateStore({ directory: 'x' } as never))
})
