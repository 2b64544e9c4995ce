import type { Page, RecordKey } from '../contracts/page.js'
import type { Cursor, Row } from '../contracts/values.js'
import { DroverError } from '../errors/drover-error.js'
import { decodeJson } from './json-values.js'

/** What a {@link JsonLinesPage} is made of. */
export interface JsonLines {
  /** UTF-8, a record per line as `encodeJson` writes it, each ended by a line feed. Not to be changed or reused. */
  readonly lines: Uint8Array
  /** How many lines. */
  readonly count: number
  /** Stands after the last record. */
  readonly cursor: Cursor
  /** Parallel to the lines; called when someone asks for keys. */
  readonly keys: () => readonly RecordKey[]
  /** Whether a value that plain JSON cannot hold may be inside, in its tagged form. @default true */
  readonly tagged?: boolean
}

/**
 * A page of records that a store has already written as JSON. `ndjsonSink` and `jsonSink` write it as it is; whoever else
 * asks for its rows gets them decoded.
 */
export class JsonLinesPage implements Page<Row> {
  readonly cursor: Cursor
  readonly count: number
  readonly lines: Uint8Array
  /** Only `false` promises that there is no tagged value inside. */
  readonly tagged: boolean
  readonly #makeKeys: () => readonly RecordKey[]
  #keys: readonly RecordKey[] | undefined
  #rows: readonly Row[] | undefined
  #texts: readonly string[] | undefined

  constructor({ lines, count, cursor, keys, tagged = true }: JsonLines) {
    this.lines = lines
    this.count = count
    this.cursor = cursor
    this.tagged = tagged
    this.#makeKeys = keys
  }

  get bytes(): number {
    return this.lines.byteLength
  }

  rows(): readonly Row[] {
    this.#rows ??= this.texts().map((text) => decodeJson(text) as Row)
    return this.#rows
  }

  keys(): readonly RecordKey[] {
    this.#keys ??= this.#makeKeys()
    return this.#keys
  }

  /** Its lines stay: they are decoded again for whoever asks. */
  release(): void {
    this.#rows = undefined
    this.#texts = undefined
    this.#keys = undefined
  }

  /** The lines, without what ends them. @throws `CONTRACT_BROKEN` if there are not as many as was said */
  texts(): readonly string[] {
    this.#texts ??= this.#split()
    return this.#texts
  }

  slice(from: number, to: number): JsonLinesPage {
    const start = Math.min(Math.max(from, 0), this.count)
    const end = Math.min(Math.max(to, start), this.count)
    const first = this.#behindLine(0, start)
    return new JsonLinesPage({
      lines: this.lines.subarray(first, this.#behindLine(first, end - start)),
      count: end - start,
      cursor: this.cursor,
      tagged: this.tagged,
      keys: () => this.keys().slice(start, end),
    })
  }

  #split(): readonly string[] {
    const { buffer, byteOffset, byteLength } = this.lines
    const texts = Buffer.from(buffer, byteOffset, byteLength).toString('utf8').split('\n')
    if (texts.pop() === '' && texts.length === this.count) return texts
    throw new DroverError(
      'CONTRACT_BROKEN',
      `A page of JSON lines was said to have ${this.count} of them, each ended by a line feed, and has not.`,
    )
  }

  /** The offset behind so many lines. */
  #behindLine(offset: number, lines: number): number {
    let at = offset
    for (let i = 0; i < lines; i++) at = this.lines.indexOf(0x0a, at) + 1
    return at
  }
}
