import { shownValue, ValueRefused } from '@drover/core'
import type { MultiVector, NamedVector, SparseVector } from './wire-point.js'

export function isMulti(vector: NamedVector): vector is MultiVector {
  return Array.isArray(vector)
}

export function isSparse(vector: unknown): vector is SparseVector {
  return typeof vector === 'object' && vector !== null && 'indices' in vector && 'values' in vector
}

/** @throws ValueRefused for what makes the server refuse the whole request */
export function checkSparse(indices: readonly number[], values: Float32Array): void {
  if (!Array.isArray(indices))
    throw new ValueRefused(shownValue(indices), 'Indices are a list of numbers.').within('.indices')
  if (!(values instanceof Float32Array)) {
    throw new ValueRefused(shownValue(values), 'Values of a sparse vector are a Float32Array.').within('.values')
  }
  if (indices.length !== values.length) {
    throw new ValueRefused(
      `${indices.length} indices with ${values.length} values`,
      'A sparse vector has one value for each index.',
    )
  }
  let isAscending = true
  let last = -1
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i] as number
    if (!Number.isInteger(index) || index < 0 || index > 0xffffffff) {
      throw new ValueRefused(shownValue(index), 'An index is a whole number from 0 to 2^32-1.').within(`.indices[${i}]`)
    }
    if (index <= last) isAscending = false
    last = index
  }
  if (!isAscending) refuseTwice(indices)
}

function refuseTwice(indices: readonly number[]): void {
  const seen = new Set<number>()
  for (const [i, index] of indices.entries()) {
    if (seen.has(index)) {
      throw new ValueRefused(`the index ${index} a second time`, 'A sparse vector has each index once.').within(
        `.indices[${i}]`,
      )
    }
    seen.add(index)
  }
}
