import type { WireBuffer } from '../wire/wire-buffer.js'
import type { ArrayElement } from './bound-column.js'

/** Of the header: dimensions, whether there are nulls, the type of the elements, how many, the lower bound. */
const headerBytes = 20

/**
 * Values as one array parameter in binary form, as array_recv reads it (src/backend/utils/adt/arrayfuncs.c).
 *
 * @param refused Makes the error of a value that its codec would not take.
 */
export function binaryArray(
  { oid, codec, isText }: ArrayElement,
  values: readonly unknown[],
  out: WireBuffer,
  refused: (error: unknown, at: number) => unknown,
): Buffer {
  out.at = 0
  out.reserve(headerBytes)
  out.int32(1)
  out.int32(values.includes(null) || values.includes(undefined) ? 1 : 0)
  out.int32(oid)
  out.int32(values.length)
  out.int32(1)
  let at = 0
  try {
    for (; at < values.length; at++) {
      const value = values[at]
      out.reserve(4)
      const slot = out.at
      out.int32(-1)
      if (value === null || value === undefined) continue
      if (isText) out.text(codec.text(value))
      else codec.encode(value, out)
      out.setInt32(slot, out.at - slot - 4)
    }
  } catch (error) {
    throw refused(error, at)
  }
  return Buffer.from(out.bytes.subarray(0, out.at))
}
