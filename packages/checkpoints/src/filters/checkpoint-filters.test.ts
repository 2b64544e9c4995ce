import { compileFilter } from '@drover/core'
import { describe, expect, it, test } from 'vitest'
import { type CheckpointFilterOptions, checkpointFilters } from './checkpoint-filters.js'

const of = { records: 'checkpoints' } as const
const takes = (options: CheckpointFilterOptions, record: object) =>
  compileFilter(checkpointFilters(options, of) ?? { and: [] })(record as Record<string, unknown>)

test('nothing asked for is no filter', () => {
  expect(checkpointFilters({}, of)).toBeNull()
  expect(checkpointFilters({ exclude_threads: [] }, of)).toBeNull()
})

describe('threads', () => {
  it.each<[CheckpointFilterOptions, string, boolean]>([
    [{ thread_id: 'a' }, 'a', true],
    [{ thread_id: 'a' }, 'A', false],
    [{ thread_id: 'a*' }, 'ab', false],
    [{ thread_id: '2024-01-01T00:00:00Z' }, '2024-01-01T00:00:00Z', true],
    [{ thread_id: '2024-01-01T00:00:00Z' }, '2024-01-01T00:00:00.000Z', false],
    [{ thread_id: '2024-01-01 00:00:00_%\\' }, '2024-01-01 00:00:00_%\\', true],
    [{ thread_pattern: 'customer-*' }, 'customer-1', true],
    [{ thread_pattern: 'customer-*' }, 'customer', false],
    [{ thread_pattern: 'c[ab]?' }, 'cbx', true],
    [{ exclude_threads: ['test-*', 'debug'] }, 'test-1', false],
    [{ exclude_threads: ['test-*', 'debug'] }, 'debug', false],
    [{ exclude_threads: ['test-*', 'debug'] }, 'debug-1', true],
    [{ thread_pattern: '*-1', exclude_threads: ['test-*'] }, 'test-1', false],
    [{ thread_pattern: '*-1', exclude_threads: ['test-*'] }, 'x-1', true],
  ])('%o takes %s: %s', (options, thread_id, taken) => {
    expect(takes(options, { thread_id })).toBe(taken)
  })

  it('are sessions of messages', () => {
    const filter = checkpointFilters({ thread_id: 'a', date_from: '2025-01-01' }, { records: 'messages' })
    expect(filter).toEqual({
      and: [{ session_id: { eq: 'a' } }, { created_at: { gte: '2025-01-01T00:00:00.000Z' } }],
    })
  })
})

describe('dates', () => {
  it.each<[CheckpointFilterOptions, string | null, boolean]>([
    [{ date_from: '2025-01-01' }, '2025-01-01T00:00:00.000000+00:00', true],
    [{ date_from: '2025-01-01' }, '2024-12-31T23:59:59.999999+00:00', false],
    [{ date_from: '2025-01-01' }, '2025-01-01T00:30:00+01:00', false],
    [{ date_from: '2025-01-01T00:00:00+02:00' }, '2024-12-31T22:00:00Z', true],
    [{ date_from: '2025-01-01T12:00:00' }, '2025-01-01T12:00:00Z', true],
    [{ date_to: '2025-12-31' }, '2025-12-31T23:59:59.999999+00:00', true],
    [{ date_to: '2025-12-31' }, '2026-01-01T00:00:00+00:00', false],
    [{ date_to: '2025-12-31' }, '2026-01-01T00:30:00+01:00', true],
    [{ date_to: '2024-02-29T12:00:00.000001Z' }, '2024-02-29T12:00:00.000001+00:00', true],
    [{ date_to: '2024-02-29T12:00:00.000001Z' }, '2024-02-29T12:00:00.000002+00:00', false],
    [{ date_to: new Date('2025-01-01T00:00:00.500Z') }, '2025-01-01T00:00:00.5Z', true],
    [{ date_from: '2025-01-01', date_to: '2025-01-01' }, '2025-01-01T12:00:00Z', true],
    [{ date_from: '2025-01-01' }, null, false],
  ])('%o takes %s: %s', (options, timestamp, taken) => {
    expect(takes(options, { timestamp })).toBe(taken)
  })

  it('are refused where there are no times, and the layout is named', () => {
    const without = { records: 'messages', hasTimestamps: false, layout: 'langchain-sqlite' } as const
    expect(() => checkpointFilters({ date_to: '2025-01-01' }, without)).toThrow(
      expect.objectContaining({
        code: 'OPTION_INVALID',
        message: expect.stringContaining('The layout langchain-sqlite keeps no times, so that date_to cannot'),
      }),
    )
    expect(checkpointFilters({ thread_id: 'a' }, without)).toEqual({ session_id: { eq: 'a' } })
  })
})

test.each([
  [{ thread: 'a' }, /no option "thread"/],
  [{ thread_id: '' }, /thread_id is a text/],
  [{ thread_pattern: 5 }, /thread_pattern is a text/],
  [{ exclude_threads: 'a' }, /exclude_threads is a list of patterns, not "a"/],
  [{ exclude_threads: [''] }, /exclude_threads is a text/],
  [{ date_from: 'yesterday' }, /date_from is a date or an instant/],
  [{ date_from: '2025-02-30' }, /date_from is a date or an instant/],
  [{ date_to: 20250101 }, /date_to is a date or an instant/],
  [{ date_to: new Date('x') }, /date_to is a date or an instant/],
  [{ date_from: '2025-01-02', date_to: '2025-01-01' }, /nothing lies between/],
])('%o is refused', (options, message) => {
  const make = () => checkpointFilters(options as never, of)
  expect(make).toThrow(expect.objectContaining({ code: 'OPTION_INVALID', message: expect.stringMatching(message) }))
})
