import { invalidBody } from './refusal.js'
import { isSparse, type Vectors, type VectorValue } from './vector-value.js'

/** What the real server checks of a request before it takes it, whatever the collection is. @throws Refusal */
export function checkedVectors(vectors: Vectors): void {
  for (const value of vectors.values()) checkedVector(value)
}

function checkedVector(value: VectorValue): void {
  if (isSparse(value)) {
    if (value.indices.length !== value.values.length) throw invalidBody('values: must be the same length as indices')
    if (new Set(value.indices).size !== value.indices.length) throw invalidBody('indices: must be unique')
  } else if (Array.isArray(value)) {
    if (value.length === 0) throw invalidBody('data: multi vector must not be empty')
    if (value.some((inner) => inner.length === 0)) throw invalidBody('data: all vectors must be non-empty')
  }
}
