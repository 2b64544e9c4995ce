import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AdaptiveSize } from './adaptive-size.js'

/** Batches of a store, one after the other; gives their sizes. */
function sizes(adaptive: AdaptiveSize, count: number, usual: number, ms: (records: number, batch: number) => number) {
  return Array.from({ length: count }, (_, batch) => {
    const size = adaptive.size(usual)
    adaptive.measured(size, ms(size, batch))
    return size
  })
}

describe('the size of batches', () => {
  it('begins with the usual one, and comes to where a batch takes its time', () => {
    const found = sizes(new AdaptiveSize({ targetBatchMs: 200 }), 60, 100, (records) => 10 + records * 0.05)
    expect(found[0]).toBe(100)
    expect(found.at(-1)).toBeGreaterThan(3_300)
    expect(found.at(-1)).toBeLessThan(4_200)
  })

  it('comes to rest there, and grows again when the store is quick again', () => {
    const slow = (_: number, batch: number) => batch >= 60 && batch < 120
    const found = sizes(
      new AdaptiveSize({ targetBatchMs: 200 }),
      220,
      1_000,
      (records, batch) => records * (slow(records, batch) ? 0.8 : 0.1),
    )
    expect(found[59]).toBeGreaterThan(1_800)
    expect(new Set(found.slice(40, 60)).size).toBe(1)
    expect(found[119]).toBeLessThan(280)
    expect(new Set(found.slice(100, 120)).size).toBe(1)
    expect(found.at(-1)).toBeGreaterThan(1_800)
    // One way down and one way up: it does not swing on the way.
    const falling = found.slice(60, 120)
    for (const [i, size] of falling.entries()) if (i > 0) expect(size).toBeLessThanOrEqual(falling[i - 1] ?? 0)
  })

  it('never changes by more than a fifth, nor leaves its bounds, whatever is measured', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 60_000, noNaN: true }), { maxLength: 80 }), (times) => {
        const adaptive = new AdaptiveSize({ targetBatchMs: 500, minBatchSize: 20, maxBatchSize: 3_000 })
        let before = adaptive.size(400)
        for (const ms of times) {
          adaptive.measured(before, ms)
          const next = adaptive.size(400)
          expect(next).toBeGreaterThanOrEqual(20)
          expect(next).toBeLessThanOrEqual(3_000)
          // Half a record for rounding at either end.
          expect(next - 0.5).toBeLessThanOrEqual((before + 0.5) * 1.2)
          expect(next + 0.5).toBeGreaterThanOrEqual((before - 0.5) / 1.2)
          before = next
        }
      }),
    )
  })

  it('grows out of batches of one record', () => {
    const found = sizes(new AdaptiveSize({ targetBatchMs: 100 }), 40, 1, () => 1)
    expect(found[1]).toBe(2)
    expect(found.at(-1)).toBeGreaterThan(50)
  })

  it('stays as small as was asked for while it ran', () => {
    const adaptive = new AdaptiveSize({ targetBatchMs: 1_000 })
    adaptive.size(500)
    adaptive.atMost(50)
    expect(sizes(adaptive, 30, 500, () => 1).every((size) => size === 50)).toBe(true)
    adaptive.atMost(10_000)
    expect(sizes(adaptive, 30, 500, () => 1).at(-1)).toBeGreaterThan(1_000)
  })

  it('does not fall below a tenth of where it began, unless it is told to', () => {
    const slow = (records: number) => 500 + records
    expect(sizes(new AdaptiveSize({ targetBatchMs: 100 }), 60, 1_000, slow).at(-1)).toBe(100)
    expect(sizes(new AdaptiveSize({ targetBatchMs: 100, minBatchSize: 5 }), 60, 1_000, slow).at(-1)).toBe(5)
  })

  it('learns nothing from batches without records', () => {
    const adaptive = new AdaptiveSize({ targetBatchMs: 100 })
    adaptive.size(500)
    for (let i = 0; i < 10; i++) adaptive.measured(0, 5_000)
    expect(adaptive.size(500)).toBe(500)
  })
})
