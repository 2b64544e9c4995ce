import type { VectorSettings } from './collection-settings.js'
import { wrongInput } from './refusal.js'
import { isSparse, type SparseValue, type Vectors, type VectorValue } from './vector-value.js'

/** The vectors as they are kept: those under cosine are normalised. @throws Refusal */
export function storedVectors(vectors: Vectors, settings: ReadonlyMap<string, VectorSettings>): Vectors {
  const stored: Vectors = new Map()
  for (const [name, value] of vectors) stored.set(name, storedVector(name, value, settings.get(name)))
  return stored
}

export function storedVector(name: string, value: VectorValue, settings: VectorSettings | undefined): VectorValue {
  if (settings === undefined) throw wrongInput(`Not existing vector name error: ${name}`)
  switch (settings.kind) {
    case 'sparse':
      if (!isSparse(value)) throw wrongInput('Conversion between sparse and regular vectors failed')
      return sorted(value)
    case 'multi':
      if (isSparse(value)) throw wrongInput('Conversion between multi and regular vectors failed')
      return multi(value instanceof Float32Array ? [value] : value, settings)
    default:
      if (isSparse(value)) throw wrongInput('Conversion between sparse and regular vectors failed')
      if (Array.isArray(value)) throw wrongInput('Conversion between multi and regular vectors failed')
      return dense(value, settings)
  }
}

function multi(vectors: readonly Float32Array[], settings: VectorSettings): Float32Array[] {
  return vectors.map((vector) => dense(vector, settings))
}

function dense(vector: Float32Array, { size, distance, datatype }: VectorSettings): Float32Array {
  if (vector.length !== size) {
    throw wrongInput(`Vector dimension error: expected dim: ${size}, got ${vector.length}`)
  }
  const stored = distance === 'Cosine' ? normalised(vector) : vector
  if (datatype === 'uint8') return stored.map((value) => Math.min(255, Math.max(0, Math.trunc(value))))
  return datatype === 'float16' ? stored.map(float16) : stored
}

/**
 * As `cosine_preprocess` of the real one: a vector that is next to zero, or next to unit length, stays as it is. That one adds up
 * in float32 and with SIMD, so the last bit may differ.
 */
export function normalised(vector: Float32Array): Float32Array {
  let sum = 0
  for (let i = 0; i < vector.length; i++) sum += (vector[i] ?? 0) ** 2
  if (sum < 1.1920929e-7 || Math.abs(sum - 1) <= 1e-6) return vector
  const length = Math.fround(Math.sqrt(sum))
  return vector.map((value) => value / length)
}

function sorted({ indices, values }: SparseValue): SparseValue {
  const order = [...indices.keys()].sort((a, b) => (indices[a] ?? 0) - (indices[b] ?? 0))
  const stored = { indices: new Uint32Array(order.length), values: new Float32Array(order.length) }
  order.forEach((from, to) => {
    stored.indices[to] = indices[from] ?? 0
    stored.values[to] = values[from] ?? 0
  })
  return stored
}

/** Rounded to the nearest number of 16 bits, ties to even. */
function float16(value: number): number {
  const size = Math.abs(value)
  if (size >= 65_520 || Number.isNaN(value)) return value * Number.POSITIVE_INFINITY
  const exponent = size < 2 ** -14 ? -14 : Math.floor(Math.log2(size))
  const unit = 2 ** (exponent - 10)
  const scaled = size / unit
  const low = Math.floor(scaled)
  const rounded = scaled - low > 0.5 || (scaled - low === 0.5 && low % 2 === 1) ? low + 1 : low
  return Math.sign(value) * rounded * unit
}
