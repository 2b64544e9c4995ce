import { DroverError } from '@drover/core'
import { describe, expect, test } from 'vitest'
import { operation } from '../support/operation.js'
import { testIf } from '../support/test-if.js'
import type { ExactSinkBench } from './exact-sink-bench.js'
import { partitionA, partitionB, type SinkLane, sampleRun } from './sink-lane.js'

/** Claims and fences: who may write a partition, and where it stands. */
export function claimTests(bench: ExactSinkBench): void {
  const rows = bench.records.slice(0, 20)

  describe('a claim', () => {
    test('of what was never written finds nothing', async () => {
      await using harness = await bench.create()
      const lane = await bench.lane(harness)
      expect(lane.found?.sequence ?? 0).toBe(0)
      expect(lane.found?.cursor ?? null).toBeNull()
      await lane.close()
    })

    test('finds what the last commit stored, to the letter, and raises its fence', async () => {
      await using harness = await bench.create()
      const lane = await bench.lane(harness)
      await lane.write(rows.slice(0, 5))
      await lane.put(
        lane.batch(lane.pages(rows.slice(5, 8)), { before: { ...lane.position.counts, filtered: 2, rejected: 1 } }),
      )
      const stored = lane.position
      await lane.close()
      expect(await bench.standing(harness, { fence: 7 })).toEqual({ ...stored, fence: 7 })
      expect(await bench.standing(harness, { fence: 8 })).toEqual({ ...stored, fence: 8 })
    })

    test('finds that the partition is done', async () => {
      await using harness = await bench.create()
      const lane = await bench.lane(harness)
      await lane.writeAll(rows)
      await lane.end()
      await lane.close()
      expect(await bench.standing(harness, { fence: 2 })).toMatchObject({ done: true, counts: { read: rows.length } })
    })

    test('with the fence that stands there is repeated, as after an unknown outcome', async () => {
      await using harness = await bench.create()
      const lane = await bench.lane(harness)
      await lane.write(rows.slice(0, 5))
      expect(await lane.session.claim(lane.claim, operation())).toEqual(lane.position)
      await lane.write(rows.slice(5, 9))
      await lane.close()
      await bench.expectRows(harness, rows.slice(0, 9), { fence: 2 })
    })

    test('with a lower fence is refused and changes nothing', async () => {
      await using harness = await bench.create()
      const lane = await bench.lane(harness, { fence: 5 })
      await lane.write(rows.slice(0, 5))
      await expectFenced(bench.standing(harness, { fence: 4 }))
      await lane.write(rows.slice(5, 9))
      await lane.close()
      expect((await bench.standing(harness, { fence: 6 })).sequence).toBe(2)
    })

    test('is per run: another run of the same partition begins at nothing', async () => {
      await using harness = await bench.create()
      const lane = await bench.lane(harness, { fence: 5 })
      await lane.writeAll(rows)
      await lane.complete()
      await lane.close()
      const other = await bench.standing(harness, { run: '11111111-1111-4111-8111-111111111111', fence: 1 })
      expect(other.sequence).toBe(0)
      expect(other.cursor).toBeNull()
    })

    testIf(bench.capabilities.partitions !== false)('is per partition', async () => {
      await using harness = await bench.create()
      const a = await bench.lane(harness, { fence: 5 })
      await a.write(rows.slice(0, 5))
      const b = await bench.lane(harness, { fence: 1, partition: partitionB })
      expect(b.found?.sequence ?? 0).toBe(0)
      await b.write(rows.slice(5, 9))
      expect(b.position.partition).toEqual(partitionB)
      await Promise.all([a.close(), b.close()])
      expect((await bench.standing(harness, { fence: 6 })).counts.read).toBe(5)
      expect(await bench.standing(harness, { fence: 2, partition: partitionB })).toEqual({ ...b.position, fence: 2 })
    })
  })

  describe('a commit', () => {
    test('of one who was overtaken is refused and leaves nothing', async () => {
      await using harness = await bench.create()
      const zombie = await bench.lane(harness, { fence: 1 })
      await zombie.write(rows.slice(0, 5))
      const heir = await bench.lane(harness, { fence: 2 })
      expect(heir.position.sequence).toBe(1)
      await expectFenced(zombie.write(rows.slice(5, 9)))
      await heir.write(rows.slice(9, 12))
      await expectFenced(zombie.write(rows.slice(5, 9)))
      await Promise.all([zombie.close(), heir.close()])
      await bench.expectRows(harness, [...rows.slice(0, 5), ...rows.slice(9, 12)], { fence: 3 })
    })

    test('of one who was overtaken is FENCED, not refused for the rows of its heir, in a probe too', async () => {
      await using harness = await bench.create()
      const zombie = await bench.lane(harness, { fence: 1 })
      const heir = await bench.lane(harness, { fence: 2 })
      await heir.write(rows.slice(0, 5))
      await expectFenced(zombie.write(rows.slice(0, 5)))
      // A probe need not look at the fence unless it would refuse.
      const probed = await zombie.probe(rows.slice(0, 5)).then(
        () => 'FENCED',
        (error: unknown) => (error as DroverError).code,
      )
      expect(probed).toBe('FENCED')
      await Promise.all([zombie.close(), heir.close()])
      await bench.expectRows(harness, rows.slice(0, 5), { fence: 3 })
    })

    test.each([1, 3])('of batch %i after batch 1 is refused and leaves nothing', async (sequence) => {
      await using harness = await bench.create()
      const lane = await bench.lane(harness)
      await lane.write(rows.slice(0, 5))
      await expectFenced(
        lane.session.write(lane.batch(lane.pages(rows.slice(5, 9)), { sequence }), { ...operation(), mode: 'commit' }),
      )
      expect(await lane.session.claim(lane.claim, operation())).toEqual(lane.position)
      await lane.write(rows.slice(5, 9))
      await lane.close()
      await bench.expectRows(harness, rows.slice(0, 9), { fence: 2 })
    })

    test('of a zombie that slept inside of it is refused, or was in time and is found by the heir', async () => {
      await using harness = await bench.create()
      const zombie = await bench.lane(harness, { fence: 1 })
      let wake = (): void => {}
      const asleep = new Promise<void>((resolve) => {
        wake = resolve
      })
      let sleeps = (): void => {}
      const falling = new Promise<void>((resolve) => {
        sleeps = resolve
      })
      const onCommit = async (): Promise<void> => {
        sleeps()
        await asleep
      }
      const written = zombie.write(rows.slice(0, 5), { onCommit }).then(
        () => 'written',
        (error: unknown) => error,
      )
      await Promise.race([falling, written])
      // A store that keeps others off while a transaction is open lets the heir in only afterwards: then the zombie was in time.
      const heir = bench.lane(harness, { fence: 2 })
      const heirFirst = await Promise.race([heir.then(() => true), aMoment().then(() => false)])
      wake()
      const outcome = await written
      const lane = await heir
      if (heirFirst) expect(DroverError.isInstance(outcome, 'FENCED'), String(outcome)).toBe(true)
      expect(lane.position.sequence).toBe(outcome === 'written' ? 1 : 0)
      await lane.write(rows.slice(5, 9))
      await Promise.all([zombie.close(), lane.close()])
      await bench.expectRows(harness, outcome === 'written' ? rows.slice(0, 9) : rows.slice(5, 9), { fence: 3 })
    })

    testIf(bench.capabilities.partitions !== false)(
      'of each of two partitions of one session is made side by side',
      async () => {
        await using harness = await bench.create()
        const session = await harness.open().connect(operation())
        const a = await bench.lane(harness, { partition: partitionA, session })
        const b = await bench.lane(harness, { partition: partitionB, session })
        const share = async (lane: SinkLane, from: number): Promise<void> => {
          for (let at = from; at < rows.length; at += 4) await lane.write(rows.slice(at, at + 2), { pageSize: 1 })
        }
        await Promise.all([share(a, 0), share(b, 2)])
        await Promise.all([a.end(), b.end()])
        await session.finish?.('completed', operation())
        await session[Symbol.asyncDispose]()
        expect(await bench.standing(harness, { fence: 2 })).toEqual({ ...a.position, fence: 2 })
        expect(await bench.standing(harness, { fence: 2, partition: partitionB, run: sampleRun })).toEqual({
          ...b.position,
          fence: 2,
        })
        if (bench.visibleAtOnce) await bench.expectRowsNow(harness, rows)
        else expect(await harness.contents()).toHaveLength(rows.length)
      },
    )
  })
}

async function expectFenced(work: Promise<unknown>): Promise<void> {
  await expect(work).rejects.toMatchObject({ code: 'FENCED', isRetryable: false })
}

/** Long enough for a claim that nothing holds up; a store that is slower is taken for one that keeps others off. */
async function aMoment(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 250))
}
