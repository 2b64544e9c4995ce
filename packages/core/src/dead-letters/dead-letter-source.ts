import type { Page } from '../contracts/page.js'
import type { RecordSchema } from '../contracts/schema.js'
import type { Count, ReadOptions, Source, SourceSession } from '../contracts/source.js'
import type { Row } from '../contracts/values.js'
import { checkOptionNames, checkText } from '../errors/check-options.js'
import { checkKey } from '../memory/memory-source.js'
import { SchemaInference } from '../schema/infer-schema.js'
import { type IndexedLetter, indexLetters } from './letter-index.js'
import { readLetters } from './read-letters.js'

/** Options of {@link deadLetterSource}. */
export interface DeadLetterSourceOptions {
  /** Names the source in reports and in the run's fingerprint. @default `dead letters in <directory>` */
  readonly name?: string
  /** Only the letters of this run. @default those of all runs; of a record that several runs rejected, the last letter */
  readonly run?: string
  /** Only the letters of this partition: of a copied database, those of the table of that name. @default those of all partitions */
  readonly partition?: string
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
  checkOptionNames('deadLetterSource', options, ['name', 'run', 'partition', 'key', 'schema'])
  if (options.name !== undefined) checkText('deadLetterSource', 'name', options.name)
  if (options.run !== undefined) checkText('deadLetterSource', 'run', options.run)
  if (options.partition !== undefined) checkText('deadLetterSource', 'partition', options.partition)
  const key = options.key === undefined ? [] : checkKey('deadLetterSource', options.key)
  return {
    specVersion: 1,
    name: options.name ?? `dead letters in ${directory}`,
    connect: async (operation) => {
      const inference = options.schema === undefined ? new SchemaInference() : null
      const letters = await indexLetters(directory, options, operation, (letter) => {
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

  read({ after, page, signal }: ReadOptions): AsyncGenerator<Page<Row>> {
    return readLetters(this.letters, { after, page, signal })
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
