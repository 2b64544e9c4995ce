import type { RecordSchema } from '../contracts/schema.js'
import type { JsonValue, Row } from '../contracts/values.js'
import { RowCodes } from './row-codes.js'

/** Compares rows of two stores as `verify` does, one by one: by what their values mean. */
export interface RowComparison {
  /** One text for the keys that are the same. @throws `KEY_INVALID` if a row has no such field */
  keyOf(row: Row): string
  /** The key's values, as JSON can hold them. */
  keyValues(row: Row): JsonValue[]
  /** Fields of the expected row that are not the same in the other one; what that has besides does not matter. */
  differing(expected: Row, actual: Row): string[]
}

/**
 * Makes a comparison of rows, for who has to know which ones are the same and not only whether all are.
 *
 * @param key The fields that identify a row on both sides.
 * @param schemas What both sides say of their fields, as far as they do: where one of them says so, timestamps are compared as
 *   instants, decimals as numbers, JSON as JSON.
 *
 * @example
 * const comparison = rowComparison(['id'], [])
 * comparison.differing({ id: 1, total: 5 }, { id: 1n, total: 5 }) // []
 */
export function rowComparison(key: readonly string[], schemas: readonly RecordSchema[]): RowComparison {
  const codes = new RowCodes(key, { ignore: [], json: [], schemas, near: new Map() })
  return {
    keyOf: (row) => codes.keyOf(row),
    keyValues: (row) => codes.keyValues(row),
    differing: (expected, actual) =>
      codes.differing(expected, actual).filter((field) => Object.hasOwn(expected, field)),
  }
}
