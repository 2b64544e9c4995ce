import { shownValue, ValueRefused } from '@drover/core'
import { writeLatin1 } from './native-text.js'
import { rareFloat32 } from './rare-float32.js'

/** The bytes that one number may need, with its comma, and what is written behind it and overwritten. */
export const mostBytesPerFloat = 26

/**
 * Writes numbers with commas between them, each with the fewest decimal digits that give the same float32 again, be they read as a double first or
 * not. There must be room for `mostBytesPerFloat` of each.
 *
 * A float32 has 24 bits, so in doubles the search is exact but for ties. Between 2^e and 2^(e+1) numbers are `ulp` apart, and 10^-k is the coarsest
 * decimal grid that is no coarser. There is a point of it within half an ulp, and at most one of the next coarser grid: if that one fits, it is the
 * answer but for zeros at its end. Branches that a processor cannot foresee took half of the time, so the choice is arithmetic.
 *
 * @returns where the last one ends
 * @throws ValueRefused for NaN and infinities, with the place
 */
export function writeFloat32s(vector: Float32Array, into: Buffer, view: DataView, start: number): number {
  const count = vector.length
  if (count > scratch.length) growScratch(count)
  // Tables as locals: a variable of a module is looked up each time.
  const numbers = scratch
  const bits = scratchBits
  const [fine, coarse, reach, places, widen, digits] = tables
  numbers.set(vector)
  let at = start
  for (let i = 0; i < count; i++) {
    const word = bits[i] as number
    const exponent = (word >>> 23) & 0xff
    let value = numbers[i] as number
    // Powers of two have a nearer neighbour below than above.
    if (exponent < leastCommon || exponent >= one || (word & 0x7fffff) === 0) {
      at = writeOther(value, exponent, i, into, at)
      into[at++] = 0x2c
      continue
    }
    into[at] = 0x2d
    at += word >>> 31
    value = Math.abs(value)
    const scaled = value * (coarse[exponent] as number)
    const near = (scaled + 0.5) | 0
    const beyond = Math.abs(scaled - near) - (reach[exponent] as number)
    if (Math.abs(beyond) < tie) {
      at = writeLatin1(rareFloat32(value), into, at)
      into[at++] = 0x2c
      continue
    }
    const isCoarse = ((beyond * 1e9) | 0) >>> 31
    const finer = (value * (fine[exponent] as number) + 0.5) | 0
    let integer = finer + Math.imul(near - finer, isCoarse)
    let decimals = (places[exponent] as number) - isCoarse
    let tenth = (integer / 10) | 0
    while (tenth * 10 === integer) {
      integer = tenth
      decimals--
      tenth = (integer / 10) | 0
    }
    // Twelve digits, the wanted ones first; what is behind them is overwritten.
    const wide = integer * (widen[decimals] as number)
    const upper = (wide * 1e-8) | 0
    const rest = (wide - upper * 1e8) | 0
    const middle = (rest / 10_000) | 0
    into[at] = 0x30
    into[at + 1] = 0x2e
    view.setUint32(at + 2, digits[upper] as number, true)
    view.setUint32(at + 6, digits[middle] as number, true)
    view.setUint32(at + 10, digits[rest - middle * 10_000] as number, true)
    at += 2 + decimals
    into[at++] = 0x2c
  }
  return count === 0 ? at : at - 1
}

/** The exponent, as the bits have it, of 1; from 2^24 on all are integers. */
const one = 127
/** From here to 1 twelve places are enough: 2^-16. */
const leastCommon = one - 16
/** From here the power of ten is exact as a double, so that one division rounds once. */
const leastExact = one - 48
/** Nearer to the middle between two float32 than this, in units of the last digit, a double cannot tell on which side it is. */
const tie = 1e-6

/** By the exponent's bits: the powers of ten of both grids, half an ulp on the coarse one, the places of the fine one; and by places the twelve digits' scale. */
const tables = makeTables()

