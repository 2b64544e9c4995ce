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
import { letterOf, voidBehind } from './letter-line.js'

/** Where a letter lies. */
export interface IndexedLetter {
  /** From pipeline and key: the place of its record in the order of reading, whatever letters come later. */
  readonly order: string
  readonly path: string
  readonly offset: number
  readonly bytes: number
}

/** A letter, and where it lies. */
export interface FoundLetter extends IndexedLetter {
  readonly letter: DeadLetter
  readonly file: LetterFile
}

/** A part of a file, in bytes. */
export interface LetterRange {
  readonly from: number
  /** Where it ends, if not with the file. */
  readonly to?: number
}

/**
 * The last letter of every record, in the order of reading. About 150 bytes are held per letter.
 *
 * @throws `SOURCE_NOT_FOUND`, `SOURCE_INVALID`
 */
export async function indexLetters(
  directory: string,
  { run, partition }: { readonly run?: string | undefined; readonly partition?: string | undefined },
  operation: Operation,
  onLetter: (letter: DeadLetter) => void,
): Promise<readonly IndexedLetter[]> {
  const files = await letterFiles(directory)
  if (files.length === 0 && (await namesIn(directory)).length === 0) {
    throw new DroverError(
      'SOURCE_NOT_FOUND',
      `There are no dead letters in ${directory}. A run's report says where its dead letters are.`,
    )
  }
  const rangeOf = (file: LetterFile): LetterRange | null =>
    (run === undefined || file.run === safeName(run)) &&
    (partition === undefined || file.partition === safeName(partition))
      ? { from: 0 }
      : null
  return lastOfEach(findLetters(files, rangeOf, operation), ({ letter }) => {
    if (partition !== undefined && letter.partition !== partition) return false
    onLetter(letter)
    return true
  })
}

/** Of every record the last letter that is wanted, in the order of reading. */
export async function lastOfEach(
  letters: AsyncIterable<FoundLetter>,
  isWanted: (found: FoundLetter) => boolean,
): Promise<readonly IndexedLetter[]> {
  const found = new Map<string, IndexedLetter>()
  for await (const one of letters) {
    const { order, path, offset, bytes } = one
    if (isWanted(one)) found.set(order, { order, path, offset, bytes })
  }
  return [...found.values()].sort((a, b) => (a.order < b.order ? -1 : 1))
}

/** The letters of some files, one file behind the other, without those whose batch was never committed. @throws `SOURCE_INVALID` */
export async function* findLetters(
  files: readonly LetterFile[],
  rangeOf: (file: LetterFile) => LetterRange | null,
  { signal }: Operation,
): AsyncGenerator<FoundLetter, void, undefined> {
  const heirs = await heirsOf(files)
  const breather = new Breather()
  for (const file of files) {
    const { path } = file
    const range = rangeOf(file)
    if (range === null) continue
    const counts = heirs.get(partitionOf(file))?.filter(({ fence }) => fence > file.fence) ?? []
    const lastCounting = Math.min(Number.POSITIVE_INFINITY, ...counts.map(({ behind }) => behind))
    try {
      let number = 0
      for await (const { text, offset, bytes } of readLines(path)) {
        number++
        if (offset >= (range.to ?? Number.POSITIVE_INFINITY)) break
        if (offset < range.from || (number === 1 && voidBehind(text) !== undefined)) continue
        const letter = letterOf(text)
        if (letter === undefined) throw notALetter(path, number)
        if ((letter.sequence ?? 0) <= lastCounting) yield { letter, file, order: orderOf(letter), path, offset, bytes }
        if (breather.due) await breather.breathe()
        if (signal.aborted) throw abortError(signal)
      }
    } catch (error) {
      throw fileError(error, `${path} could not be read`)
    }
  }
}

/** Who went on in a partition under a later fence, and behind which batch. */
interface Heir {
  readonly fence: number
  readonly behind: number
}

async function heirsOf(files: readonly LetterFile[]): Promise<ReadonlyMap<string, readonly Heir[]>> {
  const heirs = new Map<string, Heir[]>()
  for (const file of files) {
    const behind = voidBehind(await firstLine(file.path))
    if (behind === undefined) continue
    const known = heirs.get(partitionOf(file)) ?? []
    heirs.set(partitionOf(file), [...known, { fence: file.fence, behind }])
  }
  return heirs
}

async function firstLine(path: string): Promise<string> {
  try {
    for await (const { text } of readLines(path)) return text
    return ''
  } catch (error) {
    throw fileError(error, `${path} could not be read`)
  }
}

function partitionOf({ run, partition }: LetterFile): string {
  return `${run}.${partition}`
}

function orderOf({ id, pipeline, partition, key, isPart }: DeadLetter): string {
  if (key === null) return id
  return recordId({ source: isPart === true ? [pipeline, { part: partition }, ...key] : [pipeline, ...key], child: 0 })
}

function notALetter(path: string, line: number): DroverError {
  return new DroverError(
    'SOURCE_INVALID',
    `${path} cannot be read: line ${line} is no dead letter. Put the file back as it was, or move it elsewhere to do without it.`,
  )
}
