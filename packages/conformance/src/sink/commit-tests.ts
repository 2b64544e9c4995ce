import { describe, expect, test } from 'vitest'
import { readRows, withSession } from '../source/read-all.js'
import { differences } from '../support/differences.js'
import { operation } from '../support/operation.js'
import { samplePage } from '../support/sample-page.js'
import { testIf } from '../support/test-if.js'
import type { ExactSinkBench } from './exact-sink-bench.js'

/** Rows and position become durable together, or not at all. */
export function commitTests(bench: ExactSinkBench): void {
  const rows = bench.records.slice(0, 25)

  describe('a batch', () => {
    test('is there with its position once it is written, also for another process', async () => {
      await using harness = await bench.create()
      const lane = await bench.lane(harness)
      const batch = await lane.write(rows)
      expect(batch.commits).toBe(1)
      expect(batch.closed).toBe(true)
      const written = rows.slice(0, batch.pulled)
      await bench.expectRowsNow(harness, written)
      await lane.close()
      expect(await bench.standing(harness, { fence: 2 })).toEqual({ ...lane.position, fence: 2 })
      await bench.expectRows(harness, written, { fence: 3 })
    })

    test('accounts for every row that was pulled', async () => {
      await using harness = await bench.create()
      const lane = await bench.lane(harness)
      const batch = await lane.write(rows, { pageSize: 4 })
      expect(batch.outcome).toEqual({ inserted: batch.pulled, updated: 0, skipped: 0 })
      await lane.close()
    })

    test('shows nothing before it is committed', async () => {
      await using harness = await bench.create()
      const lane = await bench.lane(harness)
      const first = await lane.write(rows.slice(0, 5))
      expect(first.pulled).toBe(5)
      let seen: readonly unknown[] | undefined
      const look = async (): Promise<void> => {
        if (bench.capabilities.readsWhileWriting !== false) seen = await harness.contents()
      }
      await lane.write(rows.slice(5), { onCommit: look, pageSize: 3 })
      if (seen !== undefined) expect(differences(bench.visibleAtOnce ? rows.slice(0, 5) : [], seen)).toEqual([])
      await lane.close()
    })

    test('without pages moves the position alone', async () => {
      await using harness = await bench.create()
      const lane = await bench.lane(harness)
      await lane.write(rows.slice(0, 5))
      await lane.put(lane.batch([]))
      expect(lane.position.sequence).toBe(2)
      await lane.close()
      expect((await bench.standing(harness, { fence: 2 })).sequence).toBe(2)
      await bench.expectRows(harness, rows.slice(0, 5), { fence: 3 })
    })

    test('of pages without rows moves the cursor', async () => {
      await using harness = await bench.create()
      const lane = await bench.lane(harness)
      const empty = { ...samplePage([], bench.schema.key, { row: 90 }), count: 3 }
      const batch = lane.batch([empty])
      await lane.put(batch)
      expect(batch.outcome).toEqual({ inserted: 0, updated: 0, skipped: 0 })
      await lane.close()
      expect(await bench.standing(harness, { fence: 2 })).toMatchObject({
        cursor: { row: 90 },
        counts: { read: 3, emitted: 0 },
      })
    })

    test('is first in a run even if it is empty', async () => {
      await using harness = await bench.create()
      const lane = await bench.lane(harness)
      await lane.end()
      await lane.session.finish?.('completed', operation())
      await lane.close()
      expect(await bench.standing(harness, { fence: 2 })).toMatchObject({ sequence: 1, done: true })
      expect(await harness.contents()).toEqual([])
    })

    test('may mix pages with and without rows', async () => {
      await using harness = await bench.create()
      const lane = await bench.lane(harness)
      const empty = samplePage([], bench.schema.key, { row: 0 })
      const pages = lane.pages(rows.slice(0, 9), 3).flatMap((page) => [empty, page, empty])
      const batch = lane.batch(pages)
      await lane.put(batch)
      await lane.close()
      await bench.expectRows(harness, rows.slice(0, batch.pulled), { fence: 2 })
    })
  })

  describe('a batch that fails', () => {
    test('inside commit leaves nothing, gives that error, and is written again', async () => {
      await using harness = await bench.create()
      const lane = await bench.lane(harness)
      await lane.write(rows.slice(0, 5))
      const failure = new Error('the dead letters cannot be written')
      const onCommit = async (): Promise<void> => {
        throw failure
      }
      const error = await caught(lane.write(rows.slice(5), { onCommit }))
      expect(causes(error)).toContain(failure)
      await bench.expectRowsNow(harness, rows.slice(0, 5))
      expect(await lane.session.claim(lane.claim, operation())).toEqual(lane.position)
      await lane.writeAll(rows.slice(5))
      await lane.close()
      await bench.expectRows(harness, rows, { fence: 2 })
    })

    test('between two pages leaves nothing, gives that error, and is written again', async () => {
      await using harness = await bench.create()
      const lane = await bench.lane(harness)
      await lane.write(rows.slice(0, 5))
      const failure = new Error('the source broke off')
      const onPage = async (index: number): Promise<void> => {
        if (index === 2) throw failure
      }
      const batch = lane.batch(lane.pages(rows.slice(5), 3), { onPage })
      const error = await caught(lane.put(batch))
      if (batch.pagesPulled >= 2 && batch.commits === 0) expect(causes(error)).toContain(failure)
      // A sink that ended the batch in front of that page had no failure.
      const there = error === undefined ? 5 + batch.pulled : 5
      await bench.expectRowsNow(harness, rows.slice(0, there))
      expect(await lane.session.claim(lane.claim, operation())).toEqual(lane.position)
      await lane.writeAll(rows.slice(there))
      await lane.close()
      await bench.expectRows(harness, rows, { fence: 2 })
    })

    test('because its signal was aborted leaves nothing', async () => {
      await using harness = await bench.create()
      const lane = await bench.lane(harness)
      await lane.write(rows.slice(0, 5))
      const controller = new AbortController()
      const onPage = async (index: number): Promise<void> => {
        if (index === 1) controller.abort()
        controller.signal.throwIfAborted()
      }
      const batch = lane.batch(lane.pages(rows.slice(5), 2), { onPage })
      await expect(lane.put(batch, { signal: controller.signal })).rejects.toThrow()
      expect(batch.commits).toBe(0)
      await lane.close()
      expect((await bench.standing(harness, { fence: 2 })).sequence).toBe(1)
      await bench.expectRows(harness, rows.slice(0, 5), { fence: 3 })
    })

    test('in a process that is gone leaves nothing to the next one', async () => {
      await using harness = await bench.create()
      const dead = await bench.lane(harness)
      await dead.write(rows.slice(0, 5))
      const gone = new Error('gone')
      const onCommit = async (): Promise<void> => {
        throw gone
      }
      await caught(dead.write(rows.slice(5, 20), { onCommit, pageSize: 4 }))
      const heir = await bench.lane(harness, { fence: 2 })
      expect(heir.position).toMatchObject({ sequence: 1, counts: { read: 5 } })
      await heir.writeAll(rows.slice(5))
      await Promise.all([dead.close(), heir.close()])
      await bench.expectRows(harness, rows, { fence: 3 })
    })
  })

  describe('a probe', () => {
    test('leaves neither rows nor position and does not commit', async () => {
      await using harness = await bench.create()
      const lane = await bench.lane(harness)
      await lane.write(rows.slice(0, 5))
      const batch = await lane.probe(rows.slice(5), 4)
      expect(batch.commits).toBe(0)
      expect(batch.closed).toBe(true)
      await bench.expectRowsNow(harness, rows.slice(0, 5))
      expect(await lane.session.claim(lane.claim, operation())).toEqual(lane.position)
      await lane.writeAll(rows.slice(5))
      await lane.close()
      await bench.expectRows(harness, rows, { fence: 2 })
    })

    test('of nothing finds nothing', async () => {
      await using harness = await bench.create()
      const lane = await bench.lane(harness)
      await lane.probe([])
      expect((await lane.session.claim(lane.claim, operation()))?.sequence ?? 0).toBe(0)
      await lane.close()
    })
  })

  testIf(bench.capabilities.readBack === true)('what is read back is what was written', async () => {
    await using harness = await bench.create()
    const lane = await bench.lane(harness)
    await lane.writeAll(rows)
    await lane.complete()
    const source = lane.session.readBack?.()
    expect(source).toBeDefined()
    if (source !== undefined) expect(differences(rows, await withSession(source, readRows))).toEqual([])
    await lane.close()
  })
}

