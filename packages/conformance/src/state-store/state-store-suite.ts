import { describe } from 'vitest'
import { leaseTests } from './lease-tests.js'
import { positionTests } from './position-tests.js'
import { runTests } from './run-tests.js'
import { StateStoreBench } from './state-store-bench.js'
import type { StateStoreHarness, StateStoreHarnessFactory } from './state-store-harness.js'

/**
 * Declares the tests that every state store passes: runs and what follows them, leases, fences, commits, what operators
 * ask for, several stores open at one place.
 *
 * ```ts
 * stateStoreSuite('my store', {
 *   create: async () => {
 *     const place = await createMyPlace()
 *     return { open: () => myStateStore({ place }), [Symbol.asyncDispose]: () => place.drop() }
 *   },
 * })
 * ```
 */
export function stateStoreSuite(name: string, factory: StateStoreHarnessFactory): void {
  describe(`${name}: state store`, () => {
    const bench = new StateStoreBench<StateStoreHarness>(factory)
    runTests(bench)
    leaseTests(bench)
    positionTests(bench)
  })
}
