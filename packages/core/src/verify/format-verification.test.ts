import { expect, it } from 'vitest'
import { formatVerification } from './format-verification.js'
import type { Verification } from './verify.js'

const equal: Verification = {
  equal: true,
  expected: { name: 'sqlite:chat.db', rows: 49_987, rejected: 3 },
  actual: { name: 'ndjson:out', rows: 49_987, rejected: 0 },
  missing: 0,
  extra: 0,
  different: 0,
  changedMeanwhile: false,
  complete: true,
  differences: [],
  durationMs: 1234,
}

it('says what was compared and that it is the same', () => {
  expect(formatVerification(equal)).toBe(`verification: both sides are the same
  expected     sqlite:chat.db, 49,987 rows, 3 records rejected
  actual       ndjson:out, 49,987 rows
  differences  0 missing, 0 extra, 0 different
  took         1.2 s
`)
})

it('lists what differs', () => {
  const text = formatVerification({
    ...equal,
    equal: false,
    missing: 1000,
    different: 1,
    differences: [
      { kind: 'missing', key: [7] },
      { kind: 'different', key: ['a', 8], fields: ['n', 'content'] },
    ],
  })
  expect(text).toContain('verification: the sides differ\n')
  expect(text).toContain('1,000 missing, 0 extra, 1 different\n')
  expect(text).toContain('\n  the first 2:\n    missing   7\n    different ["a",8] in n, content\n')
})

it('says that all are listed if they are', () => {
  const text = formatVerification({
    ...equal,
    equal: false,
    extra: 1,
    differences: [{ kind: 'extra', key: ['x\u001b[2J'] }],
  })
  expect(text).toContain('\n  all of them:\n    extra     "x\\u001b[2J"\n')
})

it('says where the numbers end, and why sides that show no difference are not the same', () => {
  expect(formatVerification({ ...equal, equal: false, missing: 5, complete: false })).toContain('at least 5 missing')
  expect(formatVerification({ ...equal, equal: false })).toContain('somebody writes to them')
  expect(formatVerification({ ...equal, equal: false, actual: { ...equal.actual, rejected: 1 } })).toContain(
    'could be read',
  )
})

it('says that somebody writes to a side, and which differences are none any more', () => {
  const text = formatVerification({
    ...equal,
    equal: false,
    extra: 1,
    changedMeanwhile: true,
    differences: [{ kind: 'extra', key: [7], changedMeanwhile: true }],
  })
  expect(text).toContain('verification: the sides differ, and somebody writes to them: verify once more\n')
  expect(text).toContain('    extra     7 (not so any more when it was read again)\n')
})
