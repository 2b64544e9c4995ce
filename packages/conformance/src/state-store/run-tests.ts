import type { RunState, StateStore } from '@drover/core'
import { describe, expect, test } from 'vitest'
import { operation } from '../support/operation.js'
import { fingerprint, first, newRun, openRun, second } from './sample-run.js'
import type { StateStoreBench } from './state-store-bench.js'
import type { StateStoreHarness } from './state-store-harness.js'

/** Names that are not file names, or that a file system or a database would take for one another. */
const names = [
  'orders',
  'Orders',
  'ORDERS',
  'a/b',
  'a\\b',
  '../up',
  '..',
  '.',
  'ö',
  'o\u0308',
  'with space ',
  '%',
  "';--",
  'x'.repeat(300),
  `${'x'.repeat(300)}y`,
  'CON',
]

/** Runs: opened once, found again, followed, settled, listed. */
export function runTests(bench: StateStoreBench<StateStoreHarness>): void {
  describe('a run', () => {
    test('that nobody opened is not there', async () => {
      await bench.with(async (place) => {
        const store = await place.store()
        expect(await store.load('orders', operation())).toBeNull()
        expect(await listed(store)).toEqual([])
      })
    })

    test('is not there before anything is set up, and who looks for it makes nothing', async () => {
      await bench.with(async (place) => {
        const store = place.untouched()
        const before = await place.harness.holds?.()
        expect(await store.load('orders', operation())).toBeNull()
        expect(await listed(store)).toEqual([])
        expect(await listed(store, 'open')).toEqual([])
        const after = await place.harness.holds?.()
        expect(after).toEqual(before)
        await store.setup?.(operation())
        const run = await openRun(store)
        expect(await store.load('orders', operation())).toEqual(run)
        if (bench.durable && after !== undefined) expect(await place.harness.holds?.()).not.toEqual(after)
      })
    })

    test('that another process opened is found by who has set nothing up', async () => {
      await bench.with(async (place) => {
        const looks = bench.durable ? place.untouched() : await place.store()
        expect(await looks.load('orders', operation())).toBeNull()
        const run = await openRun(await place.store())
        expect(await looks.load('orders', operation())).toEqual(run)
        expect(await listed(looks)).toEqual([run])
      })
    })

    test('is opened as it was asked for, and found by every store', async () => {
      await bench.with(async (place) => {
        const before = Date.now()
        const run = await openRun(await place.store())
        expect(run).toMatchObject({ name: 'orders', fingerprint, status: 'open', partitions: [first, second] })
        expect(run.run).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/)
        expect(run.startedAt).toBeInstanceOf(Date)
        expect(Math.abs(run.startedAt.getTime() - before)).toBeLessThan(60_000)
        expect(run.positions.filter((position) => position.sequence > 0)).toEqual([])
        expect(run.completedAt).toBeUndefined()
        expect(run.lastOutcome).toBeUndefined()
        expect(await (await place.store()).load('orders', operation())).toEqual(run)
      })
    })

    test('is opened once by all who ask at the same time', async () => {
      await bench.with(async (place) => {
        const stores = await place.stores(4)
        const runs = await Promise.all([...stores, ...stores].map((store) => openRun(store)))
        expect(new Set(runs.map((run) => run.run)).size).toBe(1)
        expect(runs).toEqual(runs.map(() => runs[0]))
      })
    })

    test('is given to who comes later with the same request, as it was created', async () => {
      await bench.with(async (place) => {
        const run = await openRun(await place.store())
        const late = await (await place.store()).open(
          { ...newRun('orders'), fingerprint: 'another', partitions: [first] },
          operation(),
        )
        expect(late).toEqual(run)
      })
    })

    test('is followed once by all who ask at the same time', async () => {
      await bench.with(async (place) => {
        const stores = await place.stores(4)
        const [store] = stores as [StateStore]
        const old = await openRun(store)
        await store.settle(old.run, { outcome: 'completed' }, operation())
        const runs = await Promise.all([...stores, ...stores].map((one) => openRun(one, 'orders', old.run)))
        expect(new Set(runs.map((run) => run.run)).size).toBe(1)
        expect(runs[0]?.run).not.toBe(old.run)
        expect(await (await place.store()).load('orders', operation())).toEqual(runs[0])
      })
    })

    test('is followed while it is open too, and later callers get the newest', async () => {
      await bench.with(async (place) => {
        const store = await place.store()
        const one = await openRun(store)
        const two = await openRun(store, 'orders', one.run)
        const three = await openRun(store, 'orders', two.run)
        expect(new Set([one.run, two.run, three.run]).size).toBe(3)
        expect((await openRun(await place.store(), 'orders', one.run)).run).toBe(three.run)
        expect((await openRun(await place.store())).run).toBe(three.run)
      })
    })

    test('is told apart by its name, whatever characters it has', async () => {
      await bench.with(async (place) => {
        const store = await place.store()
        const runs = new Map<string, RunState>()
        for (const one of names) runs.set(one, await openRun(store, one))
        expect(new Set([...runs.values()].map((run) => run.run)).size).toBe(names.length)
        const other = await place.store()
        for (const [name, run] of runs) expect(await other.load(name, operation())).toEqual(run)
        expect((await listed(other)).map((run) => run.name).sort()).toEqual([...names].sort())
      })
    })

    test('that is unknown is refused by everything that is done to it', async () => {
      await bench.with(async (place) => {
        const store = await place.store()
        const run = '33333333-3333-4333-8333-333333333333'
        const want = { run, partition: first, holder: 'h', ttlMs: 1_000 }
        await expect(store.acquire(want, operation())).rejects.toMatchObject({ name: 'DroverError' })
        await expect(store.settle(run, { outcome: 'stopped' }, operation())).rejects.toMatchObject({
          name: 'DroverError',
        })
        await expect(store.control(run, { state: 'stop' }, operation())).rejects.toMatchObject({ name: 'DroverError' })
      })
    })
  })

  describe('settling', () => {
    test('notes how an attempt ended, the last one', async () => {
      await bench.with(async (place) => {
        const store = await place.store()
        const { run } = await openRun(store)
        await store.settle(run, { outcome: 'failed', reason: 'STORE_FULL: „kein Platz"' }, operation())
        await store.settle(run, { outcome: 'stopped', reason: 'asked to' }, operation())
        const found = await (await place.store()).load('orders', operation())
        expect(found).toMatchObject({ status: 'open', lastOutcome: { outcome: 'stopped', reason: 'asked to' } })
        expect(found?.completedAt).toBeUndefined()
      })
    })

    test('as completed completes the run, with what it says of its partitions', async () => {
      await bench.with(async (place) => {
        const store = await place.store()
        const { run } = await openRun(store)
        const counts = {
          read: 3,
          written: 1,
          filtered: 1,
          rejected: 1,
          emitted: 2,
          inserted: 1,
          updated: 1,
          skipped: 0,
        }
        const positions = [{ run, partition: first, fence: 4, sequence: 9, cursor: ['z', null], done: true, counts }]
        await store.settle(run, { outcome: 'completed', positions }, operation())
        const found = await (await place.store()).load('orders', operation())
        expect(found).toMatchObject({ status: 'completed', lastOutcome: { outcome: 'completed', positions } })
        expect(found?.completedAt).toBeInstanceOf(Date)
        expect(found?.completedAt?.getTime()).toBeGreaterThanOrEqual(found?.startedAt.getTime() ?? Number.NaN)
      })
    })

    test('of a run that was followed leaves the newer one alone', async () => {
      await bench.with(async (place) => {
        const store = await place.store()
        const old = await openRun(store)
        const newer = await openRun(store, 'orders', old.run)
        await store.settle(old.run, { outcome: 'completed' }, operation()).catch(() => {}) // may be gone
        expect(await store.load('orders', operation())).toEqual(newer)
      })
    })
  })

  describe('the list', () => {
    test('holds the newest run of every name', async () => {
      await bench.with(async (place) => {
        const store = await place.store()
        const old = await openRun(store, 'one')
        await openRun(store, 'one', old.run)
        await openRun(store, 'two')
        const found = await listed(await place.store())
        const loaded = [await store.load('one', operation()), await store.load('two', operation())]
        expect(found.sort(byName)).toEqual(loaded)
      })
    })

    test('is narrowed to open or completed runs', async () => {
      await bench.with(async (place) => {
        const store = await place.store()
        await openRun(store, 'open')
        const done = await openRun(store, 'done')
        await store.settle(done.run, { outcome: 'completed' }, operation())
        expect((await listed(store, 'open')).map((run) => run.name)).toEqual(['open'])
        expect((await listed(store, 'completed')).map((run) => run.name)).toEqual(['done'])
        expect((await listed(store)).map((run) => run.name).sort()).toEqual(['done', 'open'])
      })
    })

    test('may be left early', async () => {
      await bench.with(async (place) => {
        const store = await place.store()
        for (const name of ['a', 'b', 'c']) await openRun(store, name)
        for await (const run of store.list(operation())) {
          expect(run.status).toBe('open')
          break
        }
        expect(await listed(store)).toHaveLength(3)
      })
    })
  })

  describe('the store', () => {
    test('is set up by several processes at once, and again', async () => {
      await bench.with(async (place) => {
        const stores = await place.stores(4)
        await Promise.all(stores.map((store) => store.setup?.(operation())))
        const run = await openRun(stores[0] as StateStore)
        await stores[1]?.setup?.(operation())
        expect(await stores[1]?.load('orders', operation())).toEqual(run)
      })
    })

    test('is disposed of twice', async () => {
      await bench.with(async (place) => {
        const store = await place.store()
        await openRun(store)
        await store[Symbol.asyncDispose]()
        await expect(store[Symbol.asyncDispose]()).resolves.toBeUndefined()
      })
    })
  })
}

async function listed(store: StateStore, status?: RunState['status']): Promise<RunState[]> {
  const runs: RunState[] = []
  for await (const run of store.list({ ...operation(), ...(status === undefined ? {} : { status }) })) runs.push(run)
  return runs
}

function byName(a: RunState, b: RunState): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0
}
