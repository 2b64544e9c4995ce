import { readVarInt } from 'hyparquet/src/thrift.js'

/**
 * Reads runs of repeated and of bit-packed numbers (the "RLE/bit-packing hybrid" of Parquet) from `bytes[start, end)` until `out` is full.
 * No count of the file's is trusted: a run that is longer than what is wanted is cut.
 */
export function readBitRuns(
  bytes: Uint8Array,
  start: number,
  end: number,
  width: number,
  out: Uint8Array | Int32Array,
): void {
  if (width > 32) throw new Error(`numbers of ${width} bits`)
  const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, end), offset: start }
  let seen = 0
  while (seen < out.length) {
    const header = readVarInt(reader)
    if ((header & 1) === 1) {
      const count = Math.min((header >>> 1) * 8, out.length - seen)
      unpack(bytes, reader.offset, end, width, out, seen, count)
      reader.offset += (header >>> 1) * width
      seen += count
    } else {
      const count = Math.min(header >>> 1, out.length - seen)
      if (count === 0) throw new Error('a run of nothing')
      out.fill(wholeBytes(reader, width), seen, seen + count)
      seen += count
    }
  }
}

function wholeBytes(reader: { readonly view: DataView; offset: number }, width: number): number {
  let value = 0
  for (let shift = 0; shift < width; shift += 8) value |= reader.view.getUint8(reader.offset++) << shift
  return value
}

function unpack(
  bytes: Uint8Array,
  start: number,
  end: number,
  width: number,
  out: Uint8Array | Int32Array,
  first: number,
  count: number,
): void {
  // The last group of eight may be cut where nothing of it is wanted any more.
  if (start + Math.ceil((count * width) / 8) > end) throw new Error('packed numbers end too soon')
  let at = start
  let held = 0
  let left = 0
  if (width <= 24) {
    const mask = (1 << width) - 1
    for (let i = 0; i < count; i++) {
      while (left < width) {
        held |= (bytes[at++] as number) << left
        left += 8
      }
      out[first + i] = held & mask
      held >>>= width
      left -= width
    }
    return
  }
  const size = 2 ** width
  for (let i = 0; i < count; i++) {
    while (left < width) {
      held += (bytes[at++] as number) * 2 ** left
      left += 8
    }
    out[first + i] = held % size
    held = Math.floor(held / size)
    left -= width
  }
}
