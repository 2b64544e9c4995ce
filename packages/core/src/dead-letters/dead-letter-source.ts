import { type FileHandle, open } from 'node:fs/promises'
import type { Page } from '../contracts/page.js'
import type { RecordSchema } from '../contracts/schema.js'
import type { Count, ReadOptions, Source, SourceSession } from '../contracts/source.js'
import type { Cursor, Row } from '../contracts/values.js'
import { fileError } from '../disk/file-error.js'
import { abortError } from '../engine/retry.js'
import { checkOptionNames, checkText } from '../errors/check-options.js'
import { DroverError } from '../errors/drover-error.js'
import { checkKey } from '../memory/memory-source.js'
import { SchemaInference } from '../schema/infer-schema.js'
import type { DeadLetter } from './dead-letter.js'
import { type IndexedLetter, indexLetters } from './letter-index.js'
import { letterOf } from './letter-line.js'
import { LetterPage } from './letter-page.js'

/** Options of {@link deadLetterSource}. */
export interface DeadLetterSourceOptions {
  /** Names the source in reports and in the run's fingerprint. @default `dead letters in <directory>` */
  readonly name?: string
  /** Only the letters of this run. @default those of all runs; of a record that several runs rejected, the last letter */
  readonly run?: string
  /** The fields that the records' keys are made of, for sinks that make a table. @default none */
  readonly key?: string | readonly string[]
  /** What the records look like. @default inferred from all of them */
  readonly schema?: Pick<RecordSchema, 'fields'>
}

/**
 * Reads the source records of dead letters, under their original keys, so that they can be sent through the same steps
 * again. Each record comes once, however often it was rejected. One that could not even be decoded is rejected again.
 *
 * @throws `OPTION_INVALID`; `SOURCE_NOT_FOUND` if there is no such folder, `SOURCE_INVALID` for a line that is no letter
 *
 * @example
 * await runPipeline({
 *   name: 'copy-replayed',
 *   source: from(deadLetterSource('.drover/dead-letters/copy')).pipe(repaired),
 *   sink,
 * })
 */
export function deadLetterSource(directory: string, options: DeadLetterSourceOptions = {}): Source<Row> {
  checkText('deadLetterSource', 'directory', directory)
  checkOptionNames('deadLetterSource', options, ['name', 'run', 'key', 'schema'])
  if (options.name !== undefined) checkText('deadLetterSource', 'name', options.name)
  if (options.run !== undefined) checkText('deadLetterSource', 'run', options.run)
  const key = options.key === undefined ? [] : checkKey('deadLetterSource', options.key)
  return {
    specVersion: 1,
    name: options.name ?? `dead letters in ${directory}`,
    connect: async (operation) => {
      const inference = options.schema === undefined ? new SchemaInference() : null
      const letters = await indexLetters(directory, options.run, operation, (letter) => {
        if (letter.record !== null) inference?.add(letter.record)
      })
      return new LetterSession(letters, { fields: options.schema?.fields ?? inference?.schema(key).fields ?? [], key })
    },
  }
}

class LetterSession implements SourceSession<Row> {
  constructor(
    private readonly letters: readonly IndexedLetter[],
    private readonly schema: RecordSchema,
  ) {}

  async describe(): Promise<RecordSchema> {
    return this.schema
  }

  async count(): Promise<Count> {
    return { value: this.letters.length, exact: true }
  }

  async *read({ after, page, signal }: ReadOptions): AsyncGenerator<Page<Row>> {
    const files = new OpenFiles()
    try {
      let at = after === null ? 0 : this.#behind(after)
      while (at < this.letters.length) {
        if (signal.aborted) throw abortError(signal)
        const taken = this.#take(at, page)
        const letters: DeadLetter[] = []
        for (const indexed of taken) letters.push(await files.read(indexed))
        at += taken.length
        const bytes = taken.reduce((sum, letter) => sum + letter.bytes, 0)
        yield new LetterPage(letters, taken.at(-1)?.order ?? null, bytes)
      }
    } finally {
      await files.close()
    }
  }

  #take(from: number, limits: ReadOptions['page']): readonly IndexedLetter[] {
    let bytes = 0
    let to = from
    for (; to < this.letters.length && to - from < limits.records; to++) {
      const next = (this.letters[to] as IndexedLetter).bytes
      if (to > from && bytes + next > limits.bytes) break
      bytes += next
    }
    return this.letters.slice(from, to)
  }

  #behind(cursor: Cursor): number {
    if (typeof cursor !== 'string') {
      throw new DroverError(
        'STATE_INVALID',
        'The stored cursor is none that deadLetterSource made. Start the run anew.',
      )
    }
    const at = this.letters.findIndex(({ order }) => order > cursor)
    return at < 0 ? this.letters.length : at
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** Letters lie scattered over files: one is open at a time. */
class OpenFiles {
  #path: string | undefined
  #handle: FileHandle | undefined

  async read({ path, offset, bytes }: IndexedLetter): Promise<DeadLetter> {
    try {
      const handle = await this.#open(path)
      const line = Buffer.alloc(bytes)
      const { bytesRead } = await handle.read(line, 0, bytes, offset)
      const letter = letterOf(line.toString('utf8', 0, bytesRead))
      if (letter !== undefined) return letter
    } catch (error) {
      throw fileError(error, `${path} could not be read`)
    }
    throw new DroverError('SOURCE_INVALID', `${path} was changed while it was read. Call again.`)
  }

  async close(): Promise<void> {
    const handle = this.#handle
    this.#handle = undefined
    this.#path = undefined
    await handle?.close()
  }

  async #open(path: string): Promise<FileHandle> {
    if (this.#handle !== undefined && this.#path === path) return this.#handle
    await this.close()
    this.#handle = await open(path, 'r')
    this.#path = path
    return this.#handle
  }
}
