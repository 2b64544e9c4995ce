import type { ColumnWriter } from '@drover/core'
import { readInt32 } from './codecs/integer-codecs.js'
import type { CopyRows } from './copy-format.js'
import type { PourValue } from './pour-value.js'

/** Values of a field that the rows do not have, by the place of the record, and who takes them. */
export interface ExtraColumn {
  readonly values: ArrayLike<unknown>
  readonly into: ColumnWriter
}

/** What a pourer is to do: `into` is parallel to the wanted columns that it was made for. */
export interface Poured {
  readonly into: readonly ColumnWriter[]
  /** All of them without it. */
  readonly records: ArrayLike<number> | undefined
  readonly extras: readonly ExtraColumn[]
}

/** Goes through each row once, from its start, and gives the values of some columns to their writers. */
export type Pourer = (rows: CopyRows, poured: Poured) => void

/** A column as a pourer goes through it: which of the writers take its values, none or several. */
export interface PouredColumn {
  readonly pour: PourValue
  readonly writers: readonly number[]
}

/** A pourer for these columns; as with `rowDecoder`, it is code made for them where code may be made of text. */
export function pourer(columns: readonly PouredColumn[]): Pourer {
  const needed = columns.slice(0, columns.findLastIndex(({ writers }) => writers.length > 0) + 1)
  try {
    return generated(needed)
  } catch (error) {
    if (error instanceof EvalError) return loop(needed)
    throw error
  }
}

function generated(columns: readonly PouredColumn[]): Pourer {
  const wanted = columns.flatMap(({ writers }) => writers)
  const code = [
    "'use strict'",
    ...columns.map((_, i) => `const c${i} = columns[${i}].pour`),
    'return ({ bytes, starts }, { into, records, extras }) => {',
    ...wanted.map((writer) => `const w${writer} = into[${writer}]`),
    'const count = records === undefined ? starts.length : records.length',
    'for (let i = 0; i < count; i++) {',
    'const record = records === undefined ? i : records[i]',
    'let at = starts[record] + 2, length = 0',
    ...columns.map(({ writers }, i) =>
      writers.length === 0
        ? 'length = readInt32(bytes, at); at += length < 0 ? 4 : length + 4'
        : [
            'length = readInt32(bytes, at); at += 4',
            `if (length < 0) { ${writers.map((writer) => `w${writer}.null()`).join('; ')} }`,
            `else { ${writers.map((writer) => `c${i}(bytes, at, length, w${writer})`).join('; ')}; at += length }`,
          ].join('\n'),
    ),
    'if (extras.length > 0) pourExtras(extras, record)',
    '}',
    '}',
  ].join('\n')
  const make = new Function('columns', 'readInt32', 'pourExtras', code) as (
    columns: readonly PouredColumn[],
    read: typeof readInt32,
    extras: typeof pourExtras,
  ) => Pourer
  return make(columns, readInt32, pourExtras)
}

/** Exported for its test. */
export function loop(columns: readonly PouredColumn[]): Pourer {
  return ({ bytes, starts }, { into, records, extras }) => {
    const count = records === undefined ? starts.length : records.length
    for (let i = 0; i < count; i++) {
      const record = records === undefined ? i : (records[i] as number)
      let at = (starts[record] as number) + 2
      for (const { pour, writers } of columns) {
        const length = readInt32(bytes, at)
        at += 4
        for (const writer of writers) {
          const taker = into[writer] as ColumnWriter
          if (length < 0) taker.null()
          else pour(bytes, at, length, taker)
        }
        if (length > 0) at += length
      }
      if (extras.length > 0) pourExtras(extras, record)
    }
  }
}

function pourExtras(extras: readonly ExtraColumn[], record: number): void {
  for (const { values, into } of extras) {
    const value = values[record]
    if (value === null || value === undefined) into.null()
    else into.value(value)
  }
}
