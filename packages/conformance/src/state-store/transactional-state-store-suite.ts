import { describe, expect, test } from 'vitest'
import { differences } from '../support/differences.js'
import { operation } from '../support/operation.js'
import { nextCommit, openRun, take } from './sample-run.js'
import { StateStoreBench } from './state-store-bench.js'
import type { TransactionalHarness, TransactionalHarnessFactory } from './state-store-harness.js'

/**
 * Declares what a state store passes, beside `stateStoreSuite`, that lives in a database which the user writes to: the
 * user's rows and the position are stored together, or neither is.
 */
export function transactionalStateStoreSuite<Tx>(name: string, factory: TransactionalHarnessFactory<Tx>): void {
  const bench = new StateStoreBench<TransactionalHarness<Tx>>(factory)
  const row = { id: 1, name: 'one' }
  const other = { id: 2, name: 'two' }

  describe(`${name}: transactional state store`, () => {
    test('rows and position are stored together, and the value is given back', async () => {
      await bench.with(async (place) => {
        const store = await place.store()
        const { run } = await openRun(store)
        const lease = await take(store, run)
        const commit = nextCommit(lease)
        const value = await store.transaction(async (tx) => {
          await place.harness.write(tx, row)
          await place.harness.write(tx, other)
          return { commit, value: ['given', 'back'] }
        }, operation())
        expect(value).toEqual(['given', 'back'])
        expect(differences([row, other], await place.harness.contents())).toEqual([])
        expect((await (await place.store()).load('orders', operation()))?.positions).toEqual([commit])
      })
    })

    test('neither is stored if the work fails, and its error comes out', async () => {
      await bench.with(async (place) => {
        const store = await place.store()
        const { run } = await openRun(store)
        const lease = await take(store, run)
        const failure = new Error('the work failed')
        const work = store.transaction(async (tx) => {
          await place.harness.write(tx, row)
          throw failure
        }, operation())
        const error: unknown = await work.catch((thrown: unknown) => thrown)
        expect([error, (error as Error).cause]).toContain(failure)
        expect(await place.harness.contents()).toEqual([])
        const again = nextCommit(lease)
        await store.transaction(async (tx) => {
          await place.harness.write(tx, row)
          return { commit: again, value: undefined }
        }, operation())
        expect(differences([row], await place.harness.contents())).toEqual([])
      })
    })

    test.each([0, 2])('neither is stored if the sequence is %i', async (sequence) => {
      await bench.with(async (place) => {
        const store = await place.store()
        const { run } = await openRun(store)
        const lease = await take(store, run)
        const work = store.transaction(async (tx) => {
          await place.harness.write(tx, row)
          return { commit: nextCommit(lease, { sequence }), value: undefined }
        }, operation())
        await expect(work).rejects.toMatchObject({ code: 'FENCED' })
        expect(await place.harness.contents()).toEqual([])
        expect(
          (await store.load('orders', operation()))?.positions.filter((position) => position.sequence > 0) ?? [],
        ).toEqual([])
      })
    })

    test('neither is stored of one who was overtaken', async () => {
      await bench.with(async (place) => {
        const store = await place.store()
        const { run } = await openRun(store)
        const old = await take(store, run)
        await store.release(old, operation())
        const heir = await place.store()
        const next = await take(heir, run)
        const late = store.transaction(async (tx) => {
          await place.harness.write(tx, row)
          return { commit: nextCommit(old), value: undefined }
        }, operation())
        await expect(late).rejects.toMatchObject({ code: 'FENCED' })
        const commit = nextCommit(next)
        await heir.transaction(async (tx) => {
          await place.harness.write(tx, other)
          return { commit, value: undefined }
        }, operation())
        expect(differences([other], await place.harness.contents())).toEqual([])
        expect((await store.load('orders', operation()))?.positions).toEqual([commit])
      })
    })

    test('a transaction and a commit beside it go on from one another', async () => {
      await bench.with(async (place) => {
        const store = await place.store()
        const { run } = await openRun(store)
        const lease = await take(store, run)
        const one = nextCommit(lease)
        await store.commit(one, operation())
        const two = nextCommit({ ...lease, position: one })
        await store.transaction(async (tx) => {
          await place.harness.write(tx, row)
          return { commit: two, value: undefined }
        }, operation())
        await expect(store.commit(two, operation())).rejects.toMatchObject({ code: 'FENCED' })
        await store.commit(nextCommit({ ...lease, position: two }), operation())
        expect((await store.load('orders', operation()))?.positions[0]?.sequence).toBe(3)
      })
    })

    test('of all who try the same batch at the same time one writes', async () => {
      await bench.with(async (place) => {
        const stores = await place.stores(3)
        const [store] = stores
        if (store === undefined) return
        const { run } = await openRun(store)
        const lease = await take(store, run)
        const results = await Promise.allSettled(
          stores.map((one, i) =>
            one.transaction(async (tx) => {
              await place.harness.write(tx, { id: i, name: `by ${i}` })
              return { commit: nextCommit(lease, { cursor: i }), value: i }
            }, operation()),
          ),
        )
        const written = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
        expect(written).toHaveLength(1)
        const [id] = written
        expect(differences([{ id, name: `by ${id}` }], await place.harness.contents())).toEqual([])
        expect((await store.load('orders', operation()))?.positions[0]?.cursor).toBe(id)
      })
    })
  })
}