function makeTables(): readonly [Float64Array, Float64Array, Float64Array, Uint8Array, Float64Array, Uint32Array] {
  const fine = new Float64Array(256)
  const coarse = new Float64Array(256)
  const reach = new Float64Array(256)
  const places = new Uint8Array(256)
  for (let exponent = leastExact; exponent < one + 24; exponent++) {
    const ulp = 2 ** (exponent - one - 23)
    let k = 0
    while (Number(`1e-${k}`) > ulp) k++
    places[exponent] = k
    fine[exponent] = Number(`1e${k}`)
    coarse[exponent] = Number(`1e${k - 1}`)
    reach[exponent] = (ulp / 2) * Number(`1e${k - 1}`)
  }
  const widen = Float64Array.from({ length: 13 }, (_, decimals) => Number(`1e${12 - decimals}`))
  // In the order in which a store of 32 bits with the lowest byte first lays them down.
  const digits = Uint32Array.from({ length: 10_000 }, (_, i) => {
    const text = String(i).padStart(4, '0')
    return Buffer.from(text, 'latin1').readUInt32LE(0)
  })
  return [fine, coarse, reach, places, widen, digits]
}

let scratch = new Float32Array(4096)
let scratchBits = new Uint32Array(scratch.buffer)

function growScratch(count: number): void {
  scratch = new Float32Array(count * 2)
  scratchBits = new Uint32Array(scratch.buffer)
}

/** Numbers that embeddings rarely hold. */
function writeOther(value: number, exponent: number, place: number, into: Buffer, start: number): number {
  if (exponent === 0xff) {
    throw new ValueRefused(
      shownValue(value),
      'A vector holds finite numbers: repair it in a step, or leave the record out.',
    ).within(`[${place}]`)
  }
  const size = Math.abs(value)
  let at = start
  if (value < 0 || Object.is(value, -0)) into[at++] = 0x2d
  if (exponent < one + 24 && Number.isInteger(size)) {
    at = writeInteger(size, into, at)
    // Not as an integer, which has no such zero in most languages.
    return size === 0 && at > start + 1 ? writeLatin1('.0', into, at) : at
  }
  if (exponent < leastExact || exponent >= one + 24 || Number.isInteger(Math.log2(size))) {
    return writeLatin1(rareFloat32(size), into, at)
  }
  return writeScaled(size, exponent, into, at)
}

/** The search of {@link writeFloat32s} for numbers from 1 on, and for small ones, which are written as an integer with an exponent. */
function writeScaled(size: number, exponent: number, into: Buffer, start: number): number {
  const [fine, coarse, reach, places] = tables
  const scaled = size * (coarse[exponent] as number)
  let integer = (scaled + 0.5) | 0
  const beyond = Math.abs(scaled - integer) - (reach[exponent] as number)
  if (Math.abs(beyond) < tie) return writeLatin1(rareFloat32(size), into, start)
  let decimals = (places[exponent] as number) - 1
  if (beyond > 0) {
    integer = (size * (fine[exponent] as number) + 0.5) | 0
    decimals++
  }
  while (decimals > 0 && integer % 10 === 0) {
    integer /= 10
    decimals--
  }
  if (exponent < one) return writeLatin1(`e-${decimals}`, into, writeInteger(integer, into, start))
  const unit = 10 ** decimals
  const whole = (integer / unit) | 0
  let at = writeInteger(whole, into, start)
  into[at] = 0x2e
  // The one before the fraction keeps its zeros.
  writeInteger(unit + integer - whole * unit, into, at + 1)
  into.copyWithin(at + 1, at + 2, at + 2 + decimals)
  at += 1 + decimals
  return at
}

function writeInteger(value: number, into: Buffer, start: number): number {
  let end = start + 1
  for (let limit = 10; value >= limit; limit *= 10) end++
  let rest = value
  for (let at = end - 1; at >= start; at--) {
    const tenth = Math.floor(rest / 10)
    into[at] = 0x30 + rest - tenth * 10
    rest = tenth
  }
  return end
}
