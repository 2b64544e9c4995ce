import type { Row } from '@drover/core'
import { binaryArray } from '../backfill/binary-array.js'
import type { BoundColumn } from '../backfill/bound-column.js'
import { quoteText } from '../connection/quote-name.js'
import { WireBuffer } from '../wire/wire-buffer.js'

/** The keys of rows as parameters, an array for each column. */
export function keyArrays(key: readonly BoundColumn[], rows: readonly Row[]): Buffer[] {
  const out = new WireBuffer(16 * 1024)
  return key.map(({ name, element }) =>
    binaryArray(
      element,
      rows.map((row) => row[name]),
      out,
      (error) => error,
    ),
  )
}

/** The same as literals behind FROM, because COPY takes no parameters. */
export function keyLiterals(key: readonly BoundColumn[], rows: readonly Row[]): string {
  const arrays = key.map(({ name, element, arrayType }) => {
    const values = rows.map((row) => quoteText(element.codec.text(row[name])))
    return `ARRAY[${values.join(', ')}]::${arrayType}`
  })
  return `unnest(${arrays.join(', ')})`
}

/** Those that have a key of the table's at all: a file may hold records of other tables. */
export function withKey(key: readonly BoundColumn[], rows: readonly Row[]): readonly Row[] {
  return rows.filter((row) => key.every(({ name, element }) => isValue(element.codec, row[name])))
}

function isValue(codec: BoundColumn['element']['codec'], value: unknown): boolean {
  if (value === null || value === undefined) return false
  try {
    codec.text(value)
    return true
  } catch {
    return false
  }
}
