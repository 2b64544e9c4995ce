import { describe } from 'vitest'
import { shapeOf } from '../support/shapes.js'
import { claimTests } from './claim-tests.js'
import { commitTests, largeBatchTests } from './commit-tests.js'
import { conflictTests } from './conflict-tests.js'
import { ExactSinkBench } from './exact-sink-bench.js'
import { finishTests } from './finish-tests.js'
import { refusalTests } from './refusal-tests.js'
import type { ExactSinkHarnessFactory } from './sink-harness.js'
import { exactSinkValueTests } from './value-tests.js'

/**
 * Declares the tests that every exactly-once sink passes: claims and fences, rows and position in one step, probes,
 * refusals, conflicts, zombies, values, and what is left after a crash.
 *
 * ```ts
 * exactSinkSuite('my store', {
 *   capabilities: { values: ['text', 'int64'], conflicts: ['error', 'update'], refuses: true, tellsRow: true },
 *   create: async ({ schema, onConflict }) => {
 *     const store = await createMyStore(schema)
 *     return {
 *       open: () => mySink({ store, onConflict }),
 *       contents: () => store.all(),
 *       refusable: (row) => ({ ...row, name: 'x'.repeat(300) }),
 *       [Symbol.asyncDispose]: () => store.drop(),
 *     }
 *   },
 * })
 * ```
 */
export function exactSinkSuite(name: string, factory: ExactSinkHarnessFactory): void {
  describe(`${name}: exact sink`, () => {
    const kinds = factory.capabilities.keys ?? ['int']
    const bench = new ExactSinkBench(factory, shapeOf(kinds[0] ?? 'int'))
    claimTests(bench)
    describe.each(kinds)('with a key of kind %s', (kind) => commitTests(new ExactSinkBench(factory, shapeOf(kind))))
    largeBatchTests(bench)
    refusalTests(bench)
    conflictTests(bench)
    finishTests(bench)
    exactSinkValueTests(factory)
  })
}
