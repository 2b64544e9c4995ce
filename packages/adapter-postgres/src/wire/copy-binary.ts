import { DroverError } from '@drover/core'
import type { Codec } from './codec.js'
import { codecFor } from './codec-for.js'
import { type CopyEncoder, type EncoderOptions, encoderOf } from './copy-encoder.js'
import { rowRefused } from './row-refused.js'
import type { WireColumn } from './wire-type.js'

/**
 * Writes records as rows of COPY binary; a field that a record does not have is NULL. `copyHeader` goes before the first chunk,
 * `copyTrailer` behind the last.
 *
 * @throws `CONTRACT_BROKEN` if a column has no binary form (`codecFor` gives undefined): the table is one for `copyText`.
 */
export function copyBinary(columns: readonly WireColumn[], options: EncoderOptions): CopyEncoder {
  const names = columns.map(({ name }) => name)
  const codecs = columns.map((column) => codecFor(column.type, options) ?? throwNoCodec(column, options.where))
  return encoderOf((row, place, { out }) => {
    out.reserve(2)
    out.int16(codecs.length)
    for (let i = 0; i < codecs.length; i++) {
      const value = row[names[i] as string]
      out.reserve(4)
      if (value === null || value === undefined) {
        out.int32(-1)
        continue
      }
      const slot = out.at
      out.at = slot + 4
      try {
        ;(codecs[i] as Codec).encode(value, out)
      } catch (error) {
        throw rowRefused(error, columns[i] as WireColumn, options.where, place)
      }
      out.setInt32(slot, out.at - slot - 4)
    }
  }, options.chunkBytes)
}

function throwNoCodec({ name, type }: WireColumn, where: string): never {
  throw new DroverError(
    'CONTRACT_BROKEN',
    `${where}: the column "${name}" of type ${type.name} has no binary form; the table is to be written by COPY text.`,
  )
}
