import { type Row, shownValue, ValueRefused } from '@drover/core'
import type { Column } from '../schema/table.js'
import type { Codec } from '../wire/codec.js'
import { codecFor } from '../wire/codec-for.js'
import type { InvalidText } from '../wire/codecs/text-codec.js'
import { type CopyEncoder, encoderOf } from '../wire/copy-encoder.js'
import { escapedText } from '../wire/copy-text.js'
import { DelimitedWriter } from '../wire/delimited-writer.js'
import { rowRefused } from '../wire/row-refused.js'
import { rowWriter } from '../wire/row-writer.js'
import { oids, type WireType } from '../wire/wire-type.js'
import { coercing } from './coercion.js'

/**
 * What a string is in a json or jsonb column: a JSON text (`text`), or a JSON string (`value`). `unclear` refuses strings that
 * could be meant as either.
 */
export type JsonStrings = 'text' | 'value' | 'unclear'

export interface EncodingOptions {
  /** As messages name the table. */
  readonly where: string
  readonly invalidText: InvalidText
  /** Fields that may be converted to the type of their column. */
  readonly coerce: readonly string[]
  /** By the name of the column. */
  readonly jsonStrings: (column: string) => JsonStrings
}

/** Text, where a column has a type without a binary form. */
export type CopyForm = 'binary' | 'text'

export function formFor(columns: readonly Column[]): CopyForm {
  return columns.every(({ wire }) => codecFor(wire) !== undefined) ? 'binary' : 'text'
}

/** Writes records as rows of these columns. It keeps what is not full yet, so it is of one COPY at a time. */
export function rowEncoder(columns: readonly Column[], options: EncodingOptions): CopyEncoder {
  const codecs = columns.map((column) => ({ name: column.name, codec: columnCodec(column, options) }))
  const refuse = (error: unknown, place: number, row: number): unknown => {
    const { name, wire } = columns[place] as Column
    return rowRefused(error, { name, type: wire }, options.where, row)
  }
  if (formFor(columns) === 'text') return textEncoder(codecs, refuse)
  const write = rowWriter(codecs, refuse)
  const texts = new DelimitedWriter(
    codecs.map(({ codec }) => codec),
    refuse,
  )
  return encoderOf((row, place, { out }) => write(row, out, place), undefined, texts)
}

function columnCodec({ name, wire }: Column, { invalidText, coerce, jsonStrings }: EncodingOptions): Codec {
  const strings = jsonStrings(name)
  const isCoerced = coerce.includes(name)
  // The server rounds by the modifier what our codec would refuse.
  const type: WireType = isCoerced ? { ...wire, modifier: -1 } : wire
  const codec = codecFor(type, { json: strings === 'text' ? 'text' : 'value', invalidText })
  if (codec === undefined) return nativeText(invalidText)
  if (isCoerced) return coercing(codec, wire)
  const isJson = wire.base === oids.json || wire.base === oids.jsonb
  return isJson && strings === 'unclear' ? withoutUnclear(codec) : codec
}

/** A type without a binary form: the server reads its values from their text. */
function nativeText(invalidText: InvalidText): Codec {
  const text = codecFor({ oid: oids.text, base: oids.text, name: 'text' }, { invalidText }) as Codec
  return {
    ...text,
    text: (value) =>
      text.text(
        typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean' ? String(value) : value,
      ),
  }
}

function withoutUnclear(codec: Codec): Codec {
  const checked = (value: unknown): unknown => {
    if (typeof value === 'string' && looksLikeJson(value)) {
      throw new ValueRefused(
        `${shownValue(value)}, which could be a JSON text or a JSON string`,
        "Nothing says which: give the sink json: 'text' or json: 'value'.",
      )
    }
    return value
  }
  return {
    ...codec,
    encodeUtf8: undefined,
    encode: (value, out) => codec.encode(checked(value), out),
    text: (value) => codec.text(checked(value)),
  }
}

function looksLikeJson(text: string): boolean {
  if (!/^\s*[[{]/.test(text)) return false
  try {
    JSON.parse(text)
    return true
  } catch {
    // Then it can only be meant as a string.
    return false
  }
}

function textEncoder(
  columns: readonly { readonly name: string; readonly codec: Codec }[],
  refuse: (error: unknown, column: number, row: number) => unknown,
): CopyEncoder {
  const lineOf = (row: Row, place: number): string => {
    let line = ''
    for (const [i, { name, codec }] of columns.entries()) {
      const value = Object.hasOwn(row, name) ? row[name] : undefined
      if (i > 0) line += '\t'
      try {
        line += value === null || value === undefined ? '\\N' : escapedText(codec.text(value))
      } catch (error) {
        throw refuse(error, i, place)
      }
    }
    return `${line}\n`
  }
  return encoderOf((row, place, { out }) => void out.text(lineOf(row, place)), undefined)
}
