import type { Operation } from '../contracts/values.js'
import { namesIn } from '../disk/durable.js'
import { fileError } from '../disk/file-error.js'
import { readLines } from '../disk/read-lines.js'
import { safeName } from '../disk/safe-name.js'
import { Breather } from '../engine/breather.js'
import { abortError } from '../engine/retry.js'
import { DroverError } from '../errors/drover-error.js'
import { recordId } from '../identity/record-id.js'
import type { DeadLetter } from './dead-letter.js'
import { type LetterFile, letterFiles } from './dead-letter-folder.js'
import { letterOf } from './letter-line.js'

/** Where a letter lies. */
export interface IndexedLetter {
  /** From pipeline and key: the place of its record in the order of reading, whatever letters come later. */
  readonly order: string
  readonly path: string
  readonly offset: number
  readonly bytes: number
}

/**
 * The last letter of every record, in the order of reading. About 150 bytes are held per letter.
 *
 * @throws `SOURCE_NOT_FOUND`, `SOURCE_INVALID`
 */
export async function indexLetters(
  directory: string,
  run: string | undefined,
  { signal }: Operation,
  onLetter: (letter: DeadLetter) => void,
): Promise<readonly IndexedLetter[]> {
  const found = new Map<string, IndexedLetter>()
  const breather = new Breather()
  for (const { path, run: named } of await filesIn(directory)) {
    if (run !== undefined && named !== safeName(run)) continue
    try {
      let number = 0
      for await (const { text, offset, bytes } of readLines(path)) {
        number++
        const letter = letterOf(text)
        if (letter === undefined) throw notALetter(path, number)
        const order = orderOf(letter)
        found.set(order, { order, path, offset, bytes })
        onLetter(letter)
        if (breather.due) await breather.breathe()
        if (signal.aborted) throw abortError(signal)
      }
    } catch (error) {
      throw fileError(error, `${path} could not be read`)
    }
  }
  return [...found.values()].sort((a, b) => (a.order < b.order ? -1 : 1))
}

async function filesIn(directory: string): Promise<readonly LetterFile[]> {
  const files = await letterFiles(directory)
  if (files.length === 0 && (await namesIn(directory)).length === 0) {
    throw new DroverError(
      'SOURCE_NOT_FOUND',
      `There are no dead letters in ${directory}. A run's report says where its dead letters are.`,
    )
  }
  return files
}

function orderOf({ id, pipeline, key }: DeadLetter): string {
  return key === null ? id : recordId({ source: [pipeline, ...key], child: 0 })
}

function notALetter(path: string, line: number): DroverError {
  return new DroverError(
    'SOURCE_INVALID',
    `${path} cannot be read: line ${line} is no dead letter. Put the file back as it was, or move it elsewhere to do without it.`,
  )
}
