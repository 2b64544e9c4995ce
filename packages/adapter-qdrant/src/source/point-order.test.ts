import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { PointId } from '../wire/wire-point.js'
import { bitsOf, comparePointIds, narrowed, nextPointId, pointIdJson, pointIdOf, uuidOf } from './point-order.js'

const number = fc.oneof(fc.bigInt(0n, 2n ** 64n - 1n), fc.bigInt(0n, 50n), fc.constant(2n ** 53n)).map(narrowed)
const id: fc.Arbitrary<PointId> = fc.oneof(number, fc.uuid())

describe('ids of points', () => {
  test('survive cursors with all their digits', () => {
    fc.assert(
      fc.property(id, (one) => {
        expect(pointIdOf(JSON.parse(JSON.stringify(pointIdJson(one))))).toBe(one)
      }),
    )
  })

  test.each([-1, 1.5, 2 ** 53, '', '5', '18446744073709551616', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', null, [1]])(
    'are told from %j',
    (other) => {
      expect(pointIdOf(other)).toBeUndefined()
    },
  )

  test('are in the order in which they are scrolled: numbers, then UUIDs by their bits', () => {
    fc.assert(
      fc.property(fc.array(id), (ids) => {
        const place = (one: PointId) => (typeof one === 'string' ? 2n ** 64n + bitsOf(one) : BigInt(one))
        const ordered = ids.toSorted(comparePointIds).map(place)
        expect(ordered).toEqual(ids.map(place).toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0)))
      }),
    )
  })

  test('have a least one behind them', () => {
    expect(nextPointId(Number.MAX_SAFE_INTEGER)).toBe(9_007_199_254_740_992n)
    expect(nextPointId(2n ** 64n - 1n)).toBe('00000000-0000-0000-0000-000000000000')
    expect(nextPointId('00000000-0000-0000-00ff-ffffffffffff')).toBe('00000000-0000-0000-0100-000000000000')
    expect(nextPointId('ffffffff-ffff-ffff-ffff-ffffffffffff')).toBeNull()
    fc.assert(
      fc.property(id, (one) => {
        const next = nextPointId(one)
        expect(next === null || comparePointIds(one, next) < 0).toBe(true)
        if (typeof one === 'string') expect(uuidOf(bitsOf(one))).toBe(one)
      }),
    )
  })
})
