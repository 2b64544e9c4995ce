import { describe } from 'vitest'
import { shapeOf } from '../support/shapes.js'
import { filterTests } from './filter-tests.js'
import { pagingTests } from './paging-tests.js'
import { partitionTests } from './partition-tests.js'
import { sessionTests } from './session-tests.js'
import type { SourceHarnessFactory } from './source-harness.js'
import { sourceValueTests } from './value-tests.js'

/**
 * Declares the tests that every source passes: an inert description, pages and their limits, resumption after every
 * cursor, partitions, filters, values, sessions that are broken off.
 *
 * ```ts
 * sourceSuite('my store', {
 *   capabilities: { keys: ['int', 'text'], values: ['text', 'int64'], count: 'exact' },
 *   create: async (schema) => {
 *     const store = await createMyStore(schema)
 *     return {
 *       open: () => mySource({ store }),
 *       seed: (records) => store.insert(records),
 *       [Symbol.asyncDispose]: () => store.drop(),
 *     }
 *   },
 * })
 * ```
 */
export function sourceSuite(name: string, factory: SourceHarnessFactory): void {
  describe(`${name}: source`, () => {
    sessionTests(factory)
    describe.each(factory.capabilities.keys.map((kind, place) => [kind, place] as const))(
      'with a key of kind %s',
      (kind, place) => {
        const shape = shapeOf(kind)
        pagingTests(factory, shape)
        partitionTests(factory, shape)
        filterTests(factory, shape, place)
      },
    )
    sourceValueTests(factory)
  })
}
