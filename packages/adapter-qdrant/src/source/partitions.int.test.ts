import { useQdrant } from '@drover-internal/qdrant-server/vitest'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openQdrant } from '../connection/open-qdrant.js'
import type { QdrantConnection } from '../connection/qdrant-connection.js'
import type { PointId } from '../wire/wire-point.js'
import { cutRange, evenBorders, halveRange } from './partitions.js'
import { comparePointIds, uuidOf } from './point-order.js'
import { type PointRange, wholeRange } from './point-range.js'
import { putPoints } from './testing/points.js'
import { operation } from './testing/read-source.js'

const qdrant = useQdrant()

/** Spread over all that there could be, and the same in each run. */
const spread = (i: number, bits: bigint) => (BigInt(i) * 0x9e3779b97f4a7c15f39cc0605cedc835n) % 2n ** bits

const kinds: [string, (i: number) => PointId][] = [
  ['counted up', (i) => i],
  ['all over 64 bits', (i) => spread(i + 1, 64n)],
  ['UUIDs', (i) => uuidOf(spread(i + 1, 128n))],
  // As version 7 has them: one after the other, in a small part of all.
  ['UUIDs by time', (i) => uuidOf((0x0192_0000_0000n << 80n) + (BigInt(i) << 90n))],
  ['of both forms', (i) => (i % 2 === 0 ? i : uuidOf(spread(i, 128n)))],
]

describe.each(kinds)('a range of ids that are %s', (_, idOf) => {
  const ids = Array.from({ length: 400 }, (_, i) => idOf(i))
  let connection: QdrantConnection
  let collection: string

  beforeAll(async () => {
    const { url, apiKey } = qdrant
    connection = openQdrant({ url, apiKey }, 'a test')
    collection = qdrant.collection()
    await qdrant.client.createCollection(collection, { vectors: {} })
    await putPoints(
      qdrant,
      collection,
      ids.map((id) => ({ id })),
    )
  })
  afterAll(async () => await connection[Symbol.asyncDispose]())

  const looking = () => ({ connection, collection, filter: undefined })
  const sizes = (ranges: readonly PointRange[]): number[] =>
    ranges.map(
      ({ from, to }) =>
        ids.filter(
          (id) => (from === null || comparePointIds(id, from) >= 0) && (to === null || comparePointIds(id, to) < 0),
        ).length,
    )

  test('is cut into parts of about the same size', async () => {
    const parts = await cutRange(wholeRange, 4, looking(), operation)
    expect(sizes(parts).reduce((sum, size) => sum + size)).toBe(ids.length)
    expect(parts).toHaveLength(4)
    for (const size of sizes(parts)) expect(Math.abs(size - 100)).toBeLessThan(60)
  })

  test('is halved, and its halves are', async () => {
    let range = wholeRange
    for (let left = 400; left > 25; left /= 2) {
      const parts = await halveRange(range, looking(), operation)
      const [one = 0, other = 0] = sizes(parts)
      expect([parts.length, one + other]).toEqual([2, sizes([range])[0]])
      expect(Math.min(one, other)).toBeGreaterThan(left / 5)
      range = parts[left % 100 === 0 ? 0 : 1] as PointRange
    }
  })

  test('is cut by its first and last id where the server gives no samples', async () => {
    const borders = await evenBorders(wholeRange, 4, looking(), operation)
    expect(borders.length).toBeGreaterThanOrEqual(3)
    const ranges = [null, ...borders].map((from, i) => ({ shard: null, from, to: borders[i] ?? null }))
    for (const size of sizes(ranges)) expect(size).toBeGreaterThan(30)
  })
})
