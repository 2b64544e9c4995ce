import { DroverError, type Row } from '@drover/core'
import { describe, expect, test } from 'vitest'
import { operation } from '../support/operation.js'
import type { ExactSinkBench } from './exact-sink-bench.js'
import type { ExactSinkHarness } from './sink-harness.js'

/** Records that the store will not take. */
export function refusalTests(bench: ExactSinkBench): void {
  const { refuses = false, tellsRow = false, defersRefusals = false } = bench.capabilities
  if (!refuses) return
  const rows = bench.records.slice(0, 12)

  describe.each(defersRefusals ? [false, true] : [false])('a record that is refused (deferred: %s)', (deferred) => {
    test.each([0, 5, 11])('at place %i leaves nothing of its batch, which is written without it', async (place) => {
      await using harness = await bench.create({ deferred })
      const lane = await bench.lane(harness)
      const before = bench.records.slice(20, 23)
      await lane.write(before)
      const error = await refusal(lane.write(withRefused(harness, rows, [place]), { pageSize: 4 }))
      expectRefusal(error, tellsRow && !deferred ? [place] : undefined)
      await bench.expectRowsNow(harness, before)
      expect(await lane.session.claim(lane.claim, operation())).toEqual(lane.position)
      const others = rows.filter((_, i) => i !== place)
      await lane.writeAll(others)
      await lane.close()
      await bench.expectRows(harness, [...before, ...others], { fence: 2 })
    })

    test('is found by a probe, which leaves nothing', async () => {
      await using harness = await bench.create({ deferred })
      const lane = await bench.lane(harness)
      const mixed = withRefused(harness, rows, [7])
      expectRefusal(await refusal(lane.probe(mixed, 5)), tellsRow && !deferred ? [7] : undefined)
      expectRefusal(await refusal(lane.probe(mixed.slice(7, 8))), tellsRow && !deferred ? [0] : undefined)
      await lane.probe(mixed.slice(0, 7))
      await lane.probe(mixed.slice(8))
      await bench.expectRowsNow(harness, [])
      await lane.close()
      await bench.expectRows(harness, [], { fence: 2 })
    })

    test('beside another one is named, if one is, by a place where one stands', async () => {
      await using harness = await bench.create({ deferred })
      const lane = await bench.lane(harness)
      expectRefusal(
        await refusal(lane.write(withRefused(harness, rows, [3, 8]), { pageSize: 2 })),
        tellsRow && !deferred ? [3, 8] : undefined,
      )
      await lane.write([rows[0] as Row])
      await lane.close()
      await bench.expectRows(harness, [rows[0] as Row], { fence: 2 })
    })
  })
}

export function withRefused(
  harness: Pick<ExactSinkHarness, 'refusable'>,
  rows: readonly Row[],
  places: readonly number[],
): Row[] {
  if (harness.refusable === undefined) throw new Error('A harness whose sink refuses records has refusable().')
  const refusable = harness.refusable.bind(harness)
  return rows.map((row, i) => (places.includes(i) ? refusable(row) : row))
}

export async function refusal(work: Promise<unknown>): Promise<unknown> {
  return await work.then(
    () => 'It was written.',
    (error: unknown) => error,
  )
}

export function expectRefusal(error: unknown, places: readonly number[] | undefined): void {
  expect(DroverError.isInstance(error, 'RECORD_REFUSED'), String(error)).toBe(true)
  const { isRetryable, row } = error as DroverError
  expect(isRetryable).toBe(false)
  if (places !== undefined) expect(places).toContain(row)
}
