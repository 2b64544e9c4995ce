import { expect, test } from 'vitest'
import { CountedParts } from './counted-parts.js'
import { compareKeys, hashKey } from './index/key-hash.js'
import { allKeys } from './index/key-range.js'

const keys = Array.from({ length: 100 }, (_, i) => Buffer.from(`key ${i}`)).sort(compareKeys)
const at = (i: number) => keys[i] as Buffer

test('a key is new until a read came by it, wherever that began', () => {
  const parts = new CountedParts()
  const newOnes = () => keys.filter((key) => parts.begin(allKeys).isNew(key)).length
  parts.begin(allKeys).reached(at(9))
  expect(newOnes()).toBe(90)
  // Again from the beginning, and not as far.
  parts.begin(allKeys).reached(at(4))
  expect(newOnes()).toBe(90)
  // It goes on, over what was there before.
  parts.begin({ ...allKeys, after: at(5) }).reached(at(19))
  expect(newOnes()).toBe(80)
  // Somewhere else: what is between was not read.
  parts.begin({ ...allKeys, after: at(49) }).reached(at(59))
  expect(newOnes()).toBe(70)
  parts.begin({ ...allKeys, hashes: [hashKey(at(90)), hashKey(at(99))] }).reached(at(94))
  expect(newOnes()).toBe(65)
})

test('other slots of a cluster are other keys', () => {
  const parts = new CountedParts()
  parts.begin({ ...allKeys, slots: [[0, 99]] }).reached(at(99))
  expect(parts.begin({ ...allKeys, slots: [[100, 199]] }).isNew(at(5))).toBe(true)
  expect(parts.begin({ ...allKeys, slots: [[0, 99]] }).isNew(at(5))).toBe(false)
})
