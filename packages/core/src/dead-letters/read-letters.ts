import { type FileHandle, open } from 'node:fs/promises'
import type { Page } from '../contracts/page.js'
import type { ReadOptions } from '../contracts/source.js'
import type { Cursor, Row } from '../contracts/values.js'
import { fileError } from '../disk/file-error.js'
import { abortError } from '../engine/retry.js'
import { DroverError } from '../errors/drover-error.js'
import type { DeadLetter } from './dead-letter.js'
import type { IndexedLetter } from './letter-index.js'
import { letterOf } from './letter-line.js'
import { LetterPage } from './letter-page.js'

/** Pages of the records of letters, in the order in which those are given. */
export async function* readLetters(
  letters: readonly IndexedLetter[],
  { after, page, signal }: Pick<ReadOptions, 'after' | 'page' | 'signal'>,
): AsyncGenerator<Page<Row>> {
  const files = new OpenFiles()
  try {
    let at = after === null ? 0 : placeBehind(letters, after)
    while (at < letters.length) {
      if (signal.aborted) throw abortError(signal)
      const taken = take(letters, at, page)
      const read: DeadLetter[] = []
      for (const indexed of taken) read.push(await files.read(indexed))
      at += taken.length
      const bytes = taken.reduce((sum, letter) => sum + letter.bytes, 0)
      yield new LetterPage(read, taken.at(-1)?.order ?? null, bytes)
    }
  } finally {
    await files.close()
  }
}

function take(letters: readonly IndexedLetter[], from: number, limits: ReadOptions['page']): readonly IndexedLetter[] {
  let bytes = 0
  let to = from
  for (; to < letters.length && to - from < limits.records; to++) {
    const next = (letters[to] as IndexedLetter).bytes
    if (to > from && bytes + next > limits.bytes) break
    bytes += next
  }
  return letters.slice(from, to)
}

function placeBehind(letters: readonly IndexedLetter[], cursor: Cursor): number {
  if (typeof cursor !== 'string') {
    throw new DroverError('STATE_INVALID', 'The stored cursor is none of a read of dead letters. Start the run anew.')
  }
  const at = letters.findIndex(({ order }) => order > cursor)
  return at < 0 ? letters.length : at
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
