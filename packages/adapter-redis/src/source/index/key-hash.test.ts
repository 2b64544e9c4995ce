import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compareKeys, hashKey } from './key-hash.js'

describe('the hash of a key', () => {
  // Published vectors of MurmurHash3_x86_32 with seed 0. Stored cursors mean an order by it: it must never change.
  test.each([
    ['', 0],
    ['\0\0\0\0', 0x2362f9de],
    ['test', 0xba6bd213],
    ['Hello, world!', 0xc0363e43],
    ['The quick brown fox jumps over the lazy dog', 0x2e4ff723],
  ])('of %j is that of MurmurHash3', (key, hash) => {
    expect(hashKey(Buffer.from(key)).toString(16)).toBe(hash.toString(16))
  })

  test.each([
    ['numbered', (i: number) => `checkpoint:${i}`],
    ['numbered with zeros', (i: number) => `checkpoint:${String(i).padStart(12, '0')}`],
    ['with a number in the middle', (i: number) => `session:${i}:state`],
    ['of one byte more each', (i: number) => 'a'.repeat(i)],
  ])('shares out keys %s evenly by its upper bits', (_, keyOf) => {
    const counts = new Uint32Array(16)
    const keys = 8_000
    for (let i = 0; i < keys; i++) {
      const place = hashKey(Buffer.from(keyOf(i))) >>> 28
      counts[place] = (counts[place] as number) + 1
    }
    // 500 each, and a standard deviation of 22.
    for (const count of counts) expect(Math.abs(count - keys / 16)).toBeLessThan(110)
  })

  test('and then the bytes make an order', () => {
    const key = fc.uint8Array({ maxLength: 3 })
    fc.assert(
      fc.property(key, key, key, (a, b, c) => {
        expect(Math.sign(compareKeys(a, b))).toBe(-Math.sign(compareKeys(b, a)) + 0)
        expect(compareKeys(a, b) === 0).toBe(Buffer.compare(a, b) === 0)
        if (compareKeys(a, b) < 0 && compareKeys(b, c) < 0) expect(compareKeys(a, c)).toBeLessThan(0)
      }),
    )
  })
})
