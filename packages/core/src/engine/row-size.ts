import type { Row } from '../contracts/values.js'

const samples = 8
const objectOverhead = 48

/** About what rows hold in memory: a few of them measured, the rest taken to be alike. */
export function estimateBytes(rows: readonly Row[]): number {
  if (rows.length === 0) return 0
  const step = Math.max(1, Math.floor(rows.length / samples))
  let bytes = 0
  let measured = 0
  for (let i = 0; i < rows.length; i += step) {
    bytes += sizeOf(rows[i], 0)
    measured++
  }
  return Math.ceil((bytes / measured) * rows.length)
}

function sizeOf(value: unknown, depth: number): number {
  switch (typeof value) {
    case 'string':
      return 16 + value.length
    case 'bigint':
      return 24
    case 'object':
      break
    default:
      return 8
  }
  if (value === null) return 8
  if (ArrayBuffer.isView(value)) return objectOverhead + value.byteLength
  if (depth > 6) return objectOverhead
  let bytes = objectOverhead
  if (Array.isArray(value)) {
    for (const item of value) bytes += 8 + sizeOf(item, depth + 1)
    return bytes
  }
  for (const name in value) bytes += 8 + sizeOf((value as Row)[name], depth + 1)
  return bytes
}
