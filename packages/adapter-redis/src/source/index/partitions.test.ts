import type { Partition } from '@drover/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { keySlot } from '../../connection/key-slot.js'
import type { ClusterMember } from '../../connection/redis-connection.js'
import { compareKeys, hashKey } from './key-hash.js'
import { type KeyRange, overlap, rangeOf } from './key-range.js'
import { clusterPartitions, halvesOf, hashPartitions } from './partitions.js'

const key = fc.uint8Array({ maxLength: 20 })

/** Whether a key is one of a partition, as it is after a state store kept it. */
function holds(partition: Partition, one: Uint8Array): boolean {
  const { slots, hashes, after } = ranges([partition])[0] as KeyRange
  const hash = hashKey(one)
  if (hash < hashes[0] || hash > hashes[1]) return false
  if (after !== null && compareKeys(one, after) <= 0) return false
  const slot = keySlot(one)
  return slots === null || slots.some(([from, to]) => from <= slot && slot <= to)
}

function ranges(partitions: readonly Partition[]): KeyRange[] {
  return partitions.map((partition) => rangeOf(JSON.parse(JSON.stringify(partition)) as Partition))
}

/** Masters that own slots in turn, cut at random; the last stretch is nobody's. */
const cluster = fc
  .tuple(
    fc.uniqueArray(fc.integer({ min: 1, max: 16_382 }), { minLength: 4, maxLength: 12 }),
    fc.integer({ min: 1, max: 4 }),
  )
  .map(([cuts, masters]) => {
    const borders = [0, ...cuts.sort((a, b) => a - b)]
    const slots: [number, number][][] = Array.from({ length: masters }, () => [])
    for (let i = 0; i + 1 < borders.length; i++) {
      slots[i % masters]?.push([borders[i] as number, (borders[i + 1] as number) - 1])
    }
    return slots.map((own) => ({ slots: own, leaving: [] }) as unknown as ClusterMember)
  })

describe('partitions', () => {
  test('of one server hold each key once', () => {
    fc.assert(
      fc.property(key, fc.integer({ min: 1, max: 100 }), (one, count) => {
        const partitions = hashPartitions(count)
        expect(partitions).toHaveLength(count)
        expect(partitions.filter((partition) => holds(partition, one))).toHaveLength(1)
      }),
    )
  })

  test('of a cluster hold each key once, and each has slots of one master', () => {
    fc.assert(
      fc.property(cluster, key, fc.integer({ min: 2, max: 12 }), (nodes, one, count) => {
        const partitions = clusterPartitions({ nodes, version: '' }, count)
        expect(partitions.length).toBeGreaterThanOrEqual(nodes.length)
        expect(partitions.length).toBeLessThanOrEqual(count + nodes.length)
        expect(partitions.filter((partition) => holds(partition, one))).toHaveLength(1)
        for (const { slots } of ranges(partitions)) {
          const owners = nodes.filter((node) => node.slots.some(([from]) => slots?.some(([mine]) => mine === from)))
          expect(owners.length).toBe(1)
        }
      }),
    )
  })

  test('of a cluster are one if nobody asks for more: it reads all masters', () => {
    const [all] = clusterPartitions({ nodes: [], version: '' }, 1)
    expect(all).toEqual({ id: 'all', bounds: null })
  })

  test('are split into what is left, each key in one half, whatever stands where it is cut', () => {
    fc.assert(
      fc.property(key, key, key, fc.integer({ min: 1, max: 3 }), (first, second, one, count) => {
        for (const partition of hashPartitions(count)) {
          const [range] = ranges([partition])
          for (const after of [null, first, second]) {
            if (after !== null && !holds(partition, after)) continue
            const halves = halvesOf(partition.id, { ...(range as KeyRange), after })
            const isLeft = holds(partition, one) && (after === null || compareKeys(one, after) > 0)
            expect(halves.filter((half) => holds(half, one))).toHaveLength(isLeft ? 1 : 0)
            // And once more, as a half may be.
            const [half] = halves
            const quarters = half === undefined ? [] : halvesOf(half.id, ranges([half])[0] as KeyRange)
            if (half !== undefined && holds(half, one)) {
              expect(quarters.filter((quarter) => holds(quarter, one))).toHaveLength(1)
            }
          }
        }
      }),
    )
  })

  test('say which overlap', () => {
    const [a, b, c] = ranges(hashPartitions(3)) as [KeyRange, KeyRange, KeyRange]
    expect([overlap(a, a), overlap(a, b), overlap(b, c), overlap(c, a)]).toEqual([true, false, false, false])
    const low: KeyRange = { ...a, slots: [[0, 99]] }
    const high: KeyRange = { ...a, slots: [[100, 16_383]] }
    expect([overlap(low, high), overlap(high, a), overlap(low, { ...high, slots: [[50, 120]] })]).toEqual([
      false,
      true,
      true,
    ])
  })

  test.each([
    [{}],
    [[]],
    ['a'],
    [{ hashes: [0] }],
    [{ hashes: [5, 4] }],
    [{ hashes: [0, 2 ** 32] }],
    [{ hashes: [0, 1], slots: [[0, 16_384]] }],
    [{ hashes: [0, 1], slots: 7 }],
    [{ hashes: [0, 1], after: 7 }],
  ])('are refused that are none: %j', (bounds) => {
    expect(() => rangeOf({ id: '1', bounds: bounds as never })).toThrow(
      expect.objectContaining({ code: 'STATE_INVALID' }),
    )
  })
})
