import type { AckSession, Outcome, Row } from '@drover/core'
import { describe, expect, test } from 'vitest'
import { readRows, withSession } from '../source/read-all.js'
import { valueRecords } from '../source/value-tests.js'
import { differences } from '../support/differences.js'
import { operation } from '../support/operation.js'
import { noCounts, SampleBatch } from '../support/sample-batch.js'
import { pagesOf } from '../support/sample-page.js'
import { shapeOf } from '../support/shapes.js'
import { testIf } from '../support/test-if.js'
import { expectRefusal, refusal, withRefused } from './refusal-tests.js'
import type { AckSinkHarness, AckSinkHarnessFactory } from './sink-harness.js'
import { partitionA, partitionB, sampleRun } from './sink-lane.js'
import { expectValues, lossTests } from './value-tests.js'

/**
 * Declares the tests that every acknowledging sink passes: rows are durable when `write` returns, a record that is
 * written again leaves one row if the sink is idempotent, refusals, several batches under way.
 */
export function ackSinkSuite(name: string, { capabilities, create }: AckSinkHarnessFactory): void {
  const shape = shapeOf(capabilities.keys?.[0] ?? 'int')
  const rows = shape.records(30)
  const { key } = shape.schema

  function batchOf(records: readonly Row[], { sequence = 1, pageSize = 10, partition = partitionA } = {}): SampleBatch {
    const claim = { run: sampleRun, partition, fence: 1 }
    return new SampleBatch({ claim, sequence, pages: pagesOf(records, key, pageSize), before: noCounts })
  }

  async function write(session: AckSession, batch: SampleBatch): Promise<Outcome> {
    return await session.write(batch, operation())
  }

  async function open(harness: AckSinkHarness, schema = shape.schema): Promise<AckSession> {
    const session = await harness.open().connect(operation())
    await session.prepare?.(schema, operation())
    return session
  }

  async function writeAll(session: AckSession, records: readonly Row[], pageSize = 10): Promise<void> {
    let left = records
    for (let sequence = 1; left.length > 0; sequence++) {
      const batch = batchOf(left, { sequence, pageSize })
      await write(session, batch)
      if (batch.pulled === 0) throw new Error('The sink ended a batch before its first page.')
      left = left.slice(batch.pulled)
    }
  }

  describe(`${name}: acknowledging sink`, () => {
    test('says what it promises, the same each time', async () => {
      await using harness = await create({ schema: shape.schema })
      const [one, other] = [harness.open(), harness.open()]
      expect(one.specVersion).toBe(1)
      expect(['idempotent', 'at-least-once']).toContain(one.guarantee)
      expect([one.name, one.version]).toEqual([other.name, other.version])
    })

    test('rows are durable when write returns, and accounted for', async () => {
      await using harness = await create({ schema: shape.schema })
      const session = await open(harness)
      const batch = batchOf(rows, { pageSize: 7 })
      const outcome = await write(session, batch)
      expect(outcome.inserted + outcome.updated + outcome.skipped).toBe(batch.pulled)
      expect(batch.closed).toBe(true)
      expect(differences(rows.slice(0, batch.pulled), await harness.contents())).toEqual([])
      await session[Symbol.asyncDispose]()
      expect(differences(rows.slice(0, batch.pulled), await harness.contents())).toEqual([])
    })

    test('a batch without rows is nothing', async () => {
      await using harness = await create({ schema: shape.schema })
      const session = await open(harness)
      expect(await write(session, batchOf([]))).toEqual({ inserted: 0, updated: 0, skipped: 0 })
      expect(await harness.contents()).toEqual([])
      await session[Symbol.asyncDispose]()
    })

    test('records written again by another process leave one row each if it is idempotent', async () => {
      await using harness = await create({ schema: shape.schema })
      const first = await open(harness)
      await writeAll(first, rows.slice(0, 20))
      await first[Symbol.asyncDispose]()
      const second = await open(harness)
      await writeAll(second, rows.slice(10), 3)
      await second[Symbol.asyncDispose]()
      const duplicates = harness.open().guarantee === 'at-least-once'
      expect(differences(rows, await harness.contents(), { duplicates })).toEqual([])
    })

    test('all rows of large batches arrive', { timeout: 60_000 }, async () => {
      await using harness = await create({ schema: shape.schema })
      const many = shape.records(5_000)
      const session = await open(harness)
      await writeAll(session, many, 1_000)
      await session[Symbol.asyncDispose]()
      expect(differences(many, await harness.contents())).toEqual([])
    })

    test('as many batches as it says are under way at once, of two partitions', async () => {
      await using harness = await create({ schema: shape.schema })
      const session = await open(harness)
      const inFlight = harness.open().inFlight ?? 1
      const partitions = capabilities.partitions === false ? [partitionA] : [partitionA, partitionB]
      const size = Math.max(1, Math.floor(rows.length / (inFlight * partitions.length)))
      const batches: SampleBatch[] = []
      for (const [p, partition] of partitions.entries()) {
        for (let i = 0; i < inFlight; i++) {
          const from = (p * inFlight + i) * size
          batches.push(batchOf(rows.slice(from, from + size), { sequence: i + 1, partition }))
        }
      }
      await Promise.all(batches.map((batch) => write(session, batch)))
      expect(batches.map((batch) => batch.closed)).not.toContain(false)
      const pulled = batches.reduce((count, batch) => count + batch.pulled, 0)
      expect(await harness.contents()).toHaveLength(pulled)
      await session[Symbol.asyncDispose]()
    })

    test('an error of the batch comes out of write', async () => {
      await using harness = await create({ schema: shape.schema })
      const session = await open(harness)
      const failure = new Error('the source broke off')
      const claim = { run: sampleRun, partition: partitionA, fence: 1 }
      const onPage = async (): Promise<void> => {
        throw failure
      }
      const batch = new SampleBatch({ claim, sequence: 1, pages: pagesOf(rows, key, 5), onPage })
      const error = await write(session, batch).catch((thrown: unknown) => thrown)
      expect([error, (error as Error).cause]).toContain(failure)
      await session[Symbol.asyncDispose]()
    })

    test('finish is called twice, and a session disposed of twice', async () => {
      await using harness = await create({ schema: shape.schema })
      const session = await open(harness)
      await writeAll(session, rows)
      await session.finish?.('completed', operation())
      await session.finish?.('completed', operation())
      await session[Symbol.asyncDispose]()
      await expect(session[Symbol.asyncDispose]()).resolves.toBeUndefined()
      expect(differences(rows, await harness.contents())).toEqual([])
    })

    testIf(capabilities.readBack === true)('what is read back is what was written', async () => {
      await using harness = await create({ schema: shape.schema })
      const session = await open(harness)
      await writeAll(session, rows)
      const source = session.readBack?.()
      expect(source).toBeDefined()
      if (source !== undefined) expect(differences(rows, await withSession(source, readRows))).toEqual([])
      await session[Symbol.asyncDispose]()
    })

    if (capabilities.refuses === true) {
      test.each([0, 13, 29])(
        'a record that is refused at place %i is said to be, and the others can be written',
        async (place) => {
          await using harness = await create({ schema: shape.schema })
          const session = await open(harness)
          const mixed = withRefused(harness, rows, [place])
          const error = await refusal(write(session, batchOf(mixed, { pageSize: 30 })))
          expectRefusal(error, capabilities.tellsRow === true ? [place] : undefined)
          await writeAll(
            session,
            mixed.filter((_, i) => i !== place),
          )
          await session[Symbol.asyncDispose]()
          const duplicates = harness.open().guarantee === 'at-least-once'
          expect(
            differences(
              rows.filter((_, i) => i !== place),
              await harness.contents(),
              { duplicates },
            ),
          ).toEqual([])
        },
      )
    }

    describe('values', () => {
      test.each(capabilities.values)('of the set %s are there as they were written', async (set) => {
        const { schema, records } = valueRecords(set)
        await using harness = await create({ schema })
        const session = await open(harness, schema)
        expect(session.check?.(schema) ?? []).toEqual([])
        const claim = { run: sampleRun, partition: partitionA, fence: 1 }
        await write(session, new SampleBatch({ claim, sequence: 1, pages: pagesOf(records, ['id'], records.length) }))
        await session[Symbol.asyncDispose]()
        expectValues(records, await harness.contents())
      })

      lossTests(capabilities, async (schema) => {
        const harness = await create({ schema })
        return { session: await harness.open().connect(operation()), harness }
      })
    })
  })
}
