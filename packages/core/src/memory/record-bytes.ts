/** Nested deeper than this a value is taken for a small one: cyclic values must not hang the estimate. */
const deepest = 16

/** About how many bytes a record holds. An estimate for budgets: cheap, and never below the texts and bytes in it. */
export function recordBytes(record: object): number {
  return objectBytes(record as Record<string, unknown>, 0)
}

function objectBytes(record: Record<string, unknown>, depth: number): number {
  let bytes = 24
  for (const name in record) bytes += 8 + valueBytes(record[name], depth)
  return bytes
}

function valueBytes(value: unknown, depth: number): number {
  if (typeof value === 'string') return 16 + value.length
  if (typeof value !== 'object' || value === null) return 8
  if (ArrayBuffer.isView(value)) return 64 + value.byteLength
  if (depth >= deepest) return 8
  if (!Array.isArray(value)) return objectBytes(value as Record<string, unknown>, depth + 1)
  let bytes = 24
  for (const item of value) bytes += valueBytes(item, depth + 1)
  return bytes
}
