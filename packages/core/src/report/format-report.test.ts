import { describe, expect, it } from 'vitest'
import type { Counts } from '../contracts/position.js'
import type { RejectedRecord, Report } from '../contracts/report.js'
import { formatReport } from './format-report.js'

const counts: Counts = {
  read: 50_000,
  written: 49_987,
  filtered: 10,
  rejected: 3,
  emitted: 49_987,
  inserted: 49_000,
  updated: 980,
  skipped: 7,
}
const report: Report = {
  name: 'messages',
  run: '0b0e8a2c',
  status: 'completed',
  guarantee: 'exactly-once',
  source: 'sqlite:chat.db messages',
  sink: 'ndjson:out',
  startedAt: new Date('2025-01-31T08:30:00Z'),
  finishedAt: new Date('2025-01-31T08:30:04Z'),
  counts,
  attempt: { counts: { ...counts, read: 20_000 }, batches: 20, durationMs: 4000, resumed: true, retries: 1 },
  partitions: [{ id: 'all', done: true, batches: 20, counts }],
  rejected: [],
  warnings: [],
}
const rejected: RejectedRecord = {
  partition: 'all',
  key: [7],
  stage: 'transform',
  code: 'TRANSFORM_FAILED',
  message: 'field "at" holds "x"',
}

it('accounts for all records and rows on one screen', () => {
  expect(formatReport(report)).toBe(`messages: completed
  run          0b0e8a2c, started 2025-01-31T08:30:00.000Z
  source       sqlite:chat.db messages
  sink         ndjson:out
  guarantee    exactly once: rows and position become durable together
  records      50,000 read = 49,987 written + 10 filtered + 3 rejected
  rows         49,987 emitted = 49,000 inserted + 980 updated + 7 skipped
  this call    20,000 records in 4.0 s (5,000/s), 20 batches, resumed, 1 retry
`)
})

it('says why a run stopped, and what to do', () => {
  expect(formatReport({ ...report, status: 'stopped', reason: 'SIGTERM' })).toMatch(
    /^messages: stopped: SIGTERM; the same call goes on from here\n/,
  )
})

it('says since when there is nothing to do, and of which time its counts are', () => {
  const completedAt = new Date('2025-01-30T12:00:00Z')
  const nothing = { ...report, status: 'nothing' as const, completedAt }
  expect(formatReport(nothing)).toBe(`messages: nothing to do, completed since 2025-01-30T12:00:00.000Z
  run          0b0e8a2c, started 2025-01-31T08:30:00.000Z
  source       sqlite:chat.db messages
  sink         ndjson:out
  guarantee    exactly once: rows and position become durable together
  this call    nothing read, nothing written
  records then 50,000 read = 49,987 written + 10 filtered + 3 rejected
  rows then    49,987 emitted = 49,000 inserted + 980 updated + 7 skipped
`)
  const { completedAt: _, ...unknown } = nothing
  expect(formatReport(unknown)).toMatch(/^messages: nothing to do, completed before\n/)
  expect(formatReport({ ...unknown, run: '' })).not.toContain('  run ')
})

describe('partitions', () => {
  const many = (number: number) =>
    Array.from({ length: number }, (_, i) => ({
      id: `part-${i}`,
      done: i !== number - 1,
      batches: i,
      counts: { ...counts, read: i * 1000 },
    }))

  it('stand in a table if there are several', () => {
    expect(formatReport({ ...report, partitions: many(2) })).toContain(`
  partition   read  written  filtered  rejected  batches
  part-1     1,000   49,987        10         3        1  open
  part-0         0   49,987        10         3        0  done
`)
  })

  it('are cut where the screen ends, those that are not done first', () => {
    const text = formatReport({ ...report, partitions: many(500) })
    expect(text).toMatch(/part-499 .* open/)
    expect(text).toContain('… and 490 partitions more')
    expect(text.split('\n').length).toBeLessThan(30)
  })
})

