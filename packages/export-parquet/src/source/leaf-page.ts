import type { Encoding, PageHeader } from 'hyparquet/src/types.js'
import { readBitRuns } from './bit-runs.js'
import type { LeafNode } from './column-node.js'
import { isImmutable, type ValueReader, valueReader } from './leaf-values.js'
import { type BytesValues, type Encoded, type PhysicalValues, readPlaces, readValues } from './physical-values.js'

/** The entries of one data page of a leaf. A value is made when it is asked for. */
export interface LeafPage {
  readonly entries: number
  /** Definition levels; null if every entry is a value. */
  readonly definitions: Uint8Array | null
  /** Repetition levels; null if every entry begins a record. */
  readonly repetitions: Uint8Array | null
  /** Gives a value by its place among those that are not null. */
  readonly value: ValueReader
  /** Where the bytes of values are, if they differ in length. */
  readonly sizes: ValueSizes | null
}

/** How many bytes values take. */
export interface ValueSizes {
  of(place: number): number
}

/** Values that pages refer to by their place. */
export interface Dictionary {
  readonly count: number
  readonly value: ValueReader
  readonly sizes: ValueSizes | null
}

export function readDictionary(page: Buffer, count: number, leaf: LeafNode): Dictionary {
  const values = readValues('PLAIN', encodedOf(page, 0, count, leaf))
  const read = valueReader(values, leaf.type, leaf.element)
  if (!isImmutable(leaf.type)) return { count, value: read, sizes: sizesOf(values) }
  const made: unknown[] = new Array(count)
  const value = (place: number): unknown => {
    const known = made[place]
    if (known !== undefined) return known
    made[place] = read(place)
    return made[place]
  }
  return { count, value, sizes: sizesOf(values) }
}

/** `levels` and `values` stand in one buffer in the old form of a page, and in two in the new one. */
export function readDataPage(
  header: PageHeader,
  levels: Buffer,
  values: Buffer | null,
  leaf: LeafNode,
  dictionary: Dictionary | undefined,
): LeafPage {
  const { data_page_header: old, data_page_header_v2: recent } = header
  const entries = (old ?? recent)?.num_values ?? 0
  if (
    old !== undefined &&
    ((old.definition_level_encoding === 'BIT_PACKED' && leaf.defined > 0) ||
      (old.repetition_level_encoding === 'BIT_PACKED' && leaf.repeated > 0))
  ) {
    throw new Error('its levels have the encoding BIT_PACKED, which Parquet gave up in 2013')
  }
  let at = 0
  const levelsOf = (max: number, length: number | undefined): Uint8Array | null => {
    if (max === 0) {
      at += length ?? 0
      return null
    }
    if (max > 255) throw new Error(`it is nested ${max} levels deep`)
    const size = length ?? levels.readUInt32LE(at)
    const start = length === undefined ? at + 4 : at
    if (start + size > levels.length) throw new Error('its levels are longer than the page')
    at = start + size
    const read = new Uint8Array(entries)
    readBitRuns(levels, start, at, 32 - Math.clz32(max), read)
    if (read.some((level) => level > max)) throw new Error(`a level is higher than ${max}`)
    return read
  }
  const repetitions = levelsOf(leaf.repeated, recent?.repetition_levels_byte_length)
  const definitions = levelsOf(leaf.defined, recent?.definition_levels_byte_length)
  const count = definitions === null ? entries : countOf(definitions, leaf.defined)
  const encoding = (old ?? recent)?.encoding
  const encoded = encodedOf(values ?? levels, values === null ? at : 0, count, leaf)
  return {
    entries,
    repetitions,
    definitions: count === entries ? null : definitions,
    ...valuesOf(encoding, encoded, leaf, dictionary),
  }
}

function valuesOf(
  encoding: Encoding | undefined,
  encoded: Encoded,
  leaf: LeafNode,
  dictionary: Dictionary | undefined,
): Pick<LeafPage, 'value' | 'sizes'> {
  if (encoding !== 'PLAIN_DICTIONARY' && encoding !== 'RLE_DICTIONARY') {
    const values = readValues(encoding, encoded)
    return { value: valueReader(values, leaf.type, leaf.element), sizes: sizesOf(values) }
  }
  if (encoded.count === 0) return { value: () => null, sizes: null }
  if (dictionary === undefined) throw new Error('its dictionary is missing')
  const places = readPlaces(encoded, dictionary.count)
  const { value, sizes } = dictionary
  return {
    value: (i) => value(places[i] as number),
    sizes: sizes === null ? null : { of: (i) => sizes.of(places[i] as number) },
  }
}

function encodedOf(bytes: Buffer, start: number, count: number, { element, path }: LeafNode): Encoded {
  if (element.type === undefined) throw new Error(`${path.join('.')} has no type`)
  return { bytes, start, count, type: element.type, width: element.type_length ?? 0 }
}

function sizesOf(values: PhysicalValues): ValueSizes | null {
  if (values.kind !== 'bytes') return null
  const { starts, ends }: BytesValues = values
  return { of: (i) => (ends[i] as number) - (starts[i] as number) }
}

function countOf(definitions: Uint8Array, defined: number): number {
  let count = 0
  for (let i = 0; i < definitions.length; i++) {
    if (definitions[i] === defined) count++
  }
  return count
}
