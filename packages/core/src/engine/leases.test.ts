import { describe, expect, it } from 'vitest'
import { DroverError } from '../errors/drover-error.js'
import { memorySink } from '../memory/memory-sink.js'
import { memorySource } from '../memory/memory-source.js'
import { memoryStore } from '../memory/memory-store.js'
import { sink } from '../sinks/sink.js'
import { memoryStateStore } from '../state/memory-state-store.js'
import { runPipeline, startPipeline } from './run-pipeline.js'
import {
  but,
  failure,
  ids,
  type Numbered,
  numbers,
  signal,
  source,
  transient,
  withReading,
  withSession,
} from './testing/rigs.js'

const slow = (ms: number) =>
  sink<Numbered>({
    name: 'slow',
    guarantee: 'idempotent',
    batchSize: 10,
    write: () => new Promise((resolve) => setTimeout(resolve, ms)),
  })

describe('a lease', () => {
  it('is not lost because its first heartbeat fails for a moment', async () => {
    const inner = memoryStateStore()
    let beats = 0
    const state = but(inner, {
      heartbeat: async (lease, options) => {
        if (++beats === 1) throw transient()
        return inner.heartbeat(lease, options)
      },
    })
    const report = await runPipeline({ name: 'x', source: source(100), sink: slow(30), state, leaseMs: 100 })
    expect(report.status).toBe('completed')
    expect(beats).toBeGreaterThan(3)
  })

  it('survives heartbeats that fail for a moment, as long as it lasts', async () => {
    const inner = memoryStateStore()
    let beats = 0
    const state = but(inner, {
      heartbeat: async (lease, options) => {
        if (++beats % 2 === 0) throw transient()
        return inner.heartbeat(lease, options)
      },
    })
    const report = await runPipeline({ name: 'x', source: source(100), sink: slow(120), state, leaseMs: 900 })
    expect(report.status).toBe('completed')
  })

  it('is given back in the end, also when giving it back fails for a moment, and when the run failed', async () => {
    for (const isBroken of [false, true]) {
      const inner = memoryStateStore()
      let releases = 0
      const state = but(inner, {
        release: async (lease, operation) => {
          if (++releases === 1) throw transient()
          return inner.release(lease, operation)
        },
      })
      const into = withSession(memorySink<Numbered>(), (session) => ({
        write: async (batch, operation) => {
          if (isBroken) throw new Error('broken')
          return session.write(batch, operation)
        },
      }))
      const run = runPipeline({ name: 'x', source: source(10), sink: into, state })
      if (isBroken) await failure(run)
      else await run
      const { run: id, partitions } = (await state.load('x', { signal })) as NonNullable<
        Awaited<ReturnType<typeof state.load>>
      >
      const partition = partitions[0] as (typeof partitions)[number]
      expect(await state.acquire({ run: id, partition, holder: 'other', ttlMs: 100 }, { signal })).not.toHaveProperty(
        'heldBy',
      )
    }
  })

  it('that is lost leaves the other partitions to whoever has them, and settles nothing', async () => {
    const inner = memoryStateStore()
    const settled: string[] = []
    const state = but(inner, {
      heartbeat: async (lease, options) => {
        if (options.ttlMs === 100 && lease.partition.id === '2' && committed > 2)
          throw new DroverError('LEASE_LOST', 'partition 2 is lost')
        return inner.heartbeat(lease, options)
      },
      settle: async (run, settlement, operation) => {
        settled.push(settlement.outcome)
        return inner.settle(run, settlement, operation)
      },
    })
    let committed = 0
    const live = startPipeline({
      name: 'x',
      source: memorySource({ records: numbers(1_000), key: 'id', partitions: 2 }),
      sink: slow(20),
      state,
      parallel: 2,
      leaseMs: 100,
    })
    live.events.on('batch:committed', () => committed++)
    expect(await failure(live.result)).toMatchObject({ code: 'LEASE_LOST', message: 'partition 2 is lost' })
    expect(settled).toEqual([])
    const before = committed
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect(committed).toBe(before)
  })
})

describe('a request to stop', () => {
  it('is not taken back by a partition that begins later', async () => {
    const state = memoryStateStore()
    const live = startPipeline({
      name: 'x',
      source: memorySource({ records: numbers(400), key: 'id', partitions: 8 }),
      sink: slow(0),
      state,
      parallel: 2,
      leaseMs: 60_000,
    })
    live.events.once('batch:committed', () => {
      void state
        .load('x', { signal })
        .then((run) => state.control((run as { run: string }).run, { state: 'stop' }, { signal }))
    })
    expect(await live.result).toMatchObject({ status: 'stopped', reason: 'an operator asked for it' })
  })
})

