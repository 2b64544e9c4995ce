import { refuseType, shownValue, ValueRefused } from '@drover/core'
import type { Codec } from '../codec.js'
import type { WireBuffer } from '../wire-buffer.js'
import { type ArrayParts, arrayLiteral, parseArrayLiteral } from './array-literal.js'
import { readInt32 } from './integer-codecs.js'

export interface ElementCodec {
  readonly codec: Codec
  /** Reads an element from the text of an array. */
  readonly textCodec: Codec
  /** Stands in front of the elements on the wire. */
  readonly oid: number
  /** An element may be an array itself, as JSON may: then only the first level is the array's. */
  readonly mayBeArray: boolean
}

/**
 * Nested arrays with nulls. What JavaScript's arrays cannot say is Postgres' text: bounds other than 1, several dimensions of
 * JSON. Written are such texts too, and typed arrays.
 */
export function arrayCodec(element: ElementCodec): Codec {
  const { problem } = element.codec
  return {
    decode: (bytes, at) => decodeArray(bytes, at, element),
    encode: (value, out) => encodeArray(value, out, element),
    text: (value) => arrayLiteral(textParts(value, element)),
    ...(problem === undefined
      ? {}
      : {
          problem(bytes: Buffer, at: number) {
            for (const { start, length } of placesOf(bytes, at, readDimensions(bytes, at))) {
              const found = length < 0 ? undefined : problem(bytes, start, length)
              if (found !== undefined) return found
            }
            return undefined
          },
        }),
  }
}

/** MAXDIM (src/include/utils/array.h) */
const mostDimensions = 6

interface Dimensions {
  readonly lengths: readonly number[]
  readonly lowerBounds: readonly number[]
}

function readDimensions(bytes: Buffer, at: number): Dimensions {
  const count = readInt32(bytes, at)
  const read = (offset: number): number[] =>
    Array.from({ length: count }, (_, i) => readInt32(bytes, at + 12 + i * 8 + offset))
  return { lengths: read(0), lowerBounds: read(4) }
}

interface Place {
  readonly start: number
  /** -1 for NULL. */
  readonly length: number
}

function* placesOf(bytes: Buffer, at: number, { lengths }: Dimensions): Iterable<Place> {
  let start = at + 12 + lengths.length * 8
  for (let left = elementsIn(lengths); left > 0; left--) {
    const length = readInt32(bytes, start)
    start += 4
    yield { start, length }
    if (length > 0) start += length
  }
}

function elementsIn(lengths: readonly number[]): number {
  return lengths.length === 0 ? 0 : lengths.reduce((all, length) => all * length, 1)
}

function decodeArray(bytes: Buffer, at: number, { codec, textCodec, mayBeArray }: ElementCodec): unknown {
  const count = readInt32(bytes, at)
  if (count === 0) return []
  if (count === 1 && readInt32(bytes, at + 16) === 1)
    return decodeFlat(bytes, at + 20, readInt32(bytes, at + 12), codec)
  const dimensions = readDimensions(bytes, at)
  const { lengths, lowerBounds } = dimensions
  if ((mayBeArray && count > 1) || lowerBounds.some((bound) => bound !== 1)) {
    const elements: (string | null)[] = []
    for (const { start, length } of placesOf(bytes, at, dimensions)) {
      elements.push(length < 0 ? null : textCodec.text(textCodec.decode(bytes, start, length)))
    }
    return arrayLiteral({ elements, lengths, lowerBounds })
  }
  let level = decodeFlat(bytes, at + 12 + count * 8, elementsIn(lengths), codec)
  for (let i = count - 1; i > 0; i--) level = inGroups(level, lengths[i] as number)
  return level
}

function decodeFlat(bytes: Buffer, first: number, count: number, codec: Codec): unknown[] {
  const values: unknown[] = []
  let at = first
  for (let i = 0; i < count; i++) {
    const length = readInt32(bytes, at)
    at += 4
    values.push(length < 0 ? null : codec.decode(bytes, at, length))
    if (length > 0) at += length
  }
  return values
}

