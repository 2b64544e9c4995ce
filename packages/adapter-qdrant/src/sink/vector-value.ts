import { refuseType, shownValue, ValueRefused } from '@drover/core'
import type { MultiVector, NamedVector, SparseVector } from '../wire/wire-point.js'
import type { VectorSpace } from './vector-space.js'

/** Beyond it a float16 is infinite. */
const mostFloat16 = 65_504

/**
 * A record's value as a vector of this space.
 *
 * @throws ValueRefused
 */
export function vectorFor(space: VectorSpace, value: unknown): NamedVector {
  switch (space.kind) {
    case 'sparse':
      return sparse(value)
    case 'multi':
      return multi(space, value)
    default:
      return dense(space, value)
  }
}

function dense(space: VectorSpace, value: unknown): Float32Array {
  const vector = floatsOf(value, 'a vector: a Float32Array, a list of numbers, or such a list as JSON')
  if (vector.length !== space.size) {
    throw new ValueRefused(
      `a vector of ${vector.length} numbers`,
      `The collection has ${space.size} of them in a vector.`,
    )
  }
  checkNumbers(vector, space)
  return vector
}

function multi(space: VectorSpace, value: unknown): MultiVector {
  const list = parsed(value)
  if (!Array.isArray(list)) refuseType(value, 'several vectors: a list of them')
  if (list.length === 0) throw new ValueRefused('no vector at all', 'Several vectors are at least one.')
  return list.map((one: unknown, i) => {
    try {
      return dense(space, one)
    } catch (error) {
      throw error instanceof ValueRefused ? error.within(`[${i}]`) : error
    }
  })
}

function sparse(value: unknown): SparseVector {
  const given = parsed(value) as { readonly indices?: unknown; readonly values?: unknown } | null
  const { indices, values } = Object(given) as { indices?: unknown; values?: unknown }
  const places = ArrayBuffer.isView(indices) ? Array.from(indices as unknown as ArrayLike<unknown>) : indices
  if (!Array.isArray(places) || values === undefined) refuseType(value, 'a sparse vector: { indices, values }')
  const floats = floatsOf(values, 'a list of numbers as values')
  if (places.length !== floats.length) {
    throw new ValueRefused(
      `${places.length} indices with ${floats.length} values`,
      'There is one value for each index.',
    )
  }
  const seen = new Set<unknown>()
  for (const place of places as unknown[]) {
    if (typeof place !== 'number' || !Number.isInteger(place) || place < 0 || place >= 2 ** 32)
      throw new ValueRefused(`the index ${shownValue(place)}`, 'An index is a whole number below 2^32.')
    if (seen.has(place)) throw new ValueRefused(`the index ${place} twice`, 'Each index stands there once.')
    seen.add(place)
  }
  for (const [i, one] of floats.entries()) {
    if (!Number.isFinite(one)) throw notFinite(one, i)
  }
  return { indices: places as number[], values: floats }
}

/** What is kept of a number has to be the number, as near as the datatype allows: never a silent bound, nor a part cut off. */
function checkNumbers(vector: Float32Array, { datatype }: VectorSpace): void {
  // Whoever writes it looks at each number, and finds those that are not finite.
  if (datatype === 'float32') return
  for (let i = 0; i < vector.length; i++) {
    const value = vector[i] as number
    if (!Number.isFinite(value)) throw notFinite(value, i)
    if (datatype === 'float16' && Math.abs(value) > mostFloat16) {
      throw new ValueRefused(`the number ${value} at place ${i}`, `The collection keeps float16, up to ${mostFloat16}.`)
    }
    if (datatype === 'uint8' && !(value >= 0 && value <= 255 && Number.isInteger(value))) {
      throw new ValueRefused(
        `the number ${value} at place ${i}`,
        'The collection keeps uint8: whole numbers from 0 to 255, and would cut off what others have besides.',
      )
    }
  }
}

function notFinite(value: number, place: number): ValueRefused {
  return new ValueRefused(`${shownValue(value)} at place ${place}`, 'A vector holds finite numbers of 32 bits.')
}

function floatsOf(value: unknown, expected: string): Float32Array {
  if (value instanceof Float32Array) return value
  const list = ArrayBuffer.isView(value) && !(value instanceof DataView) ? value : parsed(value)
  if (Array.isArray(list)) {
    for (const [i, one] of list.entries()) {
      if (typeof one !== 'number' && typeof one !== 'bigint')
        throw new ValueRefused(`${shownValue(one)} at place ${i}`, 'A vector holds numbers.')
    }
    return Float32Array.from(list, Number)
  }
  // Bytes are numbers only to who says so.
  if (list instanceof Float64Array || list instanceof Int8Array || list instanceof Int32Array)
    return Float32Array.from(list)
  return refuseType(value, expected)
}

/** Databases without a type for vectors have them as JSON, and so prints pgvector. */
function parsed(value: unknown): unknown {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}
