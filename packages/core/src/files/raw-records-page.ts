import { isAscii, isUtf8 } from 'node:buffer'
import type { Page, RecordKey, SourceReject } from '../contracts/page.js'
import type { Cursor, JsonValue, Row } from '../contracts/values.js'
import { DroverError } from '../errors/drover-error.js'
import { keyValues } from '../memory/key-values.js'
import { decodeJson, type JsonValues } from './json-values.js'

/** Where records stand in a block of bytes, and how to speak of them. */
export interface RawRecords {
  readonly bytes: Buffer
  /** First byte of each record. */
  readonly starts: readonly number[]
  /** Behind the last byte of each. */
  readonly ends: readonly number[]
  readonly cursor: Cursor
  readonly values: JsonValues
  /** Fields that identify a record; empty if its place does. */
  readonly key: readonly string[]
  /** The place of a record as a key. */
  placeOf(record: number): readonly JsonValue[]
  /** The place of a record in words. */
  nameOf(record: number): string
}

interface Decoded {
  readonly rows: readonly Row[]
  readonly keys: readonly RecordKey[]
  readonly rejected: readonly SourceReject[]
}

/** Records as they stand in a file. They are decoded when someone asks what they are, or which of them cannot be read. */
export class RawRecordsPage implements Page<Row> {
  readonly count: number
  readonly bytes: number
  readonly cursor: Cursor
  #decoded: Decoded | undefined

  constructor(
    private readonly records: RawRecords,
    /** Rows to leave out at both ends, once decoded. */
    private readonly range?: { readonly of: Decoded; readonly from: number; readonly to: number },
  ) {
    const { starts, ends, cursor } = records
    this.cursor = cursor
    const size = starts.length === 0 ? 0 : (ends.at(-1) as number) - (starts[0] as number)
    this.count = range === undefined ? starts.length : range.to - range.from
    this.bytes = this.count === starts.length ? size : Math.ceil((size * this.count) / starts.length)
  }

  get rejected(): readonly SourceReject[] {
    return this.#decode().rejected
  }

  rows(): readonly Row[] {
    return this.#decode().rows
  }

  keys(): readonly RecordKey[] {
    return this.#decode().keys
  }

  /** Whether a text stands anywhere in the bytes of the page. */
  includes(text: string): boolean {
    const { bytes, starts, ends } = this.records
    return bytes.subarray(starts[0] ?? 0, ends.at(-1) ?? 0).includes(text)
  }

  /** The rows with tagged values as they are written. */
  undecodedRows(): readonly Row[] {
    return decode({ ...this.records, values: 'plain' }).rows
  }

  slice(from: number, to: number): RawRecordsPage {
    const of = this.#decode()
    const start = Math.min(Math.max(from, 0), of.rows.length)
    return new RawRecordsPage(this.records, { of, from: start, to: Math.min(Math.max(to, start), of.rows.length) })
  }

  #decode(): Decoded {
    this.#decoded ??= this.range === undefined ? decode(this.records) : cut(this.range)
    return this.#decoded
  }
}

function cut({ of, from, to }: { readonly of: Decoded; readonly from: number; readonly to: number }): Decoded {
  return { rows: of.rows.slice(from, to), keys: of.keys.slice(from, to), rejected: [] }
}

function decode(records: RawRecords): Decoded {
  const { starts, values, key } = records
  const rows: Row[] = []
  const keys: RecordKey[] = []
  const rejected: SourceReject[] = []
  const textOf = textReader(records)
  for (let i = 0; i < starts.length; i++) {
    try {
      const text = textOf(i)
      if (text === null) throw new DroverError('RECORD_UNREADABLE', `${records.nameOf(i)} is not valid UTF-8.`)
      const row = recordOf(text, values, records, i)
      keys.push({ source: key.length === 0 ? records.placeOf(i) : keyOf(row, key, records, i), child: 0 })
      rows.push(row)
    } catch (error) {
      rejected.push({ key: records.placeOf(i), error, raw: records.bytes.subarray(starts[i], records.ends[i]) })
    }
  }
  return { rows, keys, rejected }
}

/** Gives a record's text, or null if its bytes are no UTF-8. One look at the whole page decides how. */
function textReader({ bytes, starts, ends }: RawRecords): (record: number) => string | null {
  const first = starts[0] ?? 0
  const page = bytes.subarray(first, ends.at(-1) ?? 0)
  if (isAscii(page)) {
    const text = page.toString('latin1')
    return (i) => text.slice((starts[i] as number) - first, (ends[i] as number) - first)
  }
  if (isUtf8(page)) return (i) => bytes.toString('utf8', starts[i], ends[i])
  return (i) => (isUtf8(bytes.subarray(starts[i], ends[i])) ? bytes.toString('utf8', starts[i], ends[i]) : null)
}

function recordOf(text: string, values: JsonValues, records: RawRecords, i: number): Row {
  const value = parsed(text, values, records, i)
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value))
    return value as Row
  const what = value === null ? 'null' : Array.isArray(value) ? 'an array' : `a ${typeof value}`
  throw new DroverError('RECORD_UNREADABLE', `${records.nameOf(i)} is no object but ${what}.`)
}

function parsed(text: string, values: JsonValues, records: RawRecords, i: number): unknown {
  try {
    return decodeJson(text, values)
  } catch (error) {
    // What the parser says quotes the text, which may be nobody's business.
    const [, position] = /at position (\d+)/.exec(error instanceof Error ? error.message : '') ?? []
    const where = position === undefined ? '' : ` (at its character ${Number(position) + 1})`
    throw new DroverError('RECORD_UNREADABLE', `${records.nameOf(i)} is no valid JSON${where}.`)
  }
}

function keyOf(row: Row, key: readonly string[], records: RawRecords, i: number): readonly JsonValue[] {
  const values = keyValues(row, key)
  if (values !== null) return values
  throw new DroverError('KEY_INVALID', `${records.nameOf(i)} has no value in its key (${key.join(', ')}).`)
}
