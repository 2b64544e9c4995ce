import type { SqliteValue } from '@drover/adapter-sqlite'
import { DroverError } from '@drover/core'

/**
 * A value as SQLite stores it, with what knex's drivers do with what SQLite has none of: a boolean is 0 or 1, a Date is its milliseconds. An
 * integral number is an INTEGER: the adapter's own rule, by which a number is a REAL, is for rows that were read exactly.
 */
export function sqliteValue(value: unknown): SqliteValue {
  if (value === undefined || value === null) return null
  if (typeof value === 'boolean') return value ? 1n : 0n
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value
  if (typeof value === 'bigint' || typeof value === 'string') return value
  if (value instanceof Date) return BigInt(value.valueOf())
  if (value instanceof Uint8Array) return value
  if (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype) return JSON.stringify(value)
  throw new DroverError('OPTION_INVALID', `SQLite has no value for a ${typeof value} (${value?.constructor?.name}).`)
}
