import { expect, test } from 'vitest'
import { hasSameForm, type WireType, wireType } from './wire-type.js'

const mood = (oid: number): WireType => ({ oid, base: 'enum', name: 'mood' })
const moods = (oid: number): WireType => ({ oid: 1, base: 'array', name: 'mood[]', element: mood(oid) })
const positive: WireType = { ...wireType('int4'), oid: 70000, name: 'positive' }

test.each([
  [wireType('int4'), wireType('int4'), true],
  [wireType('int4'), wireType('int8'), false],
  [wireType('int4'), positive, true],
  [wireType('text'), wireType('varchar', 24), true],
  [wireType('text'), mood(70000), true],
  [mood(70000), mood(80000), true],
  [moods(70000), moods(70000), true],
  [moods(70000), moods(80000), false],
  [wireType('text[]'), wireType('varchar[]'), false],
  [wireType('int4[]'), wireType('int4[]'), true],
  [wireType('int4[]'), wireType('int4'), false],
  [wireType('json'), wireType('jsonb'), false],
  [wireType('timestamp'), wireType('timestamptz'), false],
  [wireType('timestamptz', 3), wireType('timestamptz'), true],
  [wireType('timestamptz'), wireType('timestamptz', 3), false],
  [wireType('timestamptz', 3), wireType('timestamptz', 3), true],
  [wireType('numeric[]'), wireType('numeric[]', 655366), false],
] as const)('%o to %o is the same: %s', (from, to, isSame) => {
  expect(hasSameForm(from, to)).toBe(isSame)
})
