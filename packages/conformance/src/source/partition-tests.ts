import type { Filter, Partition, Row, SourceSession } from '@drover/core'
import { describe, expect, test } from 'vitest'
import { canonical } from '../support/canonical.js'
import { differences } from '../support/differences.js'
import { operation, throughJson } from '../support/operation.js'
import type { Shape } from '../support/shapes.js'
import { testIf } from '../support/test-if.js'
import { placesOf, readPages, readRows, withSession } from './read-all.js'
import { sharedHarness } from './shared-harness.js'
import type { SourceHarness, SourceHarnessFactory } from './source-harness.js'

/** Partitions and counts. Tests that add records come before those that share theirs: some stores have room for one of them alone. */
export function partitionTests(factory: SourceHarnessFactory, shape: Shape): void {
  const { capabilities, create } = factory
  const records = shape.records(60)
  const later = shape.records(90).filter((record) => !records.some((other) => canonical(other) === canonical(record)))

  if (capabilities.partitions === true) {
    describe('partitions', () => {
      testIf(capabilities.grows !== false)('also hold the records that came after they were cut', async () => {
        await using harness = await create(shape.schema)
        const middle = records.slice(20, 40)
        await harness.seed(middle)
        const partitions = await cut(harness, 3)
        const others = [...records.filter((record) => !middle.includes(record)), ...later]
        await harness.seed(others)
        expect(differences([...middle, ...others], await readAllOf(harness, partitions))).toEqual([])
      })

      test('of an empty store hold what comes later', async () => {
        await using harness = await create(shape.schema)
        const partitions = await cut(harness, 3)
        expect(partitions.length).toBeGreaterThanOrEqual(1)
        if (capabilities.grows === false) return
        await harness.seed(records)
        expect(differences(records, await readAllOf(harness, partitions))).toEqual([])
      })

      const filled = sharedHarness(factory, shape.schema, records)

      test.each([1, 2, 3, 7])('of which %i are asked for are disjoint and hold all records', async (count) => {
        const harness = await filled()
        const partitions = await cut(harness, count)
        expect(new Set(partitions.map((partition) => partition.id)).size).toBe(partitions.length)
        expect(partitions.length).toBeGreaterThanOrEqual(1)
        expect(partitions.length).toBeLessThanOrEqual(count * 2)
        expect(differences(records, await readAllOf(harness, partitions))).toEqual([])
      })

      test('are more than one where there is enough to share', async () => {
        const harness = await filled()
        expect((await cut(harness, 4)).length).toBeGreaterThan(1)
      })

      test('are resumed after every cursor', async () => {
        const harness = await filled()
        for (const partition of await cut(harness, 3)) {
          await withSession(harness.open(), async (session) => {
            const pages = await readPages(session, { partition, page: { records: 3, bytes: 1_000_000 } })
            const all = pages.flatMap((page) => page.rows())
            for (const { after, rowsBefore } of placesOf(pages)) {
              expect(await readRows(session, { partition, after: throughJson(after) })).toEqual(all.slice(rowsBefore))
            }
          })
        }
      })

      test('are read side by side', async () => {
        const harness = await filled()
        const partitions = await cut(harness, 3)
        await withSession(harness.open(), async (session) => {
          const page = { records: 2, bytes: 1_000_000 }
          const parts = await Promise.all(partitions.map((partition) => readRows(session, { partition, page })))
          expect(differences(records, parts.flat())).toEqual([])
        })
      })

      testIf(capabilities.split === true)(
        'are split anywhere into disjoint parts that hold what was left',
        async () => {
          const harness = await filled()
          for (const partition of await cut(harness, 2)) {
            await withSession(harness.open(), async (session) => {
              const pages = await readPages(session, { partition, page: { records: 7, bytes: 1_000_000 } })
              const all = pages.flatMap((page) => page.rows())
              for (const { after, rowsBefore } of placesOf(pages)) {
                const parts = await splitOf(session, partition, after)
                const rows = await Promise.all(
                  parts.map((part) => readRows(session, { partition: throughJsonPartition(part) })),
                )
                expect(differences(all.slice(rowsBefore), rows.flat())).toEqual([])
              }
            })
          }
        },
      )
    })
  }

  if ((capabilities.count ?? 'none') !== 'none') {
    describe('the count', () => {
      test('of an empty store is zero', async () => {
        await using harness = await create(shape.schema)
        expect((await withSession(harness.open(), (session) => countOf(session)))?.value).toBe(0)
      })

      const filled = sharedHarness(factory, shape.schema, records)

      test('says whether it is exact, and then is', async () => {
        const harness = await filled()
        await withSession(harness.open(), async (session) => {
          const count = await session.count?.(operation())
          expect(count?.exact).toBe(capabilities.count === 'exact')
          if (capabilities.count === 'exact') expect(count?.value).toBe(records.length)
          else expect(count?.value).toBeGreaterThanOrEqual(0)
        })
      })

      testIf(capabilities.pushDown === true && capabilities.count === 'exact')(
        'under a filter that is pushed down is that of the records read under it',
        async () => {
          const harness = await filled()
          await withSession(harness.open(), async (session) => {
            const filter = session.pushDown?.({ score: { gte: 3 } }).pushed
            if (filter === undefined) return
            const rows = await readRows(session, { filter })
            expect(await countOf(session, filter)).toEqual({ value: rows.length, exact: true })
          })
        },
      )
    })
  }
}

async function countOf(session: SourceSession, filter?: Filter) {
  return await session.count?.({ ...operation(), ...(filter === undefined ? {} : { filter }) })
}

async function cut(harness: Pick<SourceHarness, 'open'>, count: number): Promise<Partition[]> {
  const partitions = await withSession(
    harness.open(),
    async (session) => await session.partition?.({ ...operation(), count }),
  )
  return (partitions ?? []).map(throughJsonPartition)
}

async function splitOf(session: SourceSession, partition: Partition, after: Partition['bounds'] | null) {
  return (await session.split?.({ ...operation(), partition, after: throughJson(after) })) ?? []
}

/** As it is after a state store kept it. */
function throughJsonPartition(partition: Partition): Partition {
  return JSON.parse(JSON.stringify(partition)) as Partition
}

async function readAllOf(harness: Pick<SourceHarness, 'open'>, partitions: readonly Partition[]): Promise<Row[]> {
  const rows: Row[] = []
  for (const partition of partitions) {
    rows.push(
      ...(await withSession(harness.open(), (session) =>
        readRows(session, { partition, page: { records: 5, bytes: 1_000_000 } }),
      )),
    )
  }
  return rows
}
