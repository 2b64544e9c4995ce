import { readdir, stat } from 'node:fs/promises'
import type { RecordSchema } from '../contracts/schema.js'
import type { Count, ReadOptions, Source, SourceSession } from '../contracts/source.js'
import type { Cursor, JsonValue, Operation } from '../contracts/values.js'
import { pathName } from '../disk/path-name.js'
import { checkText } from '../errors/check-options.js'
import { DroverError } from '../errors/drover-error.js'
import { type ArrayFile, readArrayFile } from './array-file.js'
import { fileNamesOf } from './file-names.js'
import { checkFileSource, type FileSourceOptions } from './file-source.js'
import { JsonInference } from './json-inference.js'
import { inputError } from './output-error.js'
import type { RawRecordsPage } from './raw-records-page.js'

/** Options of {@link jsonSource}: one of `path` and `directory`. */
export interface JsonSourceOptions extends FileSourceOptions {
  /** One file that holds one array. */
  readonly path?: string
  /** A folder: its files that end in `.json` or `.json.gz` are read in the order of their names. */
  readonly directory?: string
  /** Of the files in a directory: only those with such names, as `jsonSink` takes it. @default all of them */
  readonly fileName?: string
  /** The array is the member of that name in an object. @default the file is the array */
  readonly member?: string
}

/** Where to go on: in which file, behind which byte, and how many records stand before it. */
interface Place {
  /** Empty if there is one file. */
  readonly file: string
  readonly offset: number
  readonly index: number
}

const sampleBytes = 16 * 1024 * 1024
const countedBytes = 64 * 1024 * 1024

/**
 * Reads arrays of objects, element by element: a file is never in memory as a whole. An element that is no object, or no
 * valid JSON or UTF-8, is rejected as `RECORD_UNREADABLE` with its place and bytes. A later incremental run goes on with
 * the elements and files that were added behind.
 *
 * @throws `OPTION_INVALID`; while connecting or reading `SOURCE_NOT_FOUND`, `SOURCE_INVALID` (no array, a file that is cut
 * off or damaged, a file that was replaced meanwhile), `STORE_DENIED`, `STATE_INVALID` (a cursor that is not its own).
 *
 * @example
 * from(jsonSource({ path: 'messages.json' }))
 * @example
 * from(jsonSource({ directory: 'export/messages', key: 'id' }))
 */
export function jsonSource(options: JsonSourceOptions): Source {
  const key = checkFileSource('jsonSource', options, ['path', 'directory', 'fileName', 'member'])
  const { path, directory } = options
  if ((path === undefined) === (directory === undefined)) {
    throw new DroverError('OPTION_INVALID', 'jsonSource: give path, for one file, or directory, for the files in it.')
  }
  checkText('jsonSource', path === undefined ? 'directory' : 'path', path ?? directory)
  if (options.member !== undefined) checkText('jsonSource', 'member', options.member)
  if (options.fileName !== undefined && directory === undefined)
    throw new DroverError('OPTION_INVALID', 'jsonSource: fileName names the files of a directory, and path is given.')
  fileNamesOf('jsonSource', options.fileName)
  const place = (path ?? directory) as string
  return {
    specVersion: 1,
    name: `json:${pathName(place)}`,
    connect: async () => {
      const session = new JsonSession(options, place, key)
      await session.check()
      return session
    },
  }
}

class JsonSession implements SourceSession {
  constructor(
    private readonly options: JsonSourceOptions,
    /** File or folder, as the user named it. */
    private readonly place: string,
    private readonly key: readonly string[],
  ) {}

  /** Whether it is there, and of the kind it should be. */
  async check(): Promise<void> {
    try {
      const found = await stat(this.place)
      const isFolder = this.options.directory !== undefined
      if (isFolder ? found.isDirectory() : found.isFile()) return
      throw new DroverError(
        'SOURCE_INVALID',
        isFolder
          ? `${this.place} is no folder. Name it with path instead of directory.`
          : `${this.place} is ${found.isDirectory() ? 'a folder. Name it with directory instead of path' : 'no regular file'}.`,
      )
    } catch (error) {
      throw inputError(error, this.place)
    }
  }

  async describe({ signal }: Operation): Promise<RecordSchema> {
    const { schema, values = 'extended' } = this.options
    if (schema !== undefined) return { fields: schema.fields, key: this.key }
    const inference = new JsonInference()
    let bytes = 0
    for await (const page of this.#pages(null, { records: 1000, bytes: 1024 * 1024 }, signal)) {
      inference.add(page, values === 'extended')
      bytes += page.bytes
      if (bytes >= sampleBytes) break
    }
    return { ...inference.schema(this.key), isInferred: true }
  }

  /** Elements: all of them, or an estimate by the first if there is much to read. */
  async count({ signal }: Operation): Promise<Count> {
    const files = await this.#files()
    let total = 0
    for (const file of files) total += (await stat(file.path)).size
    let value = 0
    let before = 0
    for (const file of files) {
      let consumed = 0
      for await (const page of readArrayFile(file, { records: 100_000, bytes: countedBytes }, signal, (at) => {
        consumed = at
      })) {
        value += page.count
        if (before + consumed >= countedBytes && before + consumed < total) {
          return { value: Math.round((value * total) / (before + consumed)), exact: false }
        }
      }
      before += consumed
    }
    return { value, exact: true }
  }

  read({ after, page, signal }: ReadOptions): AsyncGenerator<RawRecordsPage> {
    return this.#pages(after === null ? null : placeOf(after), page, signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  async *#pages(from: Place | null, limits: ReadOptions['page'], signal: AbortSignal): AsyncGenerator<RawRecordsPage> {
    for (const file of await this.#files()) {
      const { name } = file
      if (from !== null && name < from.file) continue
      const isBegun = from !== null && name === from.file
      yield* readArrayFile(isBegun ? { ...file, from } : file, limits, signal)
    }
  }

  async #files(): Promise<ArrayFile[]> {
    const { gzip, values = 'extended', member, fileName } = this.options
    const shared = { gzip, values, member, key: this.key, from: { offset: 0, index: 0 } }
    if (this.options.directory === undefined) {
      return [{ ...shared, name: '', path: this.place, keyOf: (index) => [index] }]
    }
    const { prefix, digits } = fileNamesOf('jsonSource', fileName)
    // Behind the prefix there may be the name of a partition.
    const ending = new RegExp(
      fileName === undefined ? '\\.json(?:\\.gz)?$' : `(?:^|-)\\d{${digits},15}\\.json(?:\\.gz)?$`,
    )
    const isOne = (name: string): boolean =>
      !name.startsWith('.') && name.startsWith(prefix) && ending.test(name.slice(prefix.length))
    const names = (await readdir(this.place)).filter(isOne).sort()
    if (names.length === 0) {
      const what = fileName === undefined ? 'that ends in .json or .json.gz' : `with a name such as ${fileName}.json`
      throw new DroverError('SOURCE_NOT_FOUND', `${this.place} holds no file ${what}.`)
    }
    return names.map((name) => {
      return { ...shared, name, path: `${this.place}/${name}`, keyOf: (index: number): JsonValue[] => [name, index] }
    })
  }
}

function placeOf(cursor: Cursor): Place {
  const { file, offset, index } = (cursor ?? {}) as Partial<Place>
  if (typeof file === 'string' && Number.isSafeInteger(offset) && Number.isSafeInteger(index)) {
    return { file, offset: offset as number, index: index as number }
  }
  throw new DroverError('STATE_INVALID', 'The stored cursor is none that jsonSource made. Begin a new run.')
}
