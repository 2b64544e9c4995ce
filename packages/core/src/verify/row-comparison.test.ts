import { expect, it } from 'vitest'
import type { LogicalType, RecordSchema } from '../contracts/schema.js'
import { rowComparison } from './row-comparison.js'

const schema = (fields: Readonly<Record<string, LogicalType>>): RecordSchema => ({
  fields: Object.entries(fields).map(([name, type]) => ({ name, type, nullable: true })),
  key: ['id'],
})

it('finds the fields that are not the same, by what values mean', () => {
  const { differing } = rowComparison(
    ['id'],
    [schema({ at: { kind: 'timestamp', zone: true, digits: 6 }, total: { kind: 'decimal' } })],
  )
  const row = { id: 1, at: '2026-01-01T00:00:00Z', total: '1.50', note: null }
  expect(differing(row, { id: 1n, at: '2026-01-01T01:00:00+01:00', total: 1.5 })).toEqual([])
  expect(differing(row, { ...row, at: '2026-01-01T00:00:00.000001Z', note: '' })).toEqual(['at', 'note'])
})

it('does not mind what the other row has besides, and misses what it lacks', () => {
  const { differing } = rowComparison(['id'], [])
  expect(differing({ id: 1, text: 'a' }, { id: 1, text: 'a', archived_at: 'now' })).toEqual([])
  expect(differing({ id: 1, text: 'a' }, { id: 1 })).toEqual(['text'])
})

it('knows rows of the same key', () => {
  const { keyOf, keyValues } = rowComparison(['tenant', 'id'], [])
  expect(keyOf({ tenant: 'a', id: 1 })).toBe(keyOf({ tenant: 'a', id: 1n, more: true }))
  expect(keyOf({ tenant: 'a', id: 1 })).not.toBe(keyOf({ tenant: 'a', id: '1' }))
  expect(keyValues({ tenant: 'a', id: 9007199254740993n })).toEqual(['a', '9007199254740993'])
  expect(() => keyOf({ id: 1 })).toThrow(/no field "tenant"/)
})
