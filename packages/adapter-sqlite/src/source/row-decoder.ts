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
  const setsPrototype = names.includes('__proto__')
  return (row) => {
    const record: Row = {}
    for (let i = 0; i < names.length; i++) {
      let value = row[i]
      if (typeof value === 'bigint') {
        if (isExact[i] !== true && value <= maxSafe && value >= minSafe) value = Number(value)
      } else if (typeof value === 'object' && value !== null) value = plainBytes(value as Uint8Array)
      const name = names[i] as string
      // Assigning to `__proto__` would set the prototype.
      if (setsPrototype && name === '__proto__') define(record, name, value)
      else record[name] = value
    }
    return record
  }
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
