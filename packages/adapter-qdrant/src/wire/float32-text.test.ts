import { ValueRefused } from '@drover/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mostBytesPerFloat, writeFloat32s } from './float32-text.js'

const bits = new Uint32Array(1)
const float = new Float32Array(bits.buffer)

function fromBits(word: number): number {
  bits[0] = word
  return float[0] as number
}

function bitsOf(value: number): number {
  float[0] = value
  return bits[0] as number
}

function written(...values: number[]): string {
  const into = Buffer.alloc(values.length * mostBytesPerFloat + 16, '#')
  const view = new DataView(into.buffer, into.byteOffset, into.length)
  const end = writeFloat32s(Float32Array.from(values), into, view, 3)
  expect(into.toString('latin1', 0, 3)).toBe('###')
  return into.toString('latin1', 3, end)
}

/** How many digits the shortest decimal has that lies where numbers are read as this one: by whole numbers alone. */
function fewestDigits(value: number): number {
  const word = bitsOf(value) & 0x7fffffff
  const mantissa = BigInt((word & 0x7fffff) + (word > 0x7fffff ? 0x800000 : 0))
  const power = Math.max(word >>> 23, 1) - 150
  const isPowerOfTwo = (word & 0x7fffff) === 0 && word >>> 23 > 1
  // In quarters of the last place, and scaled so that all are whole.
  let low = mantissa * 4n - (isPowerOfTwo ? 1n : 2n)
  let high = mantissa * 4n + 2n
  let unit = 1n
  if (power - 2 >= 0) {
    low <<= BigInt(power - 2)
    high <<= BigInt(power - 2)
  } else unit <<= BigInt(2 - power)
  const isEven = mantissa % 2n === 0n
  for (let digits = 1; digits <= 9; digits++) {
    const exponent = Math.floor(Math.log10(Math.abs(value))) - digits + 1
    for (const e of [exponent + 1, exponent, exponent - 1]) {
      const [up, down] = e >= 0 ? [10n ** BigInt(e) * unit, 1n] : [unit, 10n ** BigInt(-e)]
      // The least whole d with d · 10^e at or above the lower bound.
      const least = (low * down + up - 1n) / up
      for (const d of [least, least + 1n]) {
        const at = d * up
        const isInside = isEven ? at >= low * down && at <= high * down : at > low * down && at < high * down
        if (isInside && String(d).replace(/0+$/, '').length <= digits && d > 0n) return digits
      }
    }
  }
  return 9
}

function significantDigits(text: string): number {
  const [mantissa = ''] = text.replace('-', '').split('e')
  const digits = mantissa.replace('.', '').replace(/^0+/, '')
  return (mantissa.includes('.') ? digits : digits.replace(/0+$/, '')).length
}

const json = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e-?\d+)?$/

function expectExact(value: number): void {
  const text = written(value)
  expect(text).toMatch(json)
  expect(Object.is(Math.fround(JSON.parse(text) as number), value), `${text} is not read as ${value}`).toBe(true)
  if (value !== 0) expect(significantDigits(text), text).toBe(fewestDigits(value))
}

describe('a float32 as text', () => {
  it.each([
    [0, '0'],
    [-0, '-0.0'],
    [1, '1'],
    [-1, '-1'],
    [255, '255'],
    [16_777_216, '16777216'],
    [999_999_936, '999999940'],
    [0.1, '0.1'],
    [-0.1, '-0.1'],
    [0.25, '0.25'],
    [0.5, '0.5'],
    [0.3, '0.3'],
    [0.30000001192092896, '0.3'],
    [0.034567891, '0.034567893'],
    [1.5, '1.5'],
    [3.14159274, '3.1415927'],
    [10.01, '10.01'],
    [-16_777_215.0, '-16777215'],
    [8_388_607.5, '8388607.5'],
    [1e-5, '1e-5'],
    [1.234e-10, '1234e-13'],
    [3.4028234663852886e38, '3.4028235e38'],
    [1.401298464324817e-45, '1e-45'],
    [1.1754943508222875e-38, '1.1754944e-38'],
    [1.1754942106924411e-38, '1.1754942e-38'],
    [1e10, '1e10'],
  ])('%d is %s', (value, text) => {
    expect(written(value)).toBe(text)
  })

  it('stands between commas with its neighbours', () => {
    expect(written(0.125, -0.7, 3, 1e-30, -0, 123.456, 0.1)).toBe('0.125,-0.7,3,1e-30,-0.0,123.456,0.1')
    expect(written()).toBe('')
  })

  it('gives the same number again, with the fewest digits, around every power of two and of ten', () => {
    for (let exponent = 0; exponent < 255; exponent++) {
      for (const mantissa of [0, 1, 2, 3, 0x3fffff, 0x400000, 0x400001, 0x7ffffe, 0x7fffff]) {
        expectExact(fromBits((exponent << 23) | mantissa))
      }
    }
    for (let exponent = -45; exponent <= 38; exponent++) {
      const near = Math.fround(Number(`1e${exponent}`))
      if (near === 0) continue
      const word = bitsOf(near)
      for (const step of [-2, -1, 0, 1, 2]) if (word + step > 0) expectExact(fromBits(word + step))
    }
  })

  it('gives the same number again, with the fewest digits, whatever the bits', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), (word) => {
        const value = fromBits(word)
        if (Number.isFinite(value)) expectExact(value)
      }),
      { numRuns: 4000 },
    )
  })

  it('gives the same number again, with the fewest digits, where embeddings lie', () => {
    fc.assert(
      fc.property(fc.float({ min: -1, max: 1, noNaN: true }), fc.integer({ min: 0, max: 4 }), (value, tenths) => {
        const scaled = Math.fround(value / 10 ** tenths)
        expectExact(scaled)
      }),
      { numRuns: 4000 },
    )
  })

  it('gives the same number again after decimal grids, whose points are ties for the neighbours', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 99_999_999 }), fc.integer({ min: 0, max: 20 }), (integer, places) => {
        expectExact(Math.fround(Number(`${integer}e-${places}`)))
      }),
      { numRuns: 4000 },
    )
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('refuses %d with its place', (value) => {
    const error = (() => {
      try {
        written(1, value, 2)
      } catch (thrown) {
        return thrown
      }
    })()
    expect(error).toBeInstanceOf(ValueRefused)
    expect(error).toMatchObject({ path: '[1]', what: `the number ${value}` })
  })

  it('takes vectors longer than any before, and views into a larger buffer', () => {
    const long = Float32Array.from({ length: 70_001 }, (_, i) => i / 7)
    const into = Buffer.alloc(long.length * mostBytesPerFloat)
    const view = new DataView(into.buffer, into.byteOffset, into.length)
    const end = writeFloat32s(long.subarray(1), into, view, 0)
    const read = Float32Array.from(into.toString('latin1', 0, end).split(','), Number)
    expect(Buffer.from(read.buffer).equals(Buffer.from(long.buffer, 4))).toBe(true)
  })
})
