/** Values within values, at the most: Qdrant reads 128, with those that lie around them in the request. */
const deepest = 100

/** Whether a payload of Qdrant can hold it: not too deep, integers of 64 bits, texts without half of a surrogate pair. */
export function fitsPayload(value: unknown, depth = 0): boolean {
  if (typeof value === 'bigint') return value >= -(2n ** 63n) && value < 2n ** 64n
  if (typeof value === 'string') return !/\p{Surrogate}/u.test(value)
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || value === null) return true
  if (depth === deepest) return false
  return Object.entries(value).every(([name, one]) => fitsPayload(name) && fitsPayload(one, depth + 1))
}
