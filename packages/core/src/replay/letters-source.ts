import type { RecordSchema } from '../contracts/schema.js'
import type { ReadOptions, Source, SourceSession } from '../contracts/source.js'
import type { Operation, Row } from '../contracts/values.js'
import { letterFiles } from '../dead-letters/dead-letter-folder.js'
import { findLetters, type IndexedLetter, lastOfEach } from '../dead-letters/letter-index.js'
import { readLetters } from '../dead-letters/read-letters.js'
import { DroverError } from '../errors/drover-error.js'
import { frozenOf } from './frozen-letters.js'

/** The records of the letters that a replay's bounds name, described as the source describes them that they came from. */
export function lettersSource(pipeline: string, folder: string, original: Source): Source<Row> {
  return {
    specVersion: 1,
    name: `dead letters of ${pipeline}`,
    connect: async () => new LettersSession(pipeline, folder, original),
  }
}

class LettersSession implements SourceSession<Row> {
  #index: Promise<readonly IndexedLetter[]> | undefined

  constructor(
    private readonly pipeline: string,
    private readonly folder: string,
    private readonly original: Source,
  ) {}

  async describe(operation: Operation): Promise<RecordSchema> {
    try {
      await using session = await this.original.connect(operation)
      return await session.describe(operation)
    } catch (error) {
      // The letters hold the records; what they look like can be seen from them, too.
      if (DroverError.isInstance(error, 'SOURCE_NOT_FOUND')) return { fields: [], key: [] }
      throw error
    }
  }

  async *read(options: ReadOptions): ReturnType<SourceSession<Row>['read']> {
    this.#index ??= this.#find(options)
    yield* readLetters(await this.#index, options)
  }

  #find({ partition, signal }: ReadOptions): Promise<readonly IndexedLetter[]> {
    const frozen = frozenOf(partition)
    const find = async (): Promise<readonly IndexedLetter[]> => {
      const rangeOf = ({ name }: { readonly name: string }) => {
        const to = frozen.to[name]
        return to === undefined ? null : { from: frozen.from[name] ?? 0, to }
      }
      const letters = findLetters(await letterFiles(this.folder), rangeOf, { signal })
      return lastOfEach(letters, ({ letter }) => letter.pipeline === this.pipeline)
    }
    return find().catch((error: unknown) => {
      this.#index = undefined
      throw error
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
