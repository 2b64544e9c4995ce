import { deltaBinaryUnpack } from 'hyparquet/src/delta.js'
import type { Encoding, ParquetType } from 'hyparquet/src/types.js'
import { readBitRuns } from './bit-runs.js'

/** The values of a page as Parquet stores them, nulls left out. */
export type PhysicalValues =
  | { readonly kind: 'boolean'; readonly count: number; readonly values: Uint8Array }
  | { readonly kind: 'int32'; readonly count: number; readonly values: Int32Array }
  /** Lower and upper half of each: numbers are made of them without a bigint. */
  | { readonly kind: 'int64'; readonly count: number; readonly halves: Int32Array }
  | { readonly kind: 'float'; readonly count: number; readonly values: Float32Array | Float64Array }
  | BytesValues

/** Values of some bytes each: `bytes[starts[i], ends[i])`. */
export interface BytesValues {
  readonly kind: 'bytes'
  readonly count: number
  readonly bytes: Buffer
  readonly starts: Int32Array
  readonly ends: Int32Array
}

/** Where encoded values stand. */
export interface Encoded {
  readonly bytes: Buffer
  readonly start: number
  readonly count: number
  readonly type: ParquetType
  /** Bytes of a value of `FIXED_LEN_BYTE_ARRAY`. */
  readonly width: number
}

/** Values that are encoded by themselves, not by places in a dictionary. */
export function readValues(encoding: Encoding | undefined, encoded: Encoded): PhysicalValues {
  switch (encoding) {
    case 'PLAIN':
      return plain(encoded)
    case 'RLE':
      return runsOfBooleans(encoded)
    case 'DELTA_BINARY_PACKED':
      return deltas(encoded)
    case 'DELTA_LENGTH_BYTE_ARRAY':
      return afterLengths(encoded)
    case 'DELTA_BYTE_ARRAY':
      return afterPrefixes(encoded)
    case 'BYTE_STREAM_SPLIT':
      return split(encoded)
    default:
      throw new Error(`its values have an encoding that is not known (${encoding ?? 'a number beyond the list'})`)
  }
}

/** Places in a dictionary of `size` values. */
export function readPlaces({ bytes, start, count }: Encoded, size: number): Int32Array {
  const places = new Int32Array(count)
  if (count === 0) return places
  if (start >= bytes.length) throw new Error('the places in its dictionary are missing')
  readBitRuns(bytes, start + 1, bytes.length, bytes[start] as number, places)
  for (let i = 0; i < count; i++) {
    if ((places[i] as number) >>> 0 >= size) throw new Error('a value refers to a place that its dictionary has not')
  }
  return places
}

function plain(encoded: Encoded): PhysicalValues {
  const { bytes, start, count, type, width } = encoded
  switch (type) {
    case 'BOOLEAN': {
      if (start + Math.ceil(count / 8) > bytes.length) throw tooShort()
      const values = new Uint8Array(count)
      for (let i = 0; i < count; i++) values[i] = ((bytes[start + (i >> 3)] as number) >> (i & 7)) & 1
      return { kind: 'boolean', count, values }
    }
    case 'BYTE_ARRAY':
      return byteArrays(encoded)
    case 'INT96':
      return fixed(bytes, start, count, 12)
    case 'FIXED_LEN_BYTE_ARRAY':
      return fixed(bytes, start, count, width)
    default:
      return numbers(type, aligned(bytes, start, count * sizeOf(type)), count)
  }
}

function numbers(type: ParquetType, buffer: ArrayBuffer, count: number): PhysicalValues {
  switch (type) {
    case 'INT32':
      return { kind: 'int32', count, values: new Int32Array(buffer) }
    case 'INT64':
      return { kind: 'int64', count, halves: new Int32Array(buffer) }
    case 'FLOAT':
      return { kind: 'float', count, values: new Float32Array(buffer) }
    default:
      return { kind: 'float', count, values: new Float64Array(buffer) }
  }
}

function byteArrays({ bytes, start, count }: Encoded): BytesValues {
  // Each has a length of four bytes: no page holds more of them than that.
  if (count * 4 > bytes.length - start) throw tooShort()
  const starts = new Int32Array(count)
  const ends = new Int32Array(count)
  let at = start
  for (let i = 0; i < count; i++) {
    const length = bytes.readUInt32LE(at)
    at += 4
    starts[i] = at
    at += length
    if (at > bytes.length) throw tooShort()
    ends[i] = at
  }
  return { kind: 'bytes', count, bytes, starts, ends }
}

