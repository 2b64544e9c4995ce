import type { JsonValue } from '@drover/core'

/** A value of a key as ids and dead letters have it: a large integer as its digits, bytes as base64. */
export function keyJson(value: unknown): JsonValue {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number':
      return Number.isFinite(value) ? value : String(value)
    case 'bigint':
      return value.toString()
    default:
      return value === null || value === undefined ? null : keyObject(value)
  }
}

function keyObject(value: object): JsonValue {
  if (value instanceof Uint8Array)
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')
  if (Array.isArray(value)) return value.map(keyJson)
  if (value instanceof Float32Array) return Array.from(value, keyJson)
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype) return null
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, keyJson(field)]))
}
