import { DroverError, type JsonValue } from '@drover/core'
import type { SqliteValue } from '../connection/sqlite-connection.js'
import type { Sql } from './sql.js'

/** A text whose bytes are no UTF-8, kept as they stand in the database. */
export class InvalidText {
  constructor(readonly bytes: Uint8Array) {}
}

/** What a key column holds. */
export type KeyValue = Exclude<SqliteValue, null> | InvalidText

/** A key as cursors and bounds keep it: exact, whatever SQLite's type. */
export function storedKey(key: readonly KeyValue[]): JsonValue {
  return key.map((value): JsonValue => {
    if (value instanceof InvalidText) return { text: base64(value.bytes) }
    if (value instanceof Uint8Array) return { bytes: base64(value) }
    if (typeof value === 'bigint') return isSafe(value) ? Number(value) : { int: value.toString() }
    return typeof value === 'number' && !Number.isFinite(value) ? { real: String(value) } : value
  })
}

/**
 * The other way round, as SQL.
 *
 * @throws `STATE_INVALID` if it is no key of that many columns.
 */
export function boundKey(stored: JsonValue, columns: number): readonly Sql[] {
  if (!Array.isArray(stored) || stored.length !== columns) {
    throw new DroverError(
      'STATE_INVALID',
      `A stored cursor or bound of an SQLite source is not a key of ${columns} columns: ${JSON.stringify(stored)?.slice(0, 100)}. Start the run anew.`,
    )
  }
  return stored.map(boundValue)
}

/** A key as dead letters and ids have it: a large integer as its digits, bytes as base64. */
export function recordKeyOf(key: readonly KeyValue[]): readonly JsonValue[] {
  return key.map((value) => {
    if (value instanceof InvalidText) return base64(value.bytes)
    if (value instanceof Uint8Array) return base64(value)
    if (typeof value === 'bigint') return isSafe(value) ? Number(value) : value.toString()
    return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value
  })
}

/** A key as an error message shows it. */
export function shownKey(key: readonly KeyValue[]): string {
  return recordKeyOf(key)
    .map((value) => JSON.stringify(value))
    .join(', ')
}

function boundValue(stored: JsonValue): Sql {
  if (typeof stored === 'string') return { sql: '?', values: [stored] }
  if (typeof stored === 'number') {
    return { sql: '?', values: [Number.isSafeInteger(stored) ? BigInt(stored) : stored] }
  }
  const { int, real, bytes, text } = (stored ?? {}) as { readonly [name: string]: JsonValue }
  if (typeof int === 'string') return { sql: '?', values: [BigInt(int)] }
  if (typeof real === 'string') return { sql: '?', values: [Number(real)] }
  if (typeof bytes === 'string') return { sql: '?', values: [Buffer.from(bytes, 'base64')] }
  if (typeof text === 'string') return { sql: '+CAST(? AS TEXT)', values: [Buffer.from(text, 'base64')] }
  throw new DroverError('STATE_INVALID', 'A stored cursor or bound of an SQLite source is damaged. Start the run anew.')
}

function isSafe(value: bigint): boolean {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) && value >= BigInt(Number.MIN_SAFE_INTEGER)
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}
