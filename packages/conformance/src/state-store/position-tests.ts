import type { StateStore } from '@drover/core'
import { describe, expect, test } from 'vitest'
import { operation } from '../support/operation.js'
import { ask, first, nextCommit, openRun, second, take } from './sample-run.js'
import type { StateStoreBench } from './state-store-bench.js'
import type { StateStoreHarness } from './state-store-harness.js'

/** Commits: compare-and-set on fence and sequence. */
export function positionTests(bench: StateStoreBench<StateStoreHarness>): void {
  describe('a commit', () => {
    test('is found to the letter by every store, and by the next lease', async () => {
      await bench.with(async (place) => {
        const store = await place.store()
        const { run } = await openRun(store)
        const lease = await take(store, run, { partition: second })
        const one = nextCommit(lease, { cursor: null })
        const two = nextCommit({ ...lease, position: one }, { done: true })
        await store.commit(one, operation())
        await store.commit(two, operation())
        expect((await (await place.store()).load('orders', operation()))?.positions).toEqual([two])
        await store.release(lease, operation())
        const next = await take(await place.store(), run, { partition: second })
        expect({ ...next.position, fence: 0 }).toEqual({ ...two, fence: 0 })
      })
    })

    test('keeps every kind of cursor', async () => {
      await bench.with(async (place) => {
        const store = await place.store()
        const { run } = await openRun(store)
        let lease = await take(store, run)
        for (const cursor of [
          0,
          -1.5,
          '',
          'ü\u0000"\'\\\n',
          true,
          false,
          [],
          {},
          [null, { a: [1e21] }],
          '9007199254740993',
        ]) {
          const commit = nextCommit(lease, { cursor })
          await store.commit(commit, operation())
          const [position] = (await (await place.store()).load('orders', operation()))?.positions ?? []
          expect(position).toEqual(commit)
          lease = { ...lease, position: commit }
        }
      })
    })

    test.each([1, 3])('number %i after the first is refused and changes nothing', async (sequence) => {
      await bench.with(async (place) => {
        const store = await place.store()
        const { run } = await openRun(store)
        const lease = await take(store, run)
        const one = nextCommit(lease)
        await store.commit(one, operation())
        const wrong = nextCommit(lease, { sequence, cursor: 'wrong' })
        await expect(store.commit(wrong, operation())).rejects.toMatchObject({ code: 'FENCED', isRetryable: false })
        expect((await store.load('orders', operation()))?.positions).toEqual([one])
      })
    })

    test('number two before the first is refused', async () => {
      await bench.with(async (place) => {
        const store = await place.store()
        const { run } = await openRun(store)
        const wrong = nextCommit(await take(store, run), { sequence: 2 })
        await expect(store.commit(wrong, operation())).rejects.toMatchObject({ code: 'FENCED' })
      })
    })

    test('of one who was overtaken is refused and changes nothing', async () => {
      await bench.with(async (place) => {
        const store = await place.store()
        const { run } = await openRun(store)
        const old = await take(store, run)
        const one = nextCommit(old)
        await store.commit(one, operation())
        await store.release(old, operation())
        const other = await place.store()
        const next = await take(other, run)
        const late = nextCommit({ ...old, position: one }, { cursor: 'late' })
        await expect(store.commit(late, operation())).rejects.toMatchObject({ code: 'FENCED' })
        const two = nextCommit(next)
        await other.commit(two, operation())
        await expect(store.commit({ ...late, sequence: 3 }, operation())).rejects.toMatchObject({ code: 'FENCED' })
        expect((await store.load('orders', operation()))?.positions).toEqual([two])
      })
    })

    test('is made once by all who try at the same time', async () => {
      await bench.with(async (place) => {
        const stores = await place.stores(4)
        const { run } = await openRun(stores[0] as StateStore)
        const lease = await take(stores[0] as StateStore, run)
        const results = await Promise.allSettled(
          [...stores, ...stores].map((store, i) => store.commit(nextCommit(lease, { cursor: i }), operation())),
        )
        const made = results.flatMap((result, i) => (result.status === 'fulfilled' ? [i] : []))
        expect(made).toHaveLength(1)
        for (const result of results) {
          if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'FENCED' })
        }
        expect((await stores[1]?.load('orders', operation()))?.positions).toEqual([
          nextCommit(lease, { cursor: made[0] as number }),
        ])
      })
    })

    test('of one partition leaves the others alone, also at the same time', async () => {
      await bench.with(async (place) => {
        const stores = await place.stores(2)
        const { run } = await openRun(stores[0] as StateStore)
        const work = async (store: StateStore, partition: typeof first): Promise<void> => {
          let lease = await take(store, run, { partition })
          for (let i = 0; i < 25; i++) {
            const commit = nextCommit(lease, { cursor: [partition.id, i] })
            await store.commit(commit, operation())
            lease = { ...lease, position: commit }
          }
        }
        await Promise.all([work(stores[0] as StateStore, first), work(stores[1] as StateStore, second)])
        const found = (await (await place.store()).load('orders', operation()))?.positions ?? []
        expect(found.map(({ partition, sequence, cursor }) => [partition.id, sequence, cursor]).sort()).toEqual([
          ['first', 25, ['first', 24]],
          ['second/ß', 25, ['second/ß', 24]],
        ])
      })
    })

    test('is still found after many', { timeout: 60_000 }, async () => {
      await bench.with(async (place) => {
        const store = await place.store()
        const { run } = await openRun(store)
        let lease = await take(store, run)
        for (let i = 0; i < 300; i++) {
          const commit = nextCommit(lease, { cursor: i })
          await store.commit(commit, operation())
          lease = { ...lease, position: commit }
        }
        await store.release(lease, operation())
        expect((await take(await place.store(), run)).position).toMatchObject({ sequence: 300, cursor: 299 })
      })
    })

    test('of an older run leaves the newer one alone', async () => {
      await bench.with(async (place) => {
        const store = await place.store()
        const old = await openRun(store)
        const lease = await take(store, old.run)
        const newer = await openRun(store, 'orders', old.run)
        await store.commit(nextCommit(lease), operation()).catch(() => {}) // may be gone
        expect((await store.load('orders', operation()))?.run).toBe(newer.run)
        expect((await take(store, newer.run)).position?.sequence ?? 0).toBe(0)
      })
    })

    test('stands where it stood after the lease was lost to nobody', async () => {
      await bench.with(async (place) => {
        const store = await place.store()
        const { run } = await openRun(store)
        const lease = await take(store, run)
        const one = nextCommit(lease)
        await store.commit(one, operation())
        await store.settle(run, { outcome: 'failed', reason: 'it broke' }, operation())
        await store.release(lease, operation())
        const answer = await ask(await place.store(), run)
        expect(answer).toMatchObject({ position: { sequence: 1, cursor: one.cursor, counts: one.counts } })
      })
    })
  })
}
