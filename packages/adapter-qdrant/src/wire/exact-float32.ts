import { NoJson } from './json-bytes.js'

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