function fixed(bytes: Buffer, start: number, count: number, width: number): BytesValues {
  if (!(width >= 0) || start + count * width > bytes.length) throw tooShort()
  const starts = new Int32Array(count)
  const ends = new Int32Array(count)
  for (let i = 0; i < count; i++) {
    starts[i] = start + i * width
    ends[i] = start + (i + 1) * width
  }
  return { kind: 'bytes', count, bytes, starts, ends }
}

function runsOfBooleans({ bytes, start, count, type }: Encoded): PhysicalValues {
  if (type !== 'BOOLEAN') throw new Error(`runs of ${type}`)
  const values = new Uint8Array(count)
  // The length of what follows comes first.
  readBitRuns(bytes, start + 4, bytes.length, 1, values)
  return { kind: 'boolean', count, values }
}

function deltas({ bytes, start, count, type }: Encoded): PhysicalValues {
  const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), offset: start }
  if (type === 'INT32') {
    const values = new Int32Array(count)
    if (count > 0) deltaBinaryUnpack(reader, count, values)
    return { kind: 'int32', count, values }
  }
  if (type !== 'INT64') throw new Error(`deltas of ${type}`)
  const values = new BigInt64Array(count)
  if (count > 0) deltaBinaryUnpack(reader, count, values)
  return { kind: 'int64', count, halves: new Int32Array(values.buffer) }
}

function afterLengths({ bytes, start, count }: Encoded): BytesValues {
  const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), offset: start }
  const lengths = new Int32Array(count)
  if (count > 0) deltaBinaryUnpack(reader, count, lengths)
  const starts = new Int32Array(count)
  const ends = new Int32Array(count)
  let at = reader.offset
  for (let i = 0; i < count; i++) {
    const length = lengths[i] as number
    if (length < 0 || at + length > bytes.length) throw tooShort()
    starts[i] = at
    at += length
    ends[i] = at
  }
  return { kind: 'bytes', count, bytes, starts, ends }
}

/** A value begins with bytes of the one before it. */
function afterPrefixes(encoded: Encoded): BytesValues {
  const { bytes, start, count } = encoded
  const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), offset: start }
  const prefixes = new Int32Array(count)
  if (count > 0) deltaBinaryUnpack(reader, count, prefixes)
  const suffixes = afterLengths({ ...encoded, start: reader.offset })
  let total = suffixes.count === 0 ? 0 : (suffixes.ends[count - 1] as number) - (suffixes.starts[0] as number)
  for (let i = 0, length = 0; i < count; i++) {
    const prefix = prefixes[i] as number
    if (prefix < 0 || prefix > length) throw new Error('a value begins with more than the one before it has')
    total += prefix
    length = prefix + (suffixes.ends[i] as number) - (suffixes.starts[i] as number)
  }
  if (total > 2 ** 30) throw new Error(`its values take ${total} bytes`)
  const whole = Buffer.allocUnsafeSlow(total)
  const starts = new Int32Array(count)
  const ends = new Int32Array(count)
  let at = 0
  for (let i = 0, before = 0; i < count; i++) {
    starts[i] = at
    at += whole.copy(whole, at, before, before + (prefixes[i] as number))
    at += bytes.copy(whole, at, suffixes.starts[i], suffixes.ends[i])
    ends[i] = at
    before = starts[i] as number
  }
  return { kind: 'bytes', count, bytes: whole, starts, ends }
}

/** All first bytes of the values, then all second ones, and so on. */
function split({ bytes, start, count, type, width }: Encoded): PhysicalValues {
  const isFixed = type === 'FIXED_LEN_BYTE_ARRAY'
  const size = isFixed ? width : sizeOf(type)
  if (start + count * size > bytes.length) throw tooShort()
  const whole = Buffer.alloc(count * size)
  for (let byte = 0, at = start; byte < size; byte++) {
    for (let i = 0; i < count; i++) whole[i * size + byte] = bytes[at++] as number
  }
  return isFixed ? fixed(whole, 0, count, width) : numbers(type, aligned(whole, 0, whole.length), count)
}

function sizeOf(type: ParquetType): number {
  if (type === 'INT32' || type === 'FLOAT') return 4
  if (type === 'INT64' || type === 'DOUBLE') return 8
  throw new Error(`values of ${type} where numbers should be`)
}

/** A copy of its own: numbers are read where their size lets them begin, and a page is not kept for them. */
function aligned(bytes: Buffer, start: number, length: number): ArrayBuffer {
  if (start + length > bytes.length) throw tooShort()
  const copy = new ArrayBuffer(length)
  new Uint8Array(copy).set(bytes.subarray(start, start + length))
  return copy
}

function tooShort(): Error {
  return new Error('a page is shorter than its values')
}
