import type { Backfiller, BackfillResult, Cursor } from '@drover/core'
import { describe, expect, test } from 'vitest'
import { differences } from '../support/differences.js'
import { operation, throughJson } from '../support/operation.js'
import { testIf } from '../support/test-if.js'
import type { BackfillerHarness, BackfillerHarnessFactory } from './backfiller-harness.js'

/**
 * Declares the tests that every backfiller passes: batches and their limits, resumption after every cursor, a second
 * pass that changes nothing, transactions that are rolled back, records that fail.
 *
 * ```ts
 * backfillerSuite('token counts', {
 *   capabilities: { count: 'exact', transactional: true },
 *   create: async () => createMyHarness(),
 * })
 * ```
 */
export function backfillerSuite<Tx>(name: string, { capabilities, create }: BackfillerHarnessFactory<Tx>): void {
  async function filled(waiting = 30): Promise<BackfillerHarness<Tx>> {
    const harness = await create()
    await harness.seed(waiting)
    return harness
  }

  async function setUp(harness: BackfillerHarness<Tx>): Promise<Backfiller<Tx>> {
    const backfiller = harness.open()
    await backfiller.setup?.(operation())
    return backfiller
  }

  async function expectDone(harness: BackfillerHarness<Tx>): Promise<void> {
    expect(differences(await harness.expected(), await harness.contents())).toEqual([])
  }

  describe(`${name}: backfiller`, () => {
    test('is named alike each time it is made', async () => {
      await using harness = await create()
      const [one, other] = [harness.open(), harness.open()]
      expect(one.name).not.toBe('')
      expect([one.name, one.version]).toEqual([other.name, other.version])
    })

    test('is set up and torn down twice', async () => {
      await using harness = await filled()
      const backfiller = await setUp(harness)
      await backfiller.setup?.(operation())
      await runThrough(harness, () => backfiller, 10)
      await backfiller.teardown?.(operation())
      await backfiller.teardown?.(operation())
      await expectDone(harness)
    })

    test('is done at once where nothing waits', async () => {
      await using harness = await create()
      const backfiller = await setUp(harness)
      const results = await runThrough(harness, () => backfiller, 10)
      expect(results).toHaveLength(1)
      expect(results[0]).toMatchObject({ changed: 0, done: true })
    })

    test.each([1, 2, 7, 1_000])('in batches of %i changes what waits and nothing else', async (limit) => {
      await using harness = await filled()
      const backfiller = await setUp(harness)
      const results = await runThrough(harness, () => backfiller, limit)
      for (const { scanned, changed } of results) {
        expect(scanned).toBeLessThanOrEqual(limit)
        expect(changed).toBeLessThanOrEqual(scanned)
      }
      expect(results.reduce((sum, result) => sum + result.changed, 0)).toBe(30)
      await expectDone(harness)
    })

    test('goes on after every cursor in another process', async () => {
      await using harness = await filled()
      const results = await runThrough(harness, () => harness.open(), 4, true)
      expect(results.reduce((sum, result) => sum + result.changed, 0)).toBe(30)
      await expectDone(harness)
    })

    test('changes nothing in a second pass', async () => {
      await using harness = await filled()
      const backfiller = await setUp(harness)
      await runThrough(harness, () => backfiller, 7)
      const again = await runThrough(harness, () => backfiller, 7)
      expect(again.reduce((sum, result) => sum + result.changed, 0)).toBe(0)
      await expectDone(harness)
    })

    test('changes nothing when a batch is repeated', async () => {
      await using harness = await filled()
      const backfiller = await setUp(harness)
      let after: Cursor | null = null
      for (let done = false, rounds = 0; !done && rounds < 100; rounds++) {
        const result: BackfillResult = await batch(harness, backfiller, after, 7)
        const again = await batch(harness, backfiller, after, 7)
        // Records that wait may have moved up into the batch; those done before are not among them.
        if (again.changed > 0) expect(again.scanned).toBeGreaterThan(0)
        after = throughJson(result.cursor)
        done = result.done
      }
      await expectDone(harness)
    })

    test('changes in a later pass what came meanwhile', async () => {
      await using harness = await filled()
      const backfiller = await setUp(harness)
      await runThrough(harness, () => backfiller, 7)
      await harness.seed(5)
      const again = await runThrough(harness, () => backfiller, 7)
      expect(again.reduce((sum, result) => sum + result.changed, 0)).toBe(5)
      await expectDone(harness)
    })

    testIf((capabilities.count ?? 'none') !== 'none')('counts what waits', async () => {
      await using harness = await filled()
      const backfiller = await setUp(harness)
      const count = await backfiller.count?.(operation())
      expect(count?.exact).toBe(capabilities.count === 'exact')
      if (capabilities.count === 'exact') expect(count?.value).toBe(30)
      await runThrough(harness, () => backfiller, 7)
      if (capabilities.count === 'exact') expect((await backfiller.count?.(operation()))?.value).toBe(0)
    })

    testIf(capabilities.transactional === true)('leaves nothing of a batch that is rolled back', async () => {
      await using harness = await filled()
      const backfiller = await setUp(harness)
      const before = await harness.contents()
      const failure = new Error('roll back')
      const work = harness.transaction(async (tx) => {
        const result = await backfiller.backfillBatch({ ...operation(), after: null, limit: 10, tx })
        expect(result.changed).toBeGreaterThan(0)
        throw failure
      })
      await expect(work).rejects.toThrow()
      expect(differences(before, await harness.contents())).toEqual([])
      await runThrough(harness, () => backfiller, 10)
      await expectDone(harness)
    })

    test('has skip if its harness declares it', async () => {
      await using harness = await create()
      expect(harness.open().skip !== undefined).toBe(capabilities.skip ?? false)
    })

    testIf(capabilities.skip === true)('skips a record that fails, and changes all others', async () => {
      await using harness = await filled()
      const key = await harness.spoil?.()
      const backfiller = await setUp(harness)
      const skipped: unknown[] = []
      let after: Cursor | null = null
      for (let done = false, rounds = 0; !done && rounds < 200; rounds++) {
        const at: Cursor | null = after
        const result: BackfillResult | undefined = await batch(harness, backfiller, at, 1).catch(() => undefined)
        if (result !== undefined) {
          after = throughJson(result.cursor)
          done = result.done
          continue
        }
        const over: Skipped | undefined = await harness.transaction(
          async (tx) => await backfiller.skip?.({ ...operation(), after: at, tx }),
        )
        skipped.push(over?.key)
        after = throughJson(over?.cursor ?? null)
      }
      expect(skipped).toEqual([key])
      await expectDone(harness)
    })
  })
}

type Skipped = { readonly key: readonly unknown[]; readonly cursor: Cursor }

async function batch<Tx>(
  harness: BackfillerHarness<Tx>,
  backfiller: Backfiller<Tx>,
  after: Cursor | null,
  limit: number,
): Promise<BackfillResult> {
  return await harness.transaction((tx) => backfiller.backfillBatch({ ...operation(), after, limit, tx }))
}

/** Batch after batch until it is done. */
async function runThrough<Tx>(
  harness: BackfillerHarness<Tx>,
  open: () => Backfiller<Tx>,
  limit: number,
  anew = false,
): Promise<BackfillResult[]> {
  const results: BackfillResult[] = []
  let after: Cursor | null = null
  for (let rounds = 0; rounds < 1_000; rounds++) {
    const backfiller = open()
    if (anew) await backfiller.setup?.(operation())
    const result: BackfillResult = await batch(harness, backfiller, after, limit)
    results.push(result)
    if (result.done) return results
    if (JSON.stringify(result.cursor) === JSON.stringify(after))
      throw new Error('A batch that is not done gave back the cursor it got.')
    after = throughJson(result.cursor)
  }
  throw new Error('The backfill did not end within 1000 batches.')
}
