import { DroverError, type RecordKey, type Row, suggestNames } from '@drover/core'
import type { Codec } from './codec.js'
import { type CodecOptions, codecFor } from './codec-for.js'
import { readInt32 } from './codecs/integer-codecs.js'
import { keyJson } from './key-json.js'
import { type PourValue, pourValue } from './pour-value.js'
import { type Pourer, pourer } from './pourer.js'
import { type RowDecoder, rowDecoder } from './row-decoder.js'
import { hasSameForm, type WireColumn } from './wire-type.js'

export interface LayoutOptions extends CodecOptions {
  /** Columns that identify a record, in order. */
  readonly key: readonly string[]
  /** As messages name what is read. */
  readonly where: string
}

/** How to read rows of COPY binary that have these columns. Made once for a read, shared by its pages. */
export class CopyLayout {
  readonly codecs: readonly Codec[]
  readonly decode: RowDecoder
  readonly where: string
  /** Places of the columns that may hold what cannot be decoded. */
  readonly doubtful: readonly number[]
  readonly #key: readonly number[]
  readonly #pours: readonly PourValue[]
  /** By the places of the fields, in the order of the writers. */
  readonly #pourers = new Map<string, Pourer>()

  /** @throws `CONTRACT_BROKEN` if a column has no binary form: it is to be read as `::text`. */
  constructor(
    readonly columns: readonly WireColumn[],
    options: LayoutOptions,
  ) {
    this.where = options.where
    const codecs = columns.map(
      ({ name, type }) =>
        codecFor(type, options) ??
        broken(
          `${options.where}: the column "${name}" of type ${type.name} has no binary form; it is to be read as text.`,
        ),
    )
    this.codecs = codecs
    this.decode = rowDecoder(
      columns.map(({ name, isHidden }, i) => ({ name: isHidden === true ? null : name, codec: codecs[i] as Codec })),
    )
    this.#pours = columns.map(({ type }, i) => pourValue(type, codecs[i] as Codec))
    this.doubtful = columns.flatMap((_, i) => (codecs[i]?.problem === undefined ? [] : [i]))
    this.#key = options.key.map((name) => {
      const place = columns.findIndex((column) => column.name === name)
      return place >= 0 ? place : broken(`${options.where}: the key column "${name}" is not among those that are read.`)
    })
  }

  /** Whether what would be written into these columns is what stands here, byte by byte. */
  matches(columns: readonly WireColumn[]): boolean {
    return (
      columns.length === this.columns.length &&
      this.columns.every(({ name, type, isHidden }, i) => {
        const to = columns[i] as WireColumn
        return isHidden !== true && name === to.name && hasSameForm(type, to.type)
      })
    )
  }

  /** @throws `NAME_UNKNOWN` */
  placeOf(field: string): number {
    const place = this.find(field)
    if (place >= 0) return place
    const names = this.columns.filter(({ isHidden }) => isHidden !== true).map(({ name }) => name)
    throw new DroverError('NAME_UNKNOWN', `${this.where} has no field "${field}"${suggestNames(field, names)}`)
  }

  /**
   * For writers of these fields; made once.
   *
   * @throws `NAME_UNKNOWN`
   */
  pourerOf(fields: readonly string[]): Pourer {
    const places = fields.map((field) => this.placeOf(field))
    const name = places.join()
    let made = this.#pourers.get(name)
    if (made === undefined) {
      made = pourer(
        this.#pours.map((pour, place) => ({
          pour,
          writers: places.flatMap((wanted, writer) => (wanted === place ? [writer] : [])),
        })),
      )
      this.#pourers.set(name, made)
    }
    return made
  }

  /** -1 if there is no such field. */
  find(field: string): number {
    return this.columns.findIndex(({ name, isHidden }) => name === field && isHidden !== true)
  }

  keyAt(bytes: Buffer, row: number): RecordKey {
    return {
      source: this.#key.map((place) => keyJson(this.valueAt(bytes, fieldAt(bytes, row, place), place))),
      child: 0,
    }
  }

  /** @param at Where the field begins, with its length. */
  valueAt(bytes: Buffer, at: number, place: number): unknown {
    const length = readInt32(bytes, at)
    return length < 0 ? null : (this.codecs[place] as Codec).decode(bytes, at + 4, length)
  }

  /** The record, with the text of what cannot be decoded without a loss. */
  decodeExactly(bytes: Buffer, row: number): Row {
    const record = this.decode(bytes, row)
    for (const place of this.doubtful) {
      const at = fieldAt(bytes, row, place)
      const length = readInt32(bytes, at)
      const column = this.columns[place] as WireColumn
      if (length < 0 || this.codecs[place]?.problem?.(bytes, at + 4, length) === undefined) continue
      const asText = codecFor(column.type, { json: 'text' })
      if (column.isHidden !== true) record[column.name] = asText?.decode(bytes, at + 4, length)
    }
    return record
  }

  /** Why a row cannot be decoded without a loss; undefined if it can. */
  problemAt(bytes: Buffer, row: number): { readonly column: WireColumn; readonly problem: string } | undefined {
    for (const place of this.doubtful) {
      const at = fieldAt(bytes, row, place)
      const length = readInt32(bytes, at)
      const problem = length < 0 ? undefined : this.codecs[place]?.problem?.(bytes, at + 4, length)
      if (problem !== undefined) return { column: this.columns[place] as WireColumn, problem }
    }
    return undefined
  }
}

/** Where a field of the row begins, with its length. */
export function fieldAt(bytes: Uint8Array, row: number, place: number): number {
  let at = row + 2
  for (let i = 0; i < place; i++) {
    const length = readInt32(bytes, at)
    at += length < 0 ? 4 : length + 4
  }
  return at
}

function broken(message: string): never {
  throw new DroverError('CONTRACT_BROKEN', message)
}
