import type { Page, RecordKey } from '../contracts/page.js'
import type { Cursor, JsonValue, Row } from '../contracts/values.js'
import { DroverError } from '../errors/drover-error.js'

/** The name of the form, for `SinkSession.forms`: who names it takes a {@link DelimitedPage} without asking for its rows. */
export const delimitedForm = 'delimited-texts'

/** A field of a {@link DelimitedPage}. */
export interface DelimitedField {
  readonly name: string
  /** `integer`: digits, with a sign where it is negative, within 64 bits. */
  readonly holds: 'text' | 'integer'
}

/** A value of a record that is taken out of its bytes. */
export type DelimitedValue = string | number | bigint | null

/** What a {@link DelimitedPage} is made of. */
export interface DelimitedRecords {
  /**
   * UTF-8. Behind every field but the last one of a record stands U+001F, behind the last one U+001E; U+10FFFF at the beginning of a
   * field is a null. Not to be changed or reused.
   */
  readonly bytes: Buffer
  readonly count: number
  /** Stands after the last record. */
  readonly cursor: Cursor
  readonly fields: readonly DelimitedField[]
  /** A record of its values; integers are `number` while that is safe, else `bigint`. */
  readonly decode: (values: readonly DelimitedValue[]) => Row
  readonly keyOf: (values: readonly DelimitedValue[]) => readonly JsonValue[]
}

/**
 * Records as texts with characters between them, as a store wrote them in one go: far cheaper to have than values. Nobody has looked
 * into the texts: where one holds a character that separates fields, there are other fields than there should be, and whoever takes the
 * page apart finds that and throws `PAGE_STALE`. The batch is then read again in another form.
 */
export class DelimitedPage implements Page<Row> {
  static readonly fieldEnd = 0x1f
  static readonly recordEnd = 0x1e
  static readonly nullText = '\u{10ffff}'

  readonly count: number
  readonly bytes: number
  readonly cursor: Cursor
  readonly fields: readonly DelimitedField[]
  readonly #records: Omit<DelimitedRecords, 'bytes'>
  #bytes: Buffer | undefined
  #values: readonly (readonly DelimitedValue[])[] | undefined
  #rows: readonly Row[] | undefined
  #keys: readonly RecordKey[] | undefined

  constructor({ bytes, ...records }: DelimitedRecords) {
    this.#bytes = bytes
    this.#records = records
    this.count = records.count
    this.bytes = bytes.length
    this.cursor = records.cursor
    this.fields = records.fields
  }

  /** All records, as they came. @throws `PAGE_STALE` once they were forgotten */
  texts(): Buffer {
    if (this.#bytes === undefined) throw pageStale('The page was forgotten once the sink had taken it.')
    return this.#bytes
  }

  rows(): readonly Row[] {
    const { decode } = this.#records
    this.#rows ??= this.#split().map(decode)
    return this.#rows
  }

  keys(): readonly RecordKey[] {
    const { keyOf } = this.#records
    this.#keys ??= this.#split().map((values) => ({ source: keyOf(values), child: 0 }))
    return this.#keys
  }

  slice(from: number, to: number): DelimitedPage {
    const bytes = this.texts()
    const start = Math.min(Math.max(from, 0), this.count)
    const end = Math.min(Math.max(to, start), this.count)
    const first = behindRecords(bytes, 0, start)
    const piece = bytes.subarray(first, behindRecords(bytes, first, end - start))
    return new DelimitedPage({ ...this.#records, bytes: piece, count: end - start })
  }

  release(isReread: boolean): void {
    if (isReread) this.#bytes = undefined
    this.#values = undefined
    this.#rows = undefined
    this.#keys = undefined
  }

  /** For whoever takes the bytes apart: they are not what they should be. */
  broken(): DroverError {
    return pageStale('A text of the page holds a character that separates its fields.')
  }

  #split(): readonly (readonly DelimitedValue[])[] {
    this.#values ??= this.#valuesOf(this.texts())
    return this.#values
  }

  #valuesOf(bytes: Buffer): readonly (readonly DelimitedValue[])[] {
    const records = bytes.toString('utf8').split('\x1e')
    if (records.pop() !== '' || records.length !== this.count) throw this.broken()
    return records.map((record) => {
      const texts = record.split('\x1f')
      if (texts.length !== this.fields.length) throw this.broken()
      return texts.map((text, i) => this.valueOf(text, i))
    })
  }

  /** The value that a text stands for in one of the fields. @throws `PAGE_STALE` */
  valueOf(text: string, field: number): DelimitedValue {
    if (text.startsWith(DelimitedPage.nullText)) return null
    if (this.fields[field]?.holds === 'text') return text
    if (!/^-?\d{1,19}$/.test(text)) throw this.broken()
    const value = Number(text)
    if (Number.isSafeInteger(value)) return value
    const whole = BigInt(text)
    if (BigInt.asIntN(64, whole) !== whole) throw this.broken()
    return whole
  }
}

function pageStale(why: string): DroverError {
  return new DroverError('PAGE_STALE', why)
}

function behindRecords(bytes: Buffer, offset: number, records: number): number {
  let at = offset
  for (let i = 0; i < records; i++) at = bytes.indexOf(DelimitedPage.recordEnd, at) + 1
  return at
}
