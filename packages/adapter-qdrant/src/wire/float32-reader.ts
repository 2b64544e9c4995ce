import { closeList, comma, NoJson, openList, pass, skipSpace } from './json-bytes.js'

/**
 * Reads a list of numbers as float32, each as the float32 that is nearest to what stands there.
 *
 * Up to nine digits of which twelve at the most are decimals: the quotient of two integers that doubles hold exactly, rounded to a double and then to
 * a float32. Rounding twice is wrong only where a double lies in the middle of two float32 and the decimal does not, though it is so near; then
 * D · 2^s and M · 10^k, of D digits, k decimals and a middle M / 2^s of 25 bits, would differ by less than 2^-29 · 10^k, but they are whole and
 * share a power of two that is larger. All others are read one by one.
 */
export function readFloat32s(bytes: Buffer, view: DataView, start: number): Float32Array {
  let out = scratch
  const powers = powersOfTen
  let count = 0
  let at = skipSpace(bytes, pass(bytes, start, openList))
  if (bytes[at] === closeList) return new Float32Array(0)
  for (;;) {
    if (count === out.length) out = growScratch()
    const begin = at
    let byte = bytes[at] as number
    const isNegative = byte === 0x2d
    if (isNegative) byte = bytes[++at] as number
    const first = at
    if (!isDigit(byte)) throw new NoJson('number', begin)
    let digits = byte - 0x30
    byte = bytes[++at] as number
    while (isDigit(byte)) {
      digits = (Math.imul(digits, 10) + byte - 0x30) | 0
      byte = bytes[++at] as number
    }
    let decimals = 0
    if (byte === 0x2e) {
      const dot = at++
      let four = view.getInt32(at, true)
      while (areDigits(four)) {
        digits = (Math.imul(digits, 10_000) + fourDigits(four)) | 0
        at += 4
        four = view.getInt32(at, true)
      }
      // Up to three more, as if zeros stood in front of them: how many differs from number to number, and no processor foresees it.
      const others = ((four & highHalves) ^ zeros) | (((four + 0x06060606) & highHalves) ^ zeros)
      const more = (31 - Math.clz32(others & -others)) >> 3
      const shifted = (four << (24 - more * 8)) << 8
      digits = (Math.imul(digits, tens[more] as number) + fourDigits(shifted)) | 0
      at += more
      byte = bytes[at] as number
      decimals = at - dot - 1
    }
    // Nine digits, or 0 and as many behind the dot.
    if (at - first > 9 && !(decimals <= 9 && at - first === decimals + 2 && bytes[first] === 0x30)) {
      if (!isShort(bytes, first, at, decimals)) byte = 0
    }
    if (byte === comma || byte === closeList) {
      if (decimals === 0 && bytes[at - 1] === 0x2e) throw new NoJson('number', begin)
      const value = digits / (powers[decimals] as number)
      out[count++] = isNegative ? -value : value
    } else {
      const end = endOfNumber(bytes, begin)
      out[count++] = exactFloat32(bytes.toString('latin1', begin, end), begin)
      at = skipSpace(bytes, end)
      byte = bytes[at] as number
    }
    if (byte === closeList) return out.slice(0, count)
    at = pass(bytes, at, comma)
    if (bytes[at] === 0x20) at = skipSpace(bytes, at)
  }
}

const powersOfTen = Float64Array.from({ length: 13 }, (_, i) => Number(`1e${i}`))

/** Whether four bytes are digits, whichever stands first: 0x30 to 0x39, so that six more stay below 0x40. */
function areDigits(four: number): boolean {
  return (four & highHalves) === zeros && ((four + 0x06060606) & highHalves) === zeros
}

const tens = Int32Array.of(1, 10, 100, 1000)
const highHalves = 0xf0f0f0f0 | 0
const zeros = 0x30303030

/** The number that four digits make, the first one in the lowest byte: pairs of digits first, then the pair of pairs. */
function fourDigits(four: number): number {
  const pairs = (Math.imul(four & 0x0f0f0f0f, 10 * 256 + 1) >>> 8) & 0x00ff00ff
  return Math.imul(pairs, 100 * 65_536 + 1) >>> 16
}

let scratch = new Float32Array(4096)

function growScratch(): Float32Array<ArrayBuffer> {
  const larger = new Float32Array(scratch.length * 2)
  larger.set(scratch)
  scratch = larger
  return larger
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}

/** Whether a number of ten bytes or more has nine digits at the most that count, and twelve decimals. */
function isShort(bytes: Buffer, first: number, end: number, decimals: number): boolean {
  if (end - first === 10) return decimals > 0
  if (bytes[first] !== 0x30 || end - first !== decimals + 2 || decimals > 12) return false
  for (let at = end - decimals; at < end - 9; at++) if (bytes[at] !== 0x30) return false
  return true
}

function endOfNumber(bytes: Buffer, start: number): number {
  let at = start
  for (;;) {
    const byte = bytes[at] as number
    // Digits, and + - . E e
    if (!isDigit(byte) && byte !== 0x2b && byte !== 0x2d && byte !== 0x2e && (byte | 0x20) !== 0x65) return at
    at++
  }
}

const number = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/

/** The float32 that is nearest to a decimal of any length; of two that are, the even one. */
export function exactFloat32(text: string, at = 0): number {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = number.exec(text) ?? []
  if (whole === '') throw new NoJson('number', at)
  const double = Math.abs(Number(text))
  let value = Math.fround(double)
  if (isMiddle(double) && Math.abs(Number(exponent)) < 400) {
    const side = compareDecimal(whole + fraction, Number(exponent) - fraction.length, double)
    value = Math.fround(double * (1 + side * Number.EPSILON))
  }
  return sign === '-' ? -value : value
}

/** Between two float32. */
function isMiddle(double: number): boolean {
  if (double < 2 ** -126) return (double * 2 ** 150) % 2 === 1
  doubles[0] = double
  return ((words[0] as number) & 0x1fffffff) === 0x10000000
}

const doubles = new Float64Array(1)
/** The lower half first. */
const words = new Uint32Array(doubles.buffer)

/** Whether a decimal is less than a double (-1), or greater (1): by whole numbers. */
function compareDecimal(digits: string, exponent: number, double: number): number {
  let left = BigInt(digits)
  let right = 1n
  if (exponent >= 0) left *= 10n ** BigInt(exponent)
  else right = 10n ** BigInt(-exponent)
  // The middle of two float32 is a whole number of 2^-150.
  right *= BigInt(double * 2 ** 150)
  left *= 2n ** 150n
  return left < right ? -1 : left > right ? 1 : 0
}
