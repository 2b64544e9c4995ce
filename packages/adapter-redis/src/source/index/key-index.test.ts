import { readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { keySlot } from '../../connection/key-slot.js'
import { compareKeys, hashKey } from './key-hash.js'
import { KeyIndex } from './key-index.js'
import { allKeys, type KeyRange } from './key-range.js'
import { SortedKeys } from './sorted-keys.js'

const { signal } = new AbortController()

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'drover-index-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function indexOf(keys: readonly Uint8Array[], memoryBytes?: number): Promise<KeyIndex> {
  const index = new KeyIndex({ memoryBytes, folder })
  for (let at = 0; at < keys.length; at += 7) await index.add(keys.slice(at, at + 7))
  await index.finish()
  return index
}

async function read(index: KeyIndex, range: KeyRange = allKeys, most = 3): Promise<string[]> {
  const chunks: Buffer[][] = []
  for await (const chunk of index.read(range, most, signal)) chunks.push(chunk)
  expect(chunks.slice(0, -1).every(({ length }) => length === most)).toBe(true)
  expect(chunks.every(({ length }) => length > 0)).toBe(true)
  return hex(chunks.flat())
}

function hex(keys: readonly Uint8Array[]): string[] {
  return keys.map((key) => Buffer.from(key).toString('hex'))
}

/** What an index is to give, by another way. */
function expected(keys: readonly Uint8Array[]): Uint8Array[] {
  return [...keys]
    .sort(compareKeys)
    .filter((key, i, all) => i === 0 || compareKeys(all[i - 1] as Uint8Array, key) !== 0)
}

function numbered(count: number): Buffer[] {
  return Array.from({ length: count }, (_, i) => Buffer.from(`checkpoint:${i}`))
}

// Few different bytes, so that keys come twice; some longer than what is copied by hand.
const key = fc.oneof(
  fc.uint8Array({ max: 3, maxLength: 4 }),
  fc.uint8Array({ maxLength: 100 }),
  fc.constantFrom(Buffer.alloc(50, 1), Buffer.alloc(5_000, 2)),
)
const keysInAnyOrder = fc.array(key, { maxLength: 200 })
// In memory; in a file, in several pieces; each few keys in a piece of their own.
const memory = fc.constantFrom(undefined, 2_000, 64)

