import { from, memoryStateStore, type Row, runPipeline, type Source, sink } from '@drover/core'
import { describe, expect, test } from 'vitest'
import { canonical } from '../support/canonical.js'
import { differences } from '../support/differences.js'
import type { Shape } from '../support/shapes.js'
import { type FilterCase, type Filtered, filterCases } from './filter-cases.js'
import { readRows, withSession } from './read-all.js'
import { sharedHarness } from './shared-harness.js'
import type { SourceHarnessFactory } from './source-harness.js'

/** With one kind of key all filters are tried, with each of the others some, all together: a filter stands beside what a key comes to. */
const kindsBetween = 3

/**
 * Filters: what is pushed down and what the engine does beside it make the same as filtering by hand.
 *
 * @param place Of the kind of key among those of the source.
 */
export function filterTests(factory: SourceHarnessFactory, shape: Shape, place: number): void {
  if (factory.capabilities.pushDown !== true) return
  const records = shape.records(80)
  const titled = filterCases
    .filter((_, i) => place === 0 || i % kindsBetween === place % kindsBetween)
    .map((one): [string, FilterCase] => [canonical(one.filter), one])

  describe('filters', () => {
    const filled = sharedHarness(factory, shape.schema, records)

    test.each(titled)('%s', async (_, { filter, keeps }) => {
      const harness = await filled()
      const expected = records.filter((record) => keeps(record as unknown as Filtered))
      await withSession(harness.open(), async (session) => {
        const { pushed, rest } = session.pushDown?.(filter) ?? {}
        const rows = await readRows(session, {
          ...(pushed === undefined ? {} : { filter: pushed }),
          page: { records: 7, bytes: 1_000_000 },
        })
        const found = differences(expected, rows)
        // What is pushed down may keep more than the filter does, as long as a rest is named.
        expect(rest === undefined ? found : found.filter((line) => line.startsWith('missing'))).toEqual([])
      })
      expect(differences(expected, await piped(harness.open(), filter))).toEqual([])
    })

    test('take in at least equality of numbers', async () => {
      const harness = await filled()
      await withSession(harness.open(), async (session) => {
        expect(session.pushDown?.({ score: { eq: 3.125 } }).pushed).toBeDefined()
      })
    })
  })
}

/** What a pipeline gives of the source under the filter. */
async function piped(source: Source, filter: FilterCase['filter']): Promise<Row[]> {
  const rows: Row[] = []
  const write = async (records: readonly Row[]): Promise<void> => void rows.push(...records)
  await runPipeline({
    name: 'filter',
    source: from(source).filter(filter),
    sink: sink<Row>({ name: 'collect', guarantee: 'at-least-once', write }),
    allowDuplicates: true,
    state: memoryStateStore(),
  })
  return rows
}
