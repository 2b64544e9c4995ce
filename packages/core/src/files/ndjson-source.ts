import type { RecordSchema } from '../contracts/schema.js'
import type { Count, ReadOptions, Source, SourceSession } from '../contracts/source.js'
import type { Cursor, Operation } from '../contracts/values.js'
import { pathName } from '../disk/path-name.js'
import { Breather } from '../engine/breather.js'
import { checkText } from '../errors/check-options.js'
import { DroverError } from '../errors/drover-error.js'
import { ByteStream, fileIsShorter } from './byte-stream.js'
import { checkFileSource, type FileSourceOptions } from './file-source.js'
import { JsonInference } from './json-inference.js'
import { isBlank, type LineBlock, lineBlocks, lineEnd } from './lines.js'
import { inputError } from './output-error.js'
import { type RawRecords, RawRecordsPage } from './raw-records-page.js'

/** Options of {@link ndjsonSource}. */
export interface NdjsonSourceOptions extends FileSourceOptions {
  /** The file. */
  readonly path: string
}

/** Where to go on in a file: an offset in its uncompressed bytes, and how many lines stand before it. */
interface Place {
  readonly offset: number
  readonly line: number
}

/** A smaller file is looked at as a whole to find out its schema and count. */
const sampleBytes = 16 * 1024 * 1024
const countedBytes = 64 * 1024 * 1024

const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf])

/**
 * Reads a file with a record per line. Empty lines are skipped, lines may end in CRLF, the last one needs no end. A line that
 * is no JSON object, or no UTF-8, is rejected as `RECORD_UNREADABLE` with its number and bytes. A later incremental run
 * goes on with the lines that were appended.
 *
 * @throws `OPTION_INVALID`; while connecting or reading `SOURCE_NOT_FOUND`, `SOURCE_INVALID` (a folder, damaged gzip, a
 * file that was replaced meanwhile), `STORE_DENIED`, `STATE_INVALID` (a cursor that is not its own).
 *
 * @example
 * from(ndjsonSource({ path: 'messages.ndjson.gz', key: 'id' }))
 */
export function ndjsonSource(options: NdjsonSourceOptions): Source {
  const key = checkFileSource('ndjsonSource', options, ['path'])
  checkText('ndjsonSource', 'path', options.path)
  const { path } = options
  return {
    specVersion: 1,
    name: `ndjson:${pathName(path)}`,
    connect: async ({ signal }) => {
      const session = new NdjsonSession(options, key)
      await session.check(signal)
      return session
    },
  }
}

class NdjsonSession implements SourceSession {
  constructor(
    private readonly options: NdjsonSourceOptions,
    private readonly key: readonly string[],
  ) {}

