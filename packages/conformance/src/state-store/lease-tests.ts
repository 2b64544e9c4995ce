import { spawnSync } from 'node:child_process'
import { hostname } from 'node:os'
import type { Held, Lease, StateStore } from '@drover/core'
import { describe, expect, test } from 'vitest'
import { operation } from '../support/operation.js'
import { ask, first, holder, nextCommit, openRun, second, take, untilExpired } from './sample-run.js'
import type { StateStoreBench } from './state-store-bench.js'
import type { StateStoreHarness } from './state-store-harness.js'

/** Leases: one holder per partition, fences that grow, and what operators ask for. */
export function leaseTests(bench: StateStoreBench<StateStoreHarness>): void {
  async function expire(harness: StateStoreHarness, lease: Lease): Promise<void> {
    if (harness.expire !== undefined) await harness.expire(lease)
    else await untilExpired(lease)
  }

  const shortly = 150

  describe('a lease', () => {
    test('says what is leased, to whom and until when', async () => {
      await bench.with(async (place) => {
        const store = await place.store()
        const { run } = await openRun(store)
        const me = holder()
        const before = Date.now()
        const lease = await take(store, run, { holder: me, ttlMs: 60_000 })
        expect(lease).toMatchObject({ run, partition: first, holder: me })
        expect(lease.position?.sequence ?? 0).toBe(0)
        expect(lease.fence).toBeGreaterThanOrEqual(1)
        expect(Math.abs(lease.expiresAt.getTime() - before - 60_000)).toBeLessThan(30_000)
      })
    })

    test('keeps others off, and says who has it', async () => {
      await bench.with(async (place) => {
        const store = await place.store()
        const { run } = await openRun(store)
        const lease = await take(store, run)
        const answer = (await ask(await place.store(), run)) as Held
        expect(answer.heldBy).toBe(lease.holder)
        expect(answer.expiresAt).toBeInstanceOf(Date)
        expect(answer.expiresAt.getTime()).toBe(lease.expiresAt.getTime())
        await store.heartbeat(lease, { ...operation(), ttlMs: 60_000 })
      })
    })

    test('is per partition', async () => {
      await bench.with(async (place) => {
        const store = await place.store()
        const { run } = await openRun(store)
        const [a, b] = [await take(store, run, { partition: first }), await take(store, run, { partition: second })]
        expect(b.partition).toEqual(second)
        await store.release(a, operation())
        expect(await ask(store, run, { partition: second })).toHaveProperty('heldBy', b.holder)
      })
    })

    test('goes to one of all who ask at the same time', async () => {
      await bench.with(async (place) => {
        const stores = await place.stores(4)
        const { run } = await openRun(stores[0] as StateStore)
        const answers = await Promise.all([...stores, ...stores, ...stores].map((store) => ask(store, run)))
        expect(answers.filter((answer) => !('heldBy' in answer))).toHaveLength(1)
      })
    })

    test('that is given back goes to the next one, with a higher fence', async () => {
      await bench.with(async (place) => {
        const { run } = await openRun(await place.store())
        let fence = 0
        for (let i = 0; i < 5; i++) {
          const store = await place.store()
          const lease = await take(store, run)
          expect(lease.fence).toBeGreaterThan(fence)
          fence = lease.fence
          await store.release(lease, operation())
        }
      })
    })

    test('has another fence each time, whoever asks however often', async () => {
      await bench.with(async (place) => {
        const stores = await place.stores(3)
        const { run } = await openRun(stores[0] as StateStore)
        const fences: number[] = []
        const rival = async (store: StateStore): Promise<void> => {
          for (let i = 0; i < 12; i++) {
            const answer = await ask(store, run)
            if ('heldBy' in answer) continue
            fences.push(answer.fence)
            await store.release(answer, operation())
          }
        }
        await Promise.all([...stores, ...stores].map(rival))
        expect(fences).toEqual([...new Set(fences)].sort((a, b) => a - b))
        expect(fences.length).toBeGreaterThan(0)
      })
    })

    test('is given back once: a second time changes nothing for the next holder', async () => {
      await bench.with(async (place) => {
        const store = await place.store()
        const { run } = await openRun(store)
        const lease = await take(store, run)
        await store.release(lease, operation())
        const next = await take(store, run)
        await store.release(lease, operation())
        expect(await ask(store, run)).toHaveProperty('heldBy', next.holder)
      })
    })

    test('that ran out goes to the next one, and the old holder is told', async () => {
      await bench.with(async (place) => {
        const store = await place.store()
        const { run } = await openRun(store)
        const lease = await take(store, run, { ttlMs: shortly })
        await expire(place.harness, lease)
        const next = await take(await place.store(), run)
        expect(next.fence).toBeGreaterThan(lease.fence)
        await expect(store.heartbeat(lease, { ...operation(), ttlMs: 60_000 })).rejects.toMatchObject({
          code: 'LEASE_LOST',
        })
        await store.release(lease, operation())
        expect(await ask(store, run)).toHaveProperty('heldBy', next.holder)
      })
    })

    test('lasts as long as the last heartbeat said', async () => {
      await bench.with(async (place) => {
        const store = await place.store()
        const { run } = await openRun(store)
        const lease = await take(store, run, { ttlMs: 2_000 })
        await store.heartbeat(lease, { ...operation(), ttlMs: 60_000 })
        const held = (await ask(store, run)) as Held
        expect(held.heldBy).toBe(lease.holder)
        expect(held.expiresAt.getTime()).toBeGreaterThan(lease.expiresAt.getTime() + 10_000)
        await store.heartbeat(lease, { ...operation(), ttlMs: shortly })
        const again = (await ask(store, run)) as Held
        await expire(place.harness, { ...lease, expiresAt: again.expiresAt })
        expect((await take(store, run)).fence).toBeGreaterThan(lease.fence)
      })
    })

    test('that was given back is lost', async () => {
      await bench.with(async (place) => {
        const store = await place.store()
        const { run } = await openRun(store)
        const lease = await take(store, run)
        await store.release(lease, operation())
        await expect(store.heartbeat(lease, { ...operation(), ttlMs: 1_000 })).rejects.toMatchObject({
          code: 'LEASE_LOST',
          isRetryable: false,
        })
      })
    })

    test('of a process of this host that is gone goes to the next one at once', async () => {
      await bench.with(async (place) => {
        const store = await place.store()
        const { run } = await openRun(store)
        const gone = spawnSync(process.execPath, ['-e', '']).pid
        const lease = await take(store, run, { holder: `${hostname()}:${gone}:a`, ttlMs: 600_000 })
        expect((await take(await place.store(), run)).fence).toBeGreaterThan(lease.fence)
      })
    })

    test('of a process of another host is kept though no process here has its number', async () => {
      await bench.with(async (place) => {
        const store = await place.store()
        const { run } = await openRun(store)
        const gone = spawnSync(process.execPath, ['-e', '']).pid
        const lease = await take(store, run, { holder: `elsewhere-${hostname()}:${gone}:a` })
        expect(await ask(store, run)).toHaveProperty('heldBy', lease.holder)
      })
    })

    test('of an older run does not keep off the next run', async () => {
      await bench.with(async (place) => {
        const store = await place.store()
        const old = await openRun(store)
        await take(store, old.run)
        const newer = await openRun(store, 'orders', old.run)
        await take(store, newer.run)
      })
    })
  })

  describe('who works on a run', () => {
    const seen = async (store: StateStore) => (await store.load('orders', operation()))?.leases

    test('is seen by all, for how long, and not once the lease was given back', async () => {
      await bench.with(async (place) => {
        const store = await place.store()
        const { run, leases } = await openRun(store)
        expect(leases).toEqual([])
        const [b, a] = [await take(store, run, { partition: second }), await take(store, run, { partition: first })]
        const found = [...((await seen(await place.store())) ?? [])].sort((one, two) =>
          one.partition < two.partition ? -1 : 1,
        )
        expect(found).toEqual(
          [a, b].map(({ partition, holder, expiresAt }) => {
            return { partition: partition.id, holder, expiresAt, leftMs: expect.any(Number) }
          }),
        )
        for (const { leftMs } of found) {
          expect(leftMs).toBeGreaterThan(30_000)
          expect(leftMs).toBeLessThanOrEqual(60_000)
        }
        for await (const listed of store.list(operation())) expect(listed.leases).toHaveLength(2)
        await store.release(a, operation())
        expect(await seen(store)).toMatchObject([{ holder: b.holder }])
      })
    })

    test('is seen too once the lease has run out, or the process is gone: it has nothing left', async () => {
      await bench.with(async (place) => {
        const store = await place.store()
        const { run } = await openRun(store)
        const gone = `${hostname()}:${spawnSync(process.execPath, ['-e', '']).pid}:a`
        await take(store, run, { partition: second, holder: gone, ttlMs: 600_000 })
        expect(await seen(store)).toMatchObject([{ holder: gone, leftMs: 0 }])
        const lease = await take(store, run, { partition: first, ttlMs: shortly })
        await expire(place.harness, lease)
        const left = ((await seen(store)) ?? []).map(({ holder, leftMs }) => [holder, leftMs])
        expect(new Map(left as [string, number][])).toEqual(
          new Map([
            [gone, 0],
            [lease.holder, 0],
          ]),
        )
      })
    })

    test('tells of itself with a heartbeat, until it tells something else, or is followed', async () => {
      await bench.with(async (place) => {
        const store = await place.store()
        const { run } = await openRun(store)
        const told = async () => (await seen(store))?.map((lease) => lease.telling)
        const lease = await take(store, run)
        expect(await told()).toEqual([undefined])
        const telling = { counts: { read: 2 ** 40, written: 0.5 }, list: [null, true, '„ü"', {}], '': '' }
        await store.heartbeat(lease, { ...operation(), ttlMs: 60_000, telling })
        expect(await told()).toEqual([telling])
        await store.heartbeat(lease, { ...operation(), ttlMs: 60_000 })
        expect(await told()).toEqual([telling])
        await store.heartbeat(lease, { ...operation(), ttlMs: 60_000, telling: { second: 1 } })
        expect(await told()).toEqual([{ second: 1 }])
        await store.release(lease, operation())
        await take(store, run)
        expect(await told()).toEqual([undefined])
      })
    })
  })

  describe('what an operator asks for', () => {
    test('is to run, until somebody asks', async () => {
      await bench.with(async (place) => {
        const store = await place.store()
        const { run } = await openRun(store)
        expect(await store.heartbeat(await take(store, run), { ...operation(), ttlMs: 60_000 })).toEqual({
          state: 'run',
        })
      })
    })

    test('comes with the next heartbeat, of all partitions, the last word', async () => {
      await bench.with(async (place) => {
        const store = await place.store()
        const { run } = await openRun(store)
        const [a, b] = [await take(store, run, { partition: first }), await take(store, run, { partition: second })]
        const operator = await place.store()
        const beat = (lease: Lease) => store.heartbeat(lease, { ...operation(), ttlMs: 60_000 })
        await operator.control(run, { state: 'pause', batchSize: 7, recordsPerSecond: 2.5 }, operation())
        expect(await beat(a)).toEqual({ state: 'pause', batchSize: 7, recordsPerSecond: 2.5 })
        await operator.control(run, { state: 'stop', reason: 'tea „nü"' }, operation())
        const settings = { batchSize: 7, recordsPerSecond: 2.5 }
        expect(await beat(a)).toEqual({ state: 'stop', reason: 'tea „nü"', ...settings })
        expect(await beat(b)).toEqual({ state: 'stop', reason: 'tea „nü"', ...settings })
        await operator.control(run, { state: 'run' }, operation())
        expect(await beat(b)).toEqual({ state: 'run', ...settings })
      })
    })

    test('stays, but for what another one names, and is seen by all', async () => {
      await bench.with(async (place) => {
        const store = await place.store()
        const { run, control } = await openRun(store)
        expect(control).toEqual({ state: 'run' })
        await store.control(run, { state: 'pause', reason: 'why', batchSize: 7 }, operation())
        await (await place.store()).control(run, { concurrency: 3, recordsPerSecond: 0 }, operation())
        const wanted = { state: 'pause', reason: 'why', batchSize: 7, concurrency: 3, recordsPerSecond: 0 }
        expect((await (await place.store()).load('orders', operation()))?.control).toEqual(wanted)
        await store.control(run, { batchSize: 8 }, operation())
        for await (const listed of store.list(operation())) expect(listed.control).toEqual({ ...wanted, batchSize: 8 })
      })
    })

    test('is heard of each of several who ask for something at the same time', async () => {
      await bench.with(async (place) => {
        const stores = await place.stores(4)
        const { run } = await openRun(stores[0] as StateStore)
        const wanted = [{ state: 'pause' }, { batchSize: 7 }, { concurrency: 3 }, { recordsPerSecond: 5 }] as const
        for (let round = 1; round <= 5; round++) {
          await Promise.all(stores.map((store, i) => store.control(run, wanted[i] ?? {}, operation())))
          const found = await stores[0]?.load('orders', operation())
          expect(found?.control).toEqual({ state: 'pause', batchSize: 7, concurrency: 3, recordsPerSecond: 5 })
          const other = { state: 'run', batchSize: 1, concurrency: 1, recordsPerSecond: 1 } as const
          await stores[1]?.control(run, other, operation())
        }
      })
    })

    test('is done with the attempt, if it was to stop, and else is wanted of the next one', async () => {
      await bench.with(async (place) => {
        const store = await place.store()
        const { run } = await openRun(store)
        const control = async () => (await store.load('orders', operation()))?.control
        await store.control(run, { state: 'stop', reason: 'why', batchSize: 7 }, operation())
        await store.settle(run, { outcome: 'stopped' }, operation())
        expect(await control()).toEqual({ state: 'run', batchSize: 7 })
        await store.control(run, { state: 'pause', reason: 'why' }, operation())
        await store.settle(run, { outcome: 'failed' }, operation())
        expect(await control()).toEqual({ state: 'pause', reason: 'why', batchSize: 7 })
      })
    })

    test('leaves positions and leases alone', async () => {
      await bench.with(async (place) => {
        const store = await place.store()
        const { run } = await openRun(store)
        const lease = await take(store, run)
        await store.commit(nextCommit(lease), operation())
        await store.control(run, { state: 'pause' }, operation())
        expect(await ask(store, run)).toHaveProperty('heldBy', lease.holder)
        expect((await store.load('orders', operation()))?.positions).toHaveLength(1)
      })
    })
  })
}
