import type { JsonValue } from '../contracts/values.js'

/**
 * The values of the key fields as JSON can hold them: a bigint becomes its digits, bytes base64, a `Date` its ISO 8601
 * text. Null if one is missing, null, or nothing that identifies a record.
 */
export function keyValues(record: object, fields: readonly string[]): JsonValue[] | null {
  const values: JsonValue[] = []
  for (const field of fields) {
    const value = keyValue((record as Record<string, unknown>)[field])
    if (value === undefined) return null
    values.push(value)
  }
  return values
}

/** One text per key. Types stay apart (`1` is not `'1'`), a bigint and a number of the same value do not. */
export function keyText(record: object, fields: readonly string[]): string | null {
  let text = ''
  for (const field of fields) {
    const value = (record as Record<string, unknown>)[field]
    const plain = keyValue(value)
    if (plain === undefined) return null
    text += typeof value === 'string' ? JSON.stringify(plain) : typeof value === 'object' ? `(${plain})` : `${plain}`
    text += ','
  }
  return text
}

function keyValue(value: unknown): JsonValue | undefined {
  if (typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Uint8Array)
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? undefined : value.toISOString()
  return undefined
}