/** An error and what it was caused by. */
function causes(error: unknown): unknown[] {
  const chain: unknown[] = []
  for (let at = error; at !== undefined && chain.length < 10; at = (at as { cause?: unknown }).cause) chain.push(at)
  return chain
}

async function caught(work: Promise<unknown>): Promise<unknown> {
  return await work.then(
    () => undefined,
    (error: unknown) => error,
  )
}

/** Batches of many rows. */
export function largeBatchTests(bench: ExactSinkBench): void {
  describe('a large batch', () => {
    test('that the sink may end early leaves the rest to the next one', async () => {
      await using harness = await bench.create()
      const many = bench.many(3_000)
      const lane = await bench.lane(harness)
      await lane.writeAll(many, 250)
      expect(lane.position.counts).toMatchObject({ read: many.length, emitted: many.length, inserted: many.length })
      await lane.close()
      await bench.expectRows(harness, many, { fence: 2 })
    })

    test('may be one page', { timeout: 60_000 }, async () => {
      await using harness = await bench.create()
      const many = bench.many(12_000)
      const lane = await bench.lane(harness)
      const batch = await lane.write(many, { pageSize: many.length })
      expect(batch.pulled).toBe(many.length)
      await lane.close()
      await bench.expectRows(harness, many, { fence: 2 })
    })
  })
}
