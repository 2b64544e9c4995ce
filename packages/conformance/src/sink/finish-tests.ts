import { describe, expect, test } from 'vitest'
import { differences } from '../support/differences.js'
import { operation } from '../support/operation.js'
import type { ExactSinkBench } from './exact-sink-bench.js'

/** The end of a run, and sessions. */
export function finishTests(bench: ExactSinkBench): void {
  const rows = bench.records.slice(0, 15)

  describe('finish', () => {
    test('is called twice, and again by another process, with the same result', async () => {
      await using harness = await bench.create()
      const lane = await bench.lane(harness)
      await lane.writeAll(rows)
      await lane.complete()
      await lane.session.finish?.('completed', operation())
      await lane.close()
      expect(differences(rows, await harness.contents())).toEqual([])
      const again = await bench.lane(harness, { fence: 2 })
      expect(again.position.done).toBe(true)
      await again.session.finish?.('completed', operation())
      await again.close()
      expect(differences(rows, await harness.contents())).toEqual([])
    })

    test('is called for the first time by a process that wrote nothing', async () => {
      await using harness = await bench.create()
      const lane = await bench.lane(harness)
      await lane.writeAll(rows)
      await lane.end()
      await lane.close()
      const heir = await bench.lane(harness, { fence: 2 })
      await heir.session.finish?.('completed', operation())
      await heir.close()
      expect(differences(rows, await harness.contents())).toEqual([])
    })

    test.each(['stopped', 'failed'] as const)('as %s leaves the run to be gone on with', async (outcome) => {
      await using harness = await bench.create()
      const lane = await bench.lane(harness)
      await lane.write(rows.slice(0, 6))
      await lane.session.finish?.(outcome, operation())
      await lane.close()
      const next = await bench.lane(harness, { fence: 2 })
      expect(next.position).toMatchObject({ sequence: 1, done: false, counts: { read: 6 } })
      await next.writeAll(rows.slice(6))
      await next.complete()
      await next.close()
      expect(differences(rows, await harness.contents())).toEqual([])
    })
  })

  describe('a session', () => {
    test('is made ready twice', async () => {
      await using harness = await bench.create()
      const lane = await bench.lane(harness)
      await lane.session.prepare?.(bench.schema, operation())
      await lane.write(rows.slice(0, 5))
      await lane.session.prepare?.(bench.schema, operation())
      await lane.write(rows.slice(5))
      await lane.close()
      await bench.expectRows(harness, rows, { fence: 2 })
    })

    test('is made ready before the claim too', async () => {
      await using harness = await bench.create()
      const session = await harness.open().connect(operation())
      await session.prepare?.(bench.schema, operation())
      const lane = await bench.lane(harness, { session })
      await lane.write(rows)
      await lane.close()
      await bench.expectRows(harness, rows, { fence: 2 })
    })

    test('tells the bytes it holds', async () => {
      await using harness = await bench.create()
      const lane = await bench.lane(harness)
      await lane.write(rows)
      const held = lane.session.heldBytes?.() ?? 0
      expect(Number.isFinite(held) && held >= 0).toBe(true)
      await lane.close()
    })

    test('has readBack if its harness declares it', async () => {
      await using harness = await bench.create()
      const session = await harness.open().connect(operation())
      expect(session.readBack !== undefined).toBe(bench.capabilities.readBack ?? false)
      await session[Symbol.asyncDispose]()
    })

    test('is disposed of without having done anything, and twice', async () => {
      await using harness = await bench.create()
      const session = await harness.open().connect(operation())
      await session[Symbol.asyncDispose]()
      await expect(session[Symbol.asyncDispose]()).resolves.toBeUndefined()
    })

    test('comes from a description that says what it promises, the same each time', async () => {
      await using harness = await bench.create()
      const [one, other] = [harness.open(), harness.open()]
      expect(one).toMatchObject({ specVersion: 1, guarantee: 'exactly-once', name: other.name })
      expect(one.version).toBe(other.version)
      expect(one.name).not.toBe('')
      if (bench.capabilities.partitions === false) expect(one.limits?.partitions).toBe(1)
      else expect(one.limits?.partitions ?? 2).toBeGreaterThan(1)
    })
  })
}