describe('the key index', () => {
  test('gives the set of the keys in the order of hash and bytes, whatever came, in memory or in a file', async () => {
    await fc.assert(
      fc.asyncProperty(keysInAnyOrder, memory, fc.integer({ min: 1, max: 50 }), async (keys, memoryBytes, most) => {
        await using index = await indexOf(keys, memoryBytes)
        expect(await read(index, allKeys, most)).toEqual(hex(expected(keys)))
        expect(await index.count(signal)).toBe(expected(keys).length)
        expect(index.came).toBe(keys.length)
      }),
      { numRuns: 60 },
    )
  })

  test('goes on behind any key, also behind one that is not there', async () => {
    await fc.assert(
      fc.asyncProperty(keysInAnyOrder, memory, key, fc.nat(), async (keys, memoryBytes, other, place) => {
        await using index = await indexOf(keys, memoryBytes)
        const all = expected(keys)
        for (const after of [all[place % (all.length || 1)], other]) {
          if (after === undefined) continue
          expect(await read(index, { ...allKeys, after })).toEqual(
            hex(all.filter((one) => compareKeys(one, after) > 0)),
          )
        }
      }),
      { numRuns: 60 },
    )
  })

  test('gives the parts of it by hash and by slot, each key in one of them', async () => {
    const keys = numbered(2_000)
    const all = expected(keys)
    for (const memoryBytes of [undefined, 5_000]) {
      await using index = await indexOf(keys, memoryBytes)
      const border = hashKey(all[700] as Uint8Array)
      const parts: KeyRange[] = [
        { slots: [[0, 5_000]], hashes: [0, border], after: null },
        { slots: [[0, 5_000]], hashes: [border + 1, 0xffffffff], after: null },
        {
          slots: [
            [5_001, 6_000],
            [9_000, 16_383],
          ],
          hashes: [0, 0xffffffff],
          after: null,
        },
        { slots: [[6_001, 8_999]], hashes: [0, 0xffffffff], after: null },
      ]
      const found = await Promise.all(parts.map((part) => read(index, part, 100)))
      expect(found.flat().sort()).toEqual(hex(all).sort())
      for (const [i, part] of parts.entries()) {
        const isIn = (one: Uint8Array) =>
          part.slots?.some(([from, to]) => from <= keySlot(one) && keySlot(one) <= to) &&
          hashKey(one) >= part.hashes[0] &&
          hashKey(one) <= part.hashes[1]
        expect(found[i]).toEqual(hex(all.filter(isIn)))
        expect(found[i]?.length).toBeGreaterThan(0)
      }
    }
  })

  test('reads several parts at the same time', async () => {
    const keys = numbered(5_000)
    await using index = await indexOf(keys, 20_000)
    const reads = await Promise.all([read(index), read(index, allKeys, 100), index.count(signal)])
    expect(reads).toEqual([hex(expected(keys)), hex(expected(keys)), 5_000])
  })

  test('leaves keys out with a mark, and none because of bytes across two keys', async () => {
    const keys = ['a:own', 'own', 'ow', 'n', 'x', ''].map((text) => Buffer.from(text))
    await using index = new KeyIndex()
    await index.addMost(keys, Buffer.from('own'), (one) => Buffer.from(one).includes('own'))
    await index.addMost([Buffer.from('y')], Buffer.from('own'), () => true)
    await index.finish()
    expect(await read(index)).toEqual(hex(expected(['ow', 'n', 'x', '', 'y'].map((text) => Buffer.from(text)))))
  })

  test('needs a file only past its memory, and leaves none behind', async () => {
    const small = await indexOf(numbered(100), 20_000)
    expect(small.isSpilled).toBe(false)
    const large = await indexOf(numbered(10_000), 20_000)
    expect(large.isSpilled).toBe(true)
    // It has no name from the beginning: nothing is left whatever becomes of the process.
    expect(readdirSync(folder)).toEqual([])
    await small[Symbol.asyncDispose]()
    await large[Symbol.asyncDispose]()
  })

  test('says which folder has no place for it', async () => {
    const index = new KeyIndex({ memoryBytes: 2_000, folder: join(folder, 'nowhere') })
    const adding = async () => {
      for (const one of numbered(1_000)) await index.add([one])
    }
    await expect(adding()).rejects.toMatchObject({ code: 'STORE_DENIED', message: expect.stringContaining('nowhere') })
    await index[Symbol.asyncDispose]()
  })

  test('fails a read that is not through when it is closed', async () => {
    const index = await indexOf(numbered(60_000))
    const reading = index.read(allKeys, 10, signal)
    await reading.next()
    await index[Symbol.asyncDispose]()
    const drain = async () => {
      for await (const _ of reading);
    }
    await expect(drain()).rejects.toMatchObject({ code: 'ABORTED' })
  })

  test('ends a read and a count when the signal is aborted', async () => {
    await using index = await indexOf(numbered(1_000))
    const aborted = AbortSignal.abort()
    await expect(index.count(aborted)).rejects.toMatchObject({ code: 'ABORTED' })
    expect(await index.count(signal)).toBe(1_000)
    await expect(index.read(allKeys, 10, aborted).next()).rejects.toThrow()
  })
})

describe('sorted keys', () => {
  test('are in order, each once, however many have the same hash', () => {
    const crowd = Array.from({ length: 100 }, (_, i) => Buffer.from([i % 70]))
    fc.assert(
      fc.property(keysInAnyOrder, fc.boolean(), fc.constantFrom(1, 2, 1_000), (some, isCrowded, hashes) => {
        const keys = isCrowded ? [...some, ...crowd] : some
        const hashOf = (one: Uint8Array) => 5_000 + (hashKey(one) % hashes)
        const laidOut = keys.map((one) => {
          const header = Buffer.alloc(8)
          header.writeUInt32LE(hashOf(one), 0)
          header.writeUInt32LE(one.length, 4)
          return Buffer.concat([header, one])
        })
        const sorted = new SortedKeys()
        sorted.load(Buffer.alloc(0), 0, 1)
        expect(sorted.count).toBe(0)
        sorted.load(Buffer.concat(laidOut), 5_000, 1_000)
        const given = Array.from({ length: sorted.count }, (_, i) => sorted.keyAt(i))
        const inOrder = [...keys].sort((a, b) => hashOf(a) - hashOf(b) || Buffer.compare(a, b))
        expect(hex(given)).toEqual(
          hex(inOrder.filter((one, i) => i === 0 || Buffer.compare(one, inOrder[i - 1] ?? one) !== 0)),
        )
        expect(given.map((_, i) => sorted.hashAt(i))).toEqual(given.map(hashOf))
      }),
    )
  })
})
