import type { Row } from '@drover/core'
import type { Codec } from './codec.js'
import { readInt32 } from './codecs/integer-codecs.js'

/** Makes a record of the row of COPY binary that begins at `at`. */
export type RowDecoder = (bytes: Buffer, at: number) => Row

/** A column as a decoder takes it; without a name it is passed over. */
export interface DecodedColumn {
  readonly name: string | null
  readonly codec: Codec
}

/**
 * A decoder for these columns. All of its records have one shape, and their fields are read by code made for them, which
 * is faster than a loop over the names; where code may not be made of text, it is the loop.
 */
export function rowDecoder(columns: readonly DecodedColumn[]): RowDecoder {
  try {
    return generated(columns)
  } catch (error) {
    if (error instanceof EvalError) return loop(columns)
    throw error
  }
}

/** `node --disallow-code-generation-from-strings` refuses what is done here. Names are quoted as JSON, which JavaScript reads. */
function generated(columns: readonly DecodedColumn[]): RowDecoder {
  const last = columns.findLastIndex(({ name }) => name !== null)
  const read = columns.slice(0, last + 1)
  const code = [
    "'use strict'",
    ...read.map((_, i) => `const c${i} = codecs[${i}]`),
    'return (bytes, start) => {',
    'let at = start + 2, length = 0',
    ...read.map(({ name }, i) =>
      name === null
        ? 'length = readInt32(bytes, at); at += length < 0 ? 4 : length + 4'
        : `let v${i} = null; length = readInt32(bytes, at); at += 4; if (length >= 0) { v${i} = c${i}.decode(bytes, at, length); at += length }`,
    ),
    // `"__proto__": value` would set the prototype; a computed name does not.
    `return { ${read.flatMap(({ name }, i) => (name === null ? [] : [`[${JSON.stringify(name)}]: v${i}`])).join(', ')} }`,
    '}',
  ].join('\n')
  const make = new Function('codecs', 'readInt32', code) as (
    codecs: readonly Codec[],
    read: typeof readInt32,
  ) => RowDecoder
  return make(
    columns.map(({ codec }) => codec),
    readInt32,
  )
}

/** Exported for its test. */
export function loop(columns: readonly DecodedColumn[]): RowDecoder {
  return (bytes, start) => {
    const row: Row = {}
    let at = start + 2
    for (const { name, codec } of columns) {
      const length = readInt32(bytes, at)
      at += 4
      if (name !== null) {
        const value = length < 0 ? null : codec.decode(bytes, at, length)
        if (name === '__proto__')
          Object.defineProperty(row, name, { value, configurable: true, enumerable: true, writable: true })
        else row[name] = value
      }
      if (length > 0) at += length
    }
    return row
  }
}
