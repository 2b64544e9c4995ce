import { rm, stat } from 'node:fs/promises'
import type { Claim } from '../contracts/position.js'
import { AppendLog } from '../disk/append-log.js'
import { hideFromGit, makeFolder, namesIn } from '../disk/durable.js'
import { fileError, systemCode } from '../disk/file-error.js'
import { safeName } from '../disk/safe-name.js'
import { checkText, shown } from '../errors/check-options.js'
import { DroverError } from '../errors/drover-error.js'
import type { DeadLetter, DeadLetterStore, DeadLetterWriter } from './dead-letter.js'
import { letterLine, voidLine } from './letter-line.js'

/**
 * Keeps dead letters in a folder of NDJSON files, one per run, partition and fence: mode 0600, in a folder of mode 0700
 * if it is made here, kept out of git. Nothing is made before the first letter.
 *
 * @throws `OPTION_INVALID`; while writing `STORE_FULL`, `STORE_DENIED`, `STORE_UNAVAILABLE`
 */
export function deadLetterFolder(directory: string): DeadLetterStore {
  checkText('deadLetterFolder', 'directory', directory)
  const writers = new Map<string, FolderWriter>()
  return {
    place: directory,
    open: async (claim) => {
      const path = pathOf(directory, claim)
      const writer = writers.get(path) ?? new FolderWriter(directory, claim)
      writers.delete(path)
      return writer
    },
    resume: async (claim, sequence) => {
      if (claim.fence <= 1) return // nobody was there before
      const writer = new FolderWriter(directory, claim, sequence)
      writers.set(pathOf(directory, claim), writer)
      const files = await letterFiles(directory)
      if (files.some((file) => isEarlier(file, claim))) await writer.begin()
    },
  }
}

/**
 * Removes the files of dead letters that nothing was added to since `olderThan`.
 *
 * @returns the paths of the files removed
 * @throws `OPTION_INVALID`, `STORE_DENIED`
 *
 * @example
 * await pruneDeadLetters('.drover/dead-letters/copy', { olderThan: new Date(Date.now() - 30 * 86_400_000) })
 */
export async function pruneDeadLetters(
  directory: string,
  { olderThan }: { readonly olderThan: Date },
): Promise<readonly string[]> {
  checkText('pruneDeadLetters', 'directory', directory)
  if (!(olderThan instanceof Date) || Number.isNaN(olderThan.getTime())) {
    throw new DroverError('OPTION_INVALID', `pruneDeadLetters: olderThan is a valid Date, not ${shown(olderThan)}.`)
  }
  const removed: string[] = []
  for (const { path, changedAt } of await letterFiles(directory)) {
    if (changedAt >= olderThan.getTime()) continue
    await rm(path, { force: true }).catch((error: unknown) => {
      throw fileError(error, `${path} could not be removed`)
    })
    removed.push(path)
  }
  return removed
}

/** A file of dead letters. */
export interface LetterFile {
  readonly path: string
  readonly name: string
  /** The run's id, as names of files have it. */
  readonly run: string
  /** The partition's id, as names of files have it. */
  readonly partition: string
  readonly fence: number
  /** Milliseconds since 1970. */
  readonly changedAt: number
}

/** The files of dead letters in a folder, the one changed last at the end; none if there is no such folder. */
export async function letterFiles(directory: string): Promise<readonly LetterFile[]> {
  const files: LetterFile[] = []
  try {
    for (const name of (await namesIn(directory)).sort()) {
      const [, run, partition, fence] = fileName.exec(name) ?? []
      if (run === undefined || partition === undefined) continue
      const path = `${directory}/${name}`
      const changedAt = await timeOf(path)
      if (changedAt !== undefined) files.push({ path, name, run, partition, fence: Number(fence), changedAt })
    }
  } catch (error) {
    throw fileError(error, `The dead letters in ${directory} could not be read`)
  }
  return files.sort((a, b) => a.changedAt - b.changedAt)
}

const fileName = /^([^.]+)\.([^.]+)\.(\d{8,})\.ndjson$/

function pathOf(directory: string, { run, partition, fence }: Claim): string {
  const names = [safeName(run), safeName(partition.id), String(fence).padStart(8, '0')]
  return `${directory}/${names.join('.')}.ndjson`
}

function isEarlier(file: LetterFile, { run, partition, fence }: Claim): boolean {
  return file.run === safeName(run) && file.partition === safeName(partition.id) && file.fence < fence
}

/** Undefined if the file was pruned meanwhile. */
async function timeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mtimeMs
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}

class FolderWriter implements DeadLetterWriter {
  #log: AppendLog | undefined
  readonly #path: string

  /** @param resumed Number of the last committed batch, where somebody else may have written letters behind it. */
  constructor(
    private readonly directory: string,
    claim: Claim,
    private readonly resumed?: number,
  ) {
    this.#path = pathOf(directory, claim)
  }

  /** Makes the file, though there is no letter yet: its first line says what counts for nothing. */
  async begin(): Promise<void> {
    try {
      this.#log ??= await this.#open()
    } catch (error) {
      throw fileError(error, `The dead letters could not be written to ${this.#path}`)
    } finally {
      await this.close()
    }
  }

  async append(letters: readonly DeadLetter[]): Promise<void> {
    if (letters.length === 0) return
    try {
      this.#log ??= await this.#open()
      await this.#log.append(letters.map(letterLine).join(''))
    } catch (error) {
      throw fileError(error, `The dead letters could not be written to ${this.#path}`)
    }
  }

  async close(): Promise<void> {
    const log = this.#log
    this.#log = undefined
    await log?.close()
  }

  async #open(): Promise<AppendLog> {
    if (await makeFolder(this.directory, this.directory)) await hideFromGit(this.directory)
    const log = await AppendLog.open(this.#path)
    if (log.isEmpty && this.resumed !== undefined) await log.append(voidLine(this.resumed))
    return log
  }
}