  /** Whether the file is there, and can be read. */
  async check(signal: AbortSignal): Promise<void> {
    await this.#opened(0, signal, async (stream) => {
      const chunk = await stream.next()
      if (chunk === null || chunk.length < 2) return
      const [first, second] = chunk
      if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
        throw new DroverError('SOURCE_INVALID', `${this.options.path} is written in UTF-16. Convert it to UTF-8 first.`)
      }
    })
  }

  async describe({ signal }: Operation): Promise<RecordSchema> {
    const { schema, values = 'extended' } = this.options
    if (schema !== undefined) return { fields: schema.fields, key: this.key }
    const inference = new JsonInference()
    for await (const page of this.#pages({ offset: 0, line: 0 }, { records: 1000, bytes: 1024 * 1024 }, signal)) {
      inference.add(page, values === 'extended')
      if ((page.cursor as unknown as Place).offset >= sampleBytes) break
    }
    return { ...inference.schema(this.key), isInferred: true }
  }

  /** Lines that are not empty: all of them, or an estimate by the first of a large file. */
  async count({ signal }: Operation): Promise<Count> {
    return this.#opened(0, signal, async (stream) => {
      const breather = new Breather()
      let lines = 0
      for await (const { bytes, offset } of lineBlocks(stream, 0)) {
        for (let at = 0; at < bytes.length; ) {
          const end = lineEnd(bytes, at)
          if (!isBlank(bytes, at, end)) lines++
          at = end
        }
        if (offset + bytes.length >= countedBytes && stream.consumed < stream.size) {
          return { value: Math.round((lines * stream.size) / stream.consumed), exact: false }
        }
        if (breather.due) await breather.breathe()
      }
      return { value: lines, exact: true }
    })
  }

  read({ after, page, signal }: ReadOptions): AsyncGenerator<RawRecordsPage> {
    return this.#pages(after === null ? { offset: 0, line: 0 } : placeOf(after), page, signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  async *#pages(from: Place, limits: ReadOptions['page'], signal: AbortSignal): AsyncGenerator<RawRecordsPage> {
    const { path, gzip } = this.options
    // From one byte before the place, to see that a line ends there.
    const offset = Math.max(0, from.offset - 1)
    try {
      await using stream = await ByteStream.open({ input: path, path, gzip, from: offset, signal })
      let { line } = from
      let isFirst = true
      for await (const block of lineBlocks(stream, offset)) {
        let at = isFirst ? this.#firstByte(block, from.offset) : 0
        isFirst = false
        while (at < block.bytes.length) {
          const page = this.#page(block, at, line, limits)
          yield page.page
          at = page.end
          line = page.line
        }
      }
      if (isFirst && from.offset > 0) throw fileIsShorter(path)
    } catch (error) {
      throw inputError(error, path)
    }
  }

  /** Where the first line begins in the first block. */
  #firstByte({ bytes, offset }: LineBlock, wanted: number): number {
    if (wanted === 0) return bytes.subarray(0, 3).equals(byteOrderMark) ? 3 : 0
    const at = wanted - offset
    if (bytes[at - 1] === 0x0a || bytes.length === at) return at
    // The last line had no end when it was read; appending properly begins with one.
    const end = lineEnd(bytes, at)
    if (isBlank(bytes, at, end)) return end
    throw new DroverError(
      'SOURCE_INVALID',
      `${this.options.path}: no line begins at byte ${wanted}, where the run stands: the file was replaced. Put it back, or begin a new run (again: 'full').`,
    )
  }

  #page(
    { bytes, offset }: LineBlock,
    start: number,
    linesBefore: number,
    limits: ReadOptions['page'],
  ): { readonly page: RawRecordsPage; readonly end: number; readonly line: number } {
    const starts: number[] = []
    const ends: number[] = []
    const numbers: number[] = []
    let line = linesBefore
    let at = start
    while (at < bytes.length && starts.length < limits.records) {
      const end = lineEnd(bytes, at)
      if (!isBlank(bytes, at, end)) {
        if (starts.length > 0 && end - start > limits.bytes) break
        starts.push(at)
        ends.push(bytes[end - 1] === 0x0a ? end - 1 : end)
        numbers.push(line + 1)
      }
      line++
      at = end
    }
    const { path, values = 'extended' } = this.options
    const records: RawRecords = {
      bytes,
      starts,
      ends,
      values,
      key: this.key,
      cursor: { offset: offset + at, line },
      placeOf: (record) => [numbers[record] as number],
      nameOf: (record) => `${path}: line ${numbers[record]}`,
    }
    return { page: new RawRecordsPage(records), end: at, line }
  }

  async #opened<T>(from: number, signal: AbortSignal, use: (stream: ByteStream) => Promise<T>): Promise<T> {
    const { path, gzip } = this.options
    try {
      await using stream = await ByteStream.open({ input: path, path, gzip, from, signal })
      return await use(stream)
    } catch (error) {
      throw inputError(error, path)
    }
  }
}

function placeOf(cursor: Cursor): Place {
  const { offset, line } = (cursor ?? {}) as Partial<Place>
  if (Number.isSafeInteger(offset) && Number.isSafeInteger(line))
    return { offset: offset as number, line: line as number }
  throw new DroverError('STATE_INVALID', 'The stored cursor is none that ndjsonSource made. Begin a new run.')
}
