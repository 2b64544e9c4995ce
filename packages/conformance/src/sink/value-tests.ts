import type { AckSession, ExactSession, Row } from '@drover/core'
import { describe, expect, test } from 'vitest'
import { valueRecords } from '../source/value-tests.js'
import { canonical } from '../support/canonical.js'
import { operation } from '../support/operation.js'
import type { ExactSinkHarnessFactory, SinkCapabilities } from './sink-harness.js'
import { SinkLane } from './sink-lane.js'

/** Values: they are there as they were written, or the field is named before the first write. */
export function exactSinkValueTests({ capabilities, create }: ExactSinkHarnessFactory): void {
  describe('values', () => {
    test.each(capabilities.values)('of the set %s are there as they were written', async (name) => {
      const { schema, records } = valueRecords(name)
      await using harness = await create({ schema })
      const lane = await SinkLane.open(harness.open(), schema)
      expect(lane.session.check?.(schema) ?? []).toEqual([])
      await lane.writeAll(records, 4)
      await lane.complete()
      await lane.close()
      expectValues(records, await harness.contents())
    })

    lossTests(capabilities, async (schema) => {
      const harness = await create({ schema })
      const session = await harness.open().connect(operation())
      return { session, harness }
    })
  })
}

export function lossTests(
  { loses = [] }: SinkCapabilities,
  open: (
    schema: ReturnType<typeof valueRecords>['schema'],
  ) => Promise<{ session: ExactSession | AckSession; harness: AsyncDisposable }>,
): void {
  if (loses.length === 0) return
  test.each(loses)('of the set %s are said to be lost, with the field', async (name) => {
    const { schema } = valueRecords(name)
    const { session, harness } = await open(schema)
    const issues = session.check?.(schema) ?? []
    expect(issues.map((issue) => issue.field)).toEqual(['value'])
    expect(issues[0]?.loses).not.toBe('')
    await session[Symbol.asyncDispose]()
    await harness[Symbol.asyncDispose]()
  })
}

export function expectValues(records: readonly Row[], contents: readonly Row[]): void {
  const byId = new Map(contents.map((row) => [Number(row.id), row.value]))
  for (const record of records) {
    expect(canonical(byId.get(record.id as number))).toBe(canonical(record.value))
  }
  expect(contents).toHaveLength(records.length)
}
