import { refuseType, shownValue, ValueRefused } from '@drover/core'
import type { Codec } from '../codec.js'
import type { WireBuffer } from '../wire-buffer.js'

/** pgvector's `vector`: `Float32Array`. Written are also arrays of numbers, and its text: `[1,2.5]`. */
export const vectorCodec: Codec = {
  decode(bytes, at) {
    const dimensions = bytes.readUInt16BE(at)
    const copy = new Uint8Array(bytes.subarray(at + 4, at + 4 + dimensions * 4))
    if (isLittleEndian) Buffer.from(copy.buffer).swap32()
    return new Float32Array(copy.buffer)
  },
  encode(value, out) {
    const floats = floatsOf(value)
    out.reserve(4 + floats.byteLength)
    out.int16(floats.length)
    out.int16(0)
    writeFloats(floats, out)
  },
  text: (value) => `[${floatsOf(value).join(',')}]`,
}

const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1
/** VECTOR_MAX_DIM (pgvector, src/vector.h) */
const mostDimensions = 16_000

function writeFloats(floats: Float32Array, out: WireBuffer): void {
  const start = out.at
  out.copy(new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength))
  if (isLittleEndian) out.bytes.subarray(start, out.at).swap32()
}

function floatsOf(value: unknown): Float32Array {
  const floats = value instanceof Float32Array ? value : fromNumbers(value)
  if (floats.length === 0 || floats.length > mostDimensions) {
    throw new ValueRefused(`a vector of ${floats.length} dimensions`, `Vectors have 1 to ${mostDimensions}.`)
  }
  const odd = floats.find((float) => !Number.isFinite(float))
  if (odd === undefined) return floats
  throw new ValueRefused(`a vector that holds ${odd}`, 'Vectors hold finite float32 values only.')
}

function fromNumbers(value: unknown): Float32Array {
  const numbers: unknown =
    typeof value === 'string' && /^\s*\[[-+\d.eE,\s]*\]\s*$/.test(value)
      ? value.trim().slice(1, -1).split(',').map(Number)
      : value
  if (numbers instanceof Float64Array) return Float32Array.from(numbers)
  if (Array.isArray(numbers) && numbers.every((one) => typeof one === 'number')) return Float32Array.from(numbers)
  if (Array.isArray(numbers))
    throw new ValueRefused(`${shownValue(value)} that are not all numbers`, 'Vectors hold numbers.')
  return refuseType(value, 'a Float32Array or an array of numbers')
}