describe('a request to stop that was made of an earlier call', () => {
  it('is not heard while it is taken back, however slow the store is', async () => {
    const state = memoryStateStore()
    const run = (more: object) => startPipeline({ name: 'x', source: source(50), sink: slow(1), state, ...more })
    const { run: id } = await run({ stopAfter: { records: 10 } }).result
    await state.control(id, { state: 'stop' }, { signal })
    let beats = 0
    const sleepy = but(state, {
      heartbeat: async (lease, options) => {
        const wanted = await state.heartbeat(lease, options)
        if (++beats === 1) await new Promise((resolve) => setTimeout(resolve, 250))
        return wanted
      },
    })
    expect(await run({ state: sleepy, leaseMs: 300 }).result).toMatchObject({ status: 'completed' })
  })
})

describe('beginning anew with another definition', () => {
  const stopped = async () => {
    const store = memoryStore<Numbered>()
    const run = (more: object) =>
      startPipeline({ name: 'x', source: source(1_000), sink: memorySink({ store }), batchSize: 10, ...more })
    return { store, run }
  }

  it('waits for whoever still works on the old run, or says who does', async () => {
    const { run } = await stopped()
    const old = run({ recordsPerSecond: 1_000 })
    await new Promise((resolve) => old.events.once('batch:committed', resolve))
    const anew = { version: '2', whenChanged: 'restart' }
    expect(await failure(run(anew).result)).toMatchObject({ code: 'RUN_HELD' })
    const waiting = run({ ...anew, whenHeld: 'wait' })
    const order: string[] = []
    waiting.events.on('run:started', () => order.push('anew'))
    old.events.on('run:finished', () => order.push('old ended'))
    await new Promise((resolve) => setTimeout(resolve, 100))
    await old.stop()
    expect(await waiting.result).toMatchObject({ status: 'completed', counts: { read: 1_000 } })
    expect(order).toEqual(['old ended', 'anew'])
  })

  it('shuts out who worked on it and does not know yet', async () => {
    const state = memoryStateStore()
    let thaw = (): void => {}
    const frozen = new Promise<void>((resolve) => {
      thaw = resolve
    })
    let isFrozen = false
    const zombie = runPipeline({
      name: 'x',
      source: source(100),
      sink: sink<Numbered>({
        name: 'index',
        guarantee: 'idempotent',
        batchSize: 10,
        write: async (records) => {
          isFrozen = records[0]?.id === 21
          if (isFrozen) await frozen
        },
      }),
      state: but(state, {
        heartbeat: async (lease, options) => (isFrozen ? new Promise(() => {}) : state.heartbeat(lease, options)),
      }),
      leaseMs: 100,
    })
    while (!isFrozen) await new Promise((resolve) => setTimeout(resolve, 5))
    const written: number[] = []
    const anew = await runPipeline({
      name: 'x',
      version: '2',
      source: source(100),
      sink: sink<Numbered>({
        name: 'index',
        guarantee: 'idempotent',
        write: async (records) => void written.push(...ids(records)),
      }),
      state,
      whenChanged: 'restart',
      whenHeld: 'wait',
    })
    expect(anew.counts.read).toBe(100)
    expect(written).toEqual(ids(numbers(100)))
    thaw()
    expect((await failure(zombie)).code).toMatch(/^(LEASE_LOST|FENCED)$/) // by its own clock, or by the store
    const { positions } = (await state.load('x', { signal })) as { positions: readonly { run: string }[] }
    expect(positions.every(({ run }) => run === anew.run)).toBe(true)
  })
})

describe('a state store that does not answer any more', () => {
  it('ends the run once the lease is over', async () => {
    const inner = memoryStateStore()
    let isGone = false
    let refused = 0
    const state = but(inner, {
      heartbeat: async (lease, options) => {
        if (!isGone) return inner.heartbeat(lease, options)
        if (refused++ === 0) throw new DroverError('STORE_BUSY', 'The pool is empty.', { isRetryable: true })
        return new Promise(() => {})
      },
    })
    // A source that never looks whether it is still wanted.
    const deaf = withReading(source(1_000), (session) => ({
      read: (options) => session.read({ ...options, signal }),
    }))
    const live = startPipeline({ name: 'x', source: deaf, sink: slow(10), state, leaseMs: 100 })
    live.events.once('batch:committed', () => {
      isGone = true
    })
    const error = await failure(live.result)
    expect(error).toMatchObject({ code: 'LEASE_LOST' })
    expect(error.message).toContain('has not answered for as long as a lease lasts (100 ms)')
    expect(error.message).toContain('Before that it failed with STORE_BUSY: The pool is empty. See to the store')
  })
})
