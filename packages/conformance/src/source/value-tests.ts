import type { Field, RecordSchema, Row } from '@drover/core'
import { describe, expect, test } from 'vitest'
import { canonical } from '../support/canonical.js'
import { type ValueSetName, valueSets } from '../support/value-sets.js'
import { readRows, withSession } from './read-all.js'
import type { SourceHarnessFactory } from './source-harness.js'

/** A record per value of a set, and one with null. */
export function valueRecords(name: ValueSetName): { readonly schema: RecordSchema; readonly records: readonly Row[] } {
  const { type, values } = valueSets[name]
  const id: Field = { name: 'id', type: { kind: 'int', bits: 64 }, nullable: false }
  return {
    schema: { fields: [id, { name: 'value', type, nullable: true }], key: ['id'] },
    records: [...values, null].map((value, i) => ({ id: i, value })),
  }
}

/** Values: they leave as they were stored. */
export function sourceValueTests({ capabilities, create }: SourceHarnessFactory): void {
  describe('values', () => {
    test.each(capabilities.values)('of the set %s leave as they were stored', async (name) => {
      const { schema, records } = valueRecords(name)
      await using harness = await create(schema)
      await harness.seed(records)
      const rows = await withSession(harness.open(), readRows)
      const byId = new Map(rows.map((row) => [Number(row.id), row.value]))
      for (const record of records) {
        expect(canonical(byId.get(record.id as number))).toBe(canonical(record.value))
      }
      expect(rows).toHaveLength(records.length)
    })
  })
}
