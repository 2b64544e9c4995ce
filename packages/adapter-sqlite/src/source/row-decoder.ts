import type { Row } from '@drover/core'
import type { SqliteIntegers } from '../connection/sqlite-connection.js'
import type { ReadColumn } from './relation.js'

/** A row as a reader leaves it, by place of the column. INTEGER may be number or bigint. */
export type RawRow = readonly unknown[]

/**
 * Makes records of rows: INTEGER is `number` while it is safe and else `bigint`; always `bigint` in a column without affinity,
 * where 1 and 1.0 are two values, or if the user asked for it.
 */
export function rowDecoder(columns: readonly ReadColumn[], integers: SqliteIntegers): (row: RawRow) => Row {
  const names = columns.map(({ name }) => name)
  const isExact = columns.map(({ isAny }) => isAny || integers === 'bigint')
  try {
    return generated(names, isExact)
  } catch (error) {
    if (error instanceof EvalError) return loop(names, isExact)
    throw error
  }
}

/**
 * Code made for the columns gives all records one shape, at a fifth of the time. `node --disallow-code-generation-from-strings` refuses
 * it. Names are quoted as JSON, which JavaScript reads; computed, `__proto__` is a name like any other.
 */
function generated(names: readonly string[], isExact: readonly boolean[]): (row: RawRow) => Row {
  const fields = names.map((name, i) => `[${JSON.stringify(name)}]: ${isExact[i] ? 'exact' : 'safe'}(row[${i}])`)
  const make = new Function('safe', 'exact', `'use strict'; return (row) => ({ ${fields.join(', ')} })`) as (
    safe: typeof safeValue,
    exact: typeof exactValue,
  ) => (row: RawRow) => Row
  return make(safeValue, exactValue)
}

/** Exported for its test. */
export function loop(names: readonly string[], isExact: readonly boolean[]): (row: RawRow) => Row {
  return (row) => {
    const record: Row = {}
    for (const [i, name] of names.entries()) {
      const value = isExact[i] ? exactValue(row[i]) : safeValue(row[i])
      // Assigning to `__proto__` would set the prototype.
      if (name === '__proto__') define(record, name, value)
      else record[name] = value
    }
    return record
  }
}

function safeValue(value: unknown): unknown {
  if (typeof value === 'bigint') return value <= maxSafe && value >= minSafe ? Number(value) : value
  return exactValue(value)
}

function exactValue(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? plainBytes(value as Uint8Array) : value
}

const maxSafe = BigInt(Number.MAX_SAFE_INTEGER)
const minSafe = BigInt(Number.MIN_SAFE_INTEGER)

/** Drivers give a `Buffer`, which is equal to no `Uint8Array` and prints as something else. */
function plainBytes(bytes: Uint8Array): Uint8Array {
  return Buffer.isBuffer(bytes) ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength) : bytes
}

function define(record: Row, name: string, value: unknown): void {
  Object.defineProperty(record, name, { value, configurable: true, enumerable: true, writable: true })
}
