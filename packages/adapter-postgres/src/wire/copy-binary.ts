import { DroverError } from '@drover/core'
import { codecFor } from './codec-for.js'
import { type CopyEncoder, type EncoderOptions, encoderOf } from './copy-encoder.js'
import { rowRefused } from './row-refused.js'
import { rowWriter } from './row-writer.js'
import type { WireColumn } from './wire-type.js'

/**
 * Writes records as rows of COPY binary; a field that a record does not have is NULL. `copyHeader` goes before the first chunk,
 * `copyTrailer` behind the last.
 *
 * @throws `CONTRACT_BROKEN` if a column has no binary form (`codecFor` gives undefined): the table is one for `copyText`.
 */
export function copyBinary(columns: readonly WireColumn[], options: EncoderOptions): CopyEncoder {
  const write = rowWriter(
    columns.map((column) => ({
      name: column.name,
      codec: codecFor(column.type, options) ?? throwNoCodec(column, options.where),
    })),
    (error, column, place) => rowRefused(error, columns[column] as WireColumn, options.where, place),
  )
  return encoderOf((row, place, { out }) => write(row, out, place), options.chunkBytes)
}

function throwNoCodec({ name, type }: WireColumn, where: string): never {
  throw new DroverError(
    'CONTRACT_BROKEN',
    `${where}: the column "${name}" of type ${type.name} has no binary form; the table is to be written by COPY text.`,
  )
}