describe('rejected records', () => {
  it('are shown with key, stage and code, and where the dead letters are', () => {
    const text = formatReport({
      ...report,
      rejected: [rejected, { ...rejected, key: ['a', 2], stage: 'write' }, { ...rejected, key: null, stage: 'read' }],
      deadLetters: '.drover/dead-letters/messages',
    })
    expect(text).toContain(`
  rejected:
    7 transform TRANSFORM_FAILED: field "at" holds "x"
    ["a",2] write TRANSFORM_FAILED: field "at" holds "x"
    (no key) read TRANSFORM_FAILED: field "at" holds "x"
`)
    expect(text).toContain('  dead letters .drover/dead-letters/messages\n')
  })

  it('are said to be the first ones if there are more', () => {
    expect(formatReport({ ...report, rejected: [rejected] })).toContain('the first 1 of 3 rejected records:')
  })
})

it('shows what the sink did besides, and the keys of what it kept', () => {
  const account = {
    figures: { copied: 1_200, deleted: 1_198 },
    kept: [
      { key: [7], reason: 'is another one there' },
      { key: ['a', 1], reason: 'was locked' },
    ],
  }
  const text = formatReport({ ...report, account })
  expect(text).toContain('\n  besides      1,200 copied, 1,198 deleted\n')
  const noted = formatReport({ ...report, account: { figures: {}, kept: [], notes: ['columns added: "a"'] } })
  expect(noted).toContain('\n  besides      columns added: "a"\n')
  expect(noted).not.toContain('besides      \n')
  expect(text).toContain('\n\n  kept, the first:\n    7 is another one there\n    ["a",1] was locked\n')
})

it('shows warnings', () => {
  const text = formatReport({ ...report, warnings: [{ code: 'HANDLER_FAILED', message: 'a handler threw' }] })
  expect(text).toContain('\n  ! HANDLER_FAILED: a handler threw\n')
  const many = Array.from({ length: 7 }, () => ({ code: 'HANDLER_FAILED', message: 'a handler threw' }) as const)
  expect(formatReport({ ...report, warnings: many })).toContain('… and 2 warnings more')
})

it('breaks long warnings and reasons between words, so that what is at their end is seen', () => {
  const message = `PostgreSQL failed while writing to table "messages" of ${'db.example.org/'.repeat(4)}chat: value too long. Mend it.`
  const text = formatReport({
    ...report,
    rejected: [{ ...rejected, message }],
    warnings: [{ code: 'INDEXES', message }],
  })
  const [first = '', second] = text.slice(text.indexOf('    7 transform')).split('\n')
  expect(first.length).toBeLessThanOrEqual(120)
  expect(`${first} ${second?.trim()}`).toBe(`    7 transform TRANSFORM_FAILED: ${message}`)
  expect(text).toMatch(/\n {2}! INDEXES: .*\n {4}.*Mend it\.\n$/)

  const long = 'word '.repeat(400)
  const cut = formatReport({ ...report, rejected: [{ ...rejected, message: long }], warnings: [] }).trimEnd()
  expect(cut.split('\n').filter((line) => line.includes('word'))).toHaveLength(3)
  expect(cut).toMatch(/…$/)
})

it('keeps every line within 120 columns and free of control characters', () => {
  const bad = `x\u001b[2J\n${'y'.repeat(300)}`
  const text = formatReport({
    ...report,
    name: bad,
    source: bad,
    reason: bad,
    rejected: [{ ...rejected, message: bad }],
    warnings: [{ code: 'DEAD_LETTERS', message: bad }],
    partitions: [1, 2].map((i) => ({ id: `${bad}${i}`, done: true, batches: 1, counts })),
  })
  for (const line of text.trimEnd().split('\n')) {
    expect(line.length).toBeLessThanOrEqual(120)
    expect(line).not.toContain('\u001b')
  }
})