function inGroups(values: readonly unknown[], size: number): unknown[] {
  const groups: unknown[] = []
  for (let i = 0; i < values.length; i += size) groups.push(values.slice(i, i + size))
  return groups
}

function encodeArray(value: unknown, out: WireBuffer, element: ElementCodec): void {
  const isText = typeof value === 'string'
  const parts: Parts = isText ? parseArrayLiteral(value) : partsOf(value, element.mayBeArray)
  const codec = isText ? element.textCodec : element.codec
  const { elements, lengths, lowerBounds } = parts
  out.reserve(12 + lengths.length * 8 + elements.length * 4)
  out.int32(lengths.length)
  out.int32(elements.some((one) => one === null || one === undefined) ? 1 : 0)
  out.int32(element.oid)
  for (let i = 0; i < lengths.length; i++) {
    out.int32(lengths[i] as number)
    out.int32(lowerBounds[i] as number)
  }
  for (const one of elements) {
    out.reserve(4)
    if (one === null || one === undefined) {
      out.int32(-1)
      continue
    }
    const start = out.at
    out.at += 4
    codec.encode(one, out)
    out.setInt32(start, out.at - start - 4)
  }
}

interface Parts extends Dimensions {
  readonly elements: readonly unknown[]
}

function textParts(value: unknown, { codec, textCodec, mayBeArray }: ElementCodec): ArrayParts {
  const isText = typeof value === 'string'
  const parts: Parts = isText ? parseArrayLiteral(value) : partsOf(value, mayBeArray)
  const toText = isText ? textCodec : codec
  return {
    ...parts,
    elements: parts.elements.map((one) => (one === null || one === undefined ? null : toText.text(one))),
  }
}

function partsOf(value: unknown, mayBeArray: boolean): Parts {
  if (ArrayBuffer.isView(value) && !(value instanceof Uint8Array) && !(value instanceof DataView)) {
    return flat(Array.from(value as unknown as ArrayLike<unknown>))
  }
  if (!Array.isArray(value)) return refuseType(value, 'an array')
  if (mayBeArray || !value.some(Array.isArray)) return flat(value)
  const counts: number[] = [value.length]
  let level: readonly unknown[] = value
  for (let first = level.find(Array.isArray); first !== undefined; first = level.find(Array.isArray)) {
    level = inner(value, level, first.length)
    counts.push(level.length)
  }
  return sized(value, level, counts)
}

/** What the parts of one level hold, all of which must be arrays of that size. */
function inner(value: unknown, level: readonly unknown[], size: number): readonly unknown[] {
  if (size === 0) {
    throw new ValueRefused(
      `${shownValue(value)} of empty arrays`,
      'Postgres would make one empty array of it: keep it as JSON.',
    )
  }
  const next: unknown[] = []
  for (const one of level) {
    if (!Array.isArray(one) || one.length !== size) {
      throw new ValueRefused(
        `${shownValue(value)} whose parts differ in length`,
        'Postgres has rectangular arrays only: keep it as JSON.',
      )
    }
    for (const element of one) next.push(element)
  }
  return next
}

function flat(elements: readonly unknown[]): Parts {
  return elements.length === 0
    ? { elements, lengths: [], lowerBounds: [] }
    : { elements, lengths: [elements.length], lowerBounds: [1] }
}

/** From how many parts there are in all at each level to the length of each dimension. */
function sized(value: readonly unknown[], elements: readonly unknown[], counts: readonly number[]): Parts {
  if (counts.length > mostDimensions) {
    throw new ValueRefused(
      `${shownValue(value)} in ${counts.length} dimensions`,
      `Postgres has at most ${mostDimensions}: keep it as JSON.`,
    )
  }
  const lengths = counts.map((count, i) => (i === 0 ? count : count / (counts[i - 1] as number)))
  return { elements, lengths, lowerBounds: lengths.map(() => 1) }
}
