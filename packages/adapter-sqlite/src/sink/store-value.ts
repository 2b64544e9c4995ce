import { DroverError, encodeJson } from '@drover/core'
import type { SqliteValue } from '../connection/sqlite-connection.js'
import type { Column } from '../schema/table.js'

/**
 * A value of a record as it is stored in a column.
 *
 * - `boolean`: 1 or 0; `true` or `false` in a text of JSON. `Date`: ISO 8601. Objects, arrays, vectors: JSON text.
 * - `bigint` is INTEGER, `number` is REAL; a column with a numeric affinity makes an INTEGER of an integral REAL itself.
 * - `number` in a column with TEXT affinity: the shortest digits; SQLite would write 15 of them, and `5.0`.
 *
 * @throws `RECORD_REFUSED` for what SQLite would change without a word.
 */
export function storeValue(value: unknown, column: Column): SqliteValue {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed() ? value : refuse(column, 'a text with half a surrogate pair; SQLite keeps UTF-8')
    case 'number':
      if (column.affinity === 'TEXT') return textOf(value, column)
      return Number.isNaN(value) ? refuse(column, 'NaN; SQLite has none and would make NULL of it') : value
    case 'bigint':
      return integer(value, column)
    case 'boolean':
      return column.type.kind === 'json' ? String(value) : value ? 1n : 0n
    case 'object':
      return value === null ? null : storeObject(value, column)
    default:
      return refuse(column, `a ${typeof value}`)
  }
}

function integer(value: bigint, column: Column): bigint {
  if (BigInt.asIntN(64, value) !== value) return refuse(column, `${value}; SQLite holds integers of 64 bits`)
  if (column.affinity === 'REAL' && BigInt(Number(value)) !== value) {
    return refuse(column, `${value}; the column is REAL and would round it`)
  }
  return value
}

function textOf(value: number, column: Column): string {
  if (Number.isNaN(value)) return refuse(column, 'NaN')
  return Object.is(value, -0) ? '-0' : String(value)
}

function storeObject(value: object, column: Column): SqliteValue {
  if (value instanceof Uint8Array) return value
  if (value instanceof Date) {
    return Number.isNaN(value.getTime()) ? refuse(column, 'a Date that is none') : value.toISOString()
  }
  if (value instanceof ArrayBuffer) return new Uint8Array(value)
  const text = encodeJson(value)
  return text.isWellFormed() ? text : refuse(column, 'a text with half a surrogate pair; SQLite keeps UTF-8')
}

function refuse(column: Column, what: string): never {
  throw new DroverError('RECORD_REFUSED', `the field "${column.name}" is ${what}`)
}
