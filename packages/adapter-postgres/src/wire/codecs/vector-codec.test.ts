import { expect, test } from 'vitest'
import { WireBuffer } from '../wire-buffer.js'
import { vectorCodec } from './vector-codec.js'

/** pgvector's vector_send(): dimensions and an unused number in 16 bits, then float32 values, all with the high byte first. */
const wire = Buffer.from(`0003${'0000'}${'3f800000'}${'c0200000'}${'80000000'}`, 'hex')
const floats = Float32Array.of(1, -2.5, -0)

function encoded(value: unknown): Buffer {
  const out = new WireBuffer(4)
  vectorCodec.encode(value, out)
  return out.bytes.subarray(0, out.at)
}

test('a vector is a Float32Array of its own, wherever it stood', () => {
  const padded = Buffer.concat([Buffer.alloc(3), wire])
  const vector = vectorCodec.decode(padded, 3, wire.length)
  padded.fill(0xff)
  expect(vector).toStrictEqual(floats)
})

test.each([floats, [1, -2.5, -0], Float64Array.of(1, -2.5, -0), '[1, -2.5,-0]'])('%o is written as it is', (value) => {
  expect(encoded(value)).toEqual(wire)
})

test('a part of a larger array is written alone', () => {
  expect(encoded(Float32Array.of(9, 1, -2.5, -0, 9).subarray(1, 4))).toEqual(wire)
})

test('its text holds the float32 values', () => {
  expect(vectorCodec.text([0.1, 1, -2.5])).toBe(`[${Math.fround(0.1)},1,-2.5]`)
})
