import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { PointId } from '../wire/wire-point.js'
import { comparePointIds, narrowed } from './point-order.js'
import {
  behindCursor,
  cursorAt,
  narrowedRange,
  type PointRange,
  partitionOf,
  rangeOf,
  wholeRange,
} from './point-range.js'

const id: fc.Arbitrary<PointId> = fc.oneof(fc.bigInt(0n, 2n ** 64n - 1n).map(narrowed), fc.nat(9), fc.uuid())
const bound = fc.option(id)
const shard = fc.option(fc.oneof(fc.nat(9), fc.constantFrom('a', 'b 1..2')))
const range: fc.Arbitrary<PointRange> = fc.record({ shard, from: bound, to: bound })

const holds = ({ from, to }: Pick<PointRange, 'from' | 'to'>, one: PointId): boolean =>
  (from === null || comparePointIds(one, from) >= 0) && (to === null || comparePointIds(one, to) < 0)

describe('a range of points', () => {
  test('survives a state store', () => {
    fc.assert(
      fc.property(range, (one) => {
        const partition = JSON.parse(JSON.stringify(partitionOf(one)))
        expect(rangeOf(partition) ?? wholeRange).toEqual(one)
      }),
    )
  })

  test('keeps of another one what both hold', () => {
    fc.assert(
      fc.property(range, range, fc.array(id), (one, by, ids) => {
        const both = narrowedRange(one, by)
        for (const each of ids) expect(both !== null && holds(both, each)).toBe(holds(one, each) && holds(by, each))
      }),
    )
  })

  test('is left behind a cursor, in its shard and in those that follow', () => {
    const ranges = ['a', 'b', 'c'].map((one) => ({ ...wholeRange, shard: one }))
    const left = behindCursor(ranges, JSON.parse(JSON.stringify(cursorAt('b', 2n ** 64n - 2n))))
    expect(left).toEqual([
      { shard: 'b', from: 18446744073709551615n, to: null },
      { shard: 'c', from: null, to: null },
    ])
    expect(behindCursor([{ ...wholeRange, to: 5 }], 4)).toEqual([])
    expect(behindCursor([{ ...wholeRange, from: 7 }], 4)).toEqual([{ ...wholeRange, from: 7 }])
  })

  test.each([{ bounds: 3 }, { bounds: { from: 'x' } }, { bounds: { shard: null, x: 1 } }, { bounds: [1, 2] }])(
    'is not taken for what another source made of it: %j',
    ({ bounds }) => {
      expect(() => rangeOf({ id: 'p', bounds })).toThrow(expect.objectContaining({ code: 'STATE_INVALID' }))
    },
  )

  test.each([null, true, 'x', {}, [1], [1, 2, 3], -1])('does not begin behind a foreign cursor: %j', (cursor) => {
    expect(() => behindCursor([wholeRange], cursor)).toThrow(expect.objectContaining({ code: 'STATE_INVALID' }))
  })
})
