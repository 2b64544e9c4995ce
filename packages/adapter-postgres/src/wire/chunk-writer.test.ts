import { expect, test } from 'vitest'
import { copyBinary } from './copy-binary.js'
import { wireType } from './wire-type.js'

const options = { where: 'table "t"', chunkBytes: 1000 }
const columns = [{ name: 'v', type: wireType('text') }]
const rowOf = (text: string) => ({ v: text })

test('a chunk that is kept is never written again', () => {
  const encoder = copyBinary(columns, options)
  const chunks: Uint8Array[] = []
  const copies: Buffer[] = []
  for (let i = 0; i < 100; i++) {
    for (const chunk of encoder.encode([rowOf(String(i % 10).repeat(1500))], i)) {
      chunks.push(chunk)
      copies.push(Buffer.from(chunk))
    }
  }
  expect(chunks).toHaveLength(100)
  expect(Buffer.concat(chunks).equals(Buffer.concat(copies))).toBe(true)
})

test('a chunk that is given back is used again', () => {
  const encoder = copyBinary(columns, options)
  const memories = new Set<ArrayBufferLike>()
  for (let i = 0; i < 100; i++) {
    for (const chunk of encoder.encode([rowOf('x'.repeat(1500))], i)) {
      memories.add(chunk.buffer)
      encoder.release(chunk)
    }
  }
  expect(memories.size).toBeLessThanOrEqual(2)
})

test('a row larger than a chunk goes out whole, and its memory is not kept', () => {
  const encoder = copyBinary(columns, options)
  const [large] = [...encoder.encode([rowOf('é'.repeat(1_000_000))], 0)]
  expect(large).toHaveLength(2_000_006)
  encoder.release(large as Uint8Array)
  const [small] = [...encoder.encode([rowOf('x'.repeat(1500))], 0)]
  expect(small?.buffer.byteLength).toBeLessThan(100_000)
})
