import type { Row } from '@drover/core'
import { describe, expect, test } from 'vitest'
import type { ExactSinkBench } from './exact-sink-bench.js'
import { expectRefusal, refusal } from './refusal-tests.js'

/** Rows whose key is there already. */
export function conflictTests(bench: ExactSinkBench): void {
  const { conflicts = [], tellsRow = false } = bench.capabilities
  const rows = bench.records.slice(0, 6).map((row) => ({ ...row, name: 'old', score: 1.5 }))
  const changed = rows.map((row) => ({ ...row, name: 'new', score: 2.5 }))
  const added = bench.records.slice(6, 9)

  describe.each(conflicts)('a row that is there already, with onConflict %s', (onConflict) => {
    const kept: Record<typeof onConflict, (old: Row, now: Row) => Row> = {
      error: (old) => old,
      skip: (old) => old,
      update: (_, now) => now,
      merge: (old, now) => ({ ...old, score: now.score }),
    }
    const left = (places: readonly number[]): Row[] =>
      rows.map((row, i) => (places.includes(i) ? kept[onConflict](row, changed[i] as Row) : row))

    if (onConflict === 'error') {
      test('is refused, and nothing of its batch is there', async () => {
        await using harness = await bench.create({ onConflict })
        const lane = await bench.lane(harness)
        await lane.write(rows)
        const error = await refusal(lane.write([...added, changed[2] as Row], { pageSize: 2 }))
        expectRefusal(error, tellsRow ? [added.length] : undefined)
        await lane.close()
        await bench.expectRows(harness, rows, { fence: 2 })
      })

      test('within one batch is refused', async () => {
        await using harness = await bench.create({ onConflict })
        const lane = await bench.lane(harness)
        expectRefusal(
          await refusal(lane.write([rows[0] as Row, rows[1] as Row, changed[0] as Row])),
          tellsRow ? [2] : undefined,
        )
        await lane.close()
        await bench.expectRows(harness, [], { fence: 2 })
      })
      return
    }

    test('is counted, and its batch is written', async () => {
      await using harness = await bench.create({ onConflict })
      const lane = await bench.lane(harness)
      await lane.write(rows)
      const batch = await lane.write([...added, changed[1] as Row, changed[4] as Row], { pageSize: 2 })
      const there = onConflict === 'skip' ? { updated: 0, skipped: 2 } : { updated: 2, skipped: 0 }
      expect(batch.outcome).toEqual({ inserted: added.length, ...there })
      await lane.close()
      await bench.expectRows(harness, [...left([1, 4]), ...added], { fence: 2 })
    })

    test('within one batch counts as if it had been there before', async () => {
      await using harness = await bench.create({ onConflict })
      const lane = await bench.lane(harness)
      const batch = await lane.write([...rows, changed[3] as Row], { pageSize: 3 })
      const { inserted = 0, updated = 0, skipped = 0 } = batch.outcome ?? {}
      expect(inserted + updated + skipped).toBe(rows.length + 1)
      expect(onConflict === 'skip' ? updated : skipped).toBe(0)
      await lane.close()
      await bench.expectRows(harness, left([3]), { fence: 2 })
    })

    test('is written by a second run without a row too many', async () => {
      await using harness = await bench.create({ onConflict })
      const first = await bench.lane(harness)
      await first.writeAll(rows)
      await first.complete()
      await first.close()
      const second = await bench.lane(harness, { run: '22222222-2222-4222-8222-222222222222' })
      await second.writeAll(changed)
      await second.complete()
      await second.close()
      await bench.expectRowsNow(harness, left(rows.map((_, i) => i)))
    })
  })
}
