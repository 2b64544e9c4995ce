import { refuseType } from '@drover/core'
import type { Codec } from './codec.js'
import { type CodecOptions, codecFor } from './codec-for.js'
import { validText } from './codecs/text-codec.js'
import { type CopyEncoder, type EncoderOptions, encoderOf } from './copy-encoder.js'
import { isInherited, ownField } from './own-field.js'
import { rowRefused } from './row-refused.js'
import type { WireColumn } from './wire-type.js'

/**
 * Writes records as lines of COPY text, for tables with a type that has no binary form; the server reads values of such a type
 * from their text. All other types are checked and written as `copyBinary` does, with the same effect. No header, no trailer.
 */
export function copyText(columns: readonly WireColumn[], options: EncoderOptions): CopyEncoder {
  const fields = columns.map(({ name }) => ({ name, isInherited: isInherited(name) }))
  const texts = columns.map((column) => textFor(column, options))
  return encoderOf((row, place, { out }) => {
    let line = ''
    for (let i = 0; i < fields.length; i++) {
      const field = fields[i] as Field
      const value = field.isInherited ? ownField(row, field.name) : row[field.name]
      if (i > 0) line += '\t'
      try {
        line += value === null || value === undefined ? '\\N' : escapedText((texts[i] as ToText)(value))
      } catch (error) {
        throw rowRefused(error, columns[i] as WireColumn, options.where, place)
      }
    }
    out.text(`${line}\n`)
  }, options.chunkBytes)
}

interface Field {
  readonly name: string
  readonly isInherited: boolean
}

type ToText = (value: unknown) => string

function textFor({ type }: WireColumn, options: CodecOptions): ToText {
  const codec: Codec | undefined = codecFor(type, options)
  if (codec !== undefined) return (value) => codec.text(value)
  return (value) => {
    if (typeof value === 'string') return validText(value, options.invalidText ?? 'refuse')
    if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value)
    return refuseType(value, 'the text that Postgres reads as such a value')
  }
}

/** Those that stand for themselves would end the field or the line, or begin an escape (manual, COPY, "Text Format"). */
const special = /[\\\n\r\t\b\f\v]/
const specials = /[\\\n\r\t\b\f\v]/g
const escapes: { readonly [unit: string]: string } = {
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\b': '\\b',
  '\f': '\\f',
  '\v': '\\v',
}

/** A value as it stands between tabs. */
export function escapedText(text: string): string {
  return special.test(text) ? text.replace(specials, (unit) => escapes[unit] as string) : text
}
