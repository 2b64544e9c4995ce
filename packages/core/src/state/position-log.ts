import { randomBytes } from 'node:crypto'
import { constants, type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Commit, Counts, Position } from '../contracts/position.js'
import { privateFile, readIfThere, syncFolder } from '../disk/durable.js'
import { systemCode } from '../disk/file-error.js'
import { DroverError } from '../errors/drover-error.js'

/** What a line keeps of a position; run and partition stand beside the log. */
export type Standing = Pick<Position, 'fence' | 'sequence' | 'cursor' | 'done' | 'counts'>

/** What a log says: where the partition stands, null if nothing was committed yet, undefined if the log says nothing. */
export type LogEnd = Standing | null | undefined

/** The line of a log that begins before the first commit. */
export interface Nothing {
  readonly fence: number
  readonly sequence: 0
}

/** Reads a log; 'gone' if there is none. @throws `STATE_INVALID` if it holds something else than positions */
export async function readLogEnd(path: string): Promise<LogEnd | 'gone'> {
  const text = await readIfThere(path)
  if (text === null) return 'gone'
  const lines = new LogLines(path)
  lines.read(text.slice(0, text.lastIndexOf('\n') + 1))
  return lines.end
}

export function standingOf({ fence, sequence, cursor, done, counts }: Commit): Standing {
  return { fence, sequence, cursor, done, counts }
}

/**
 * A file of positions to append to. Appends go to the end of the file whoever else appends, so the order of the lines
 * decides: of two with the same number the first one counts, for every reader.
 */
export class PositionLog {
  readonly #lines: LogLines
  /** Tells this log's own lines from those of others. */
  readonly #by = randomBytes(4).toString('hex')
  /** Where the last line read ends. */
  #read = 0
  #isTorn = false

  private constructor(
    readonly path: string,
    private readonly handle: FileHandle,
  ) {
    this.#lines = new LogLines(path)
  }

  /** Makes a log that is not there; null if it is. */
  static async create(path: string): Promise<PositionLog | null> {
    const handle = await openIf('EEXIST', path, 'ax+')
    if (handle === null) return null
    await syncFolder(dirname(path))
    return new PositionLog(path, handle)
  }

  /** Null if there is none. */
  static async open(path: string): Promise<PositionLog | null> {
    const handle = await openIf('ENOENT', path, constants.O_RDWR | constants.O_APPEND)
    return handle === null ? null : new PositionLog(path, handle)
  }

  /** Bytes of the lines read and written so far. */
  get length(): number {
    return this.#read
  }

  /** Where the partition stands, by this log, whoever wrote it. */
  async end(): Promise<LogEnd> {
    await this.#readOn()
    return this.#lines.end
  }

  /** Appends a position, durably. False if another one with its number was there first. */
  async append(standing: Standing | Nothing): Promise<boolean> {
    const line = JSON.stringify({ ...standing, by: this.#by })
    // A line that a crash, or a full disk, broke off is closed first, and so that it cannot count by now.
    const bytes = Buffer.from(`${this.#isTorn ? `${tornMark}\n` : ''}${line}\n`, 'utf8')
    for (let written = 0; written < bytes.length; ) {
      written += (await this.handle.write(bytes, written, bytes.length - written)).bytesWritten
    }
    await this.handle.datasync()
    return (await this.#readOn()).includes(line)
  }

  async close(): Promise<void> {
    await this.handle.close()
  }

  /** Reads the lines that came since, and gives those that count. */
  async #readOn(): Promise<readonly string[]> {
    const { size } = await this.handle.stat()
    const block = Buffer.alloc(Math.max(0, size - this.#read))
    const { bytesRead } = await this.handle.read(block, 0, block.length, this.#read)
    const bytes = block.subarray(0, bytesRead)
    const whole = bytes.subarray(0, bytes.lastIndexOf(0x0a) + 1)
    this.#isTorn = whole.length < bytes.length
    this.#read += whole.length
    return this.#lines.read(whole.toString('utf8'))
  }
}

/** Reads whole lines in the order they came, and knows which of them count. */
class LogLines {
  end: LogEnd

  constructor(private readonly path: string) {}

  /** @returns the lines that count */
  read(text: string): readonly string[] {
    return text.split('\n').filter((line) => line !== '' && this.#counts(line))
  }

  #counts(line: string): boolean {
    const standing = parsed(line)
    if (standing === undefined) {
      // Broken off by a full disk, say, and closed by the next append.
      if (isBeginning(line)) return false
      throw this.#foreign('it holds something else than positions')
    }
    if (this.end !== undefined) {
      const last = this.end?.sequence ?? 0
      const number = standing?.sequence ?? 0
      if (number <= last) return false
      if (number > last + 1) throw this.#foreign(`position ${number} follows position ${last}`)
    }
    this.end = standing
    return true
  }

  #foreign(why: string): DroverError {
    return new DroverError(
      'STATE_INVALID',
      `${this.path} cannot be read: ${why}. Put the file back as it was, or delete the run's folder to begin it anew.`,
    )
  }
}

const everyBeginning = '{"fence":'
const tornMark = '~'

function isBeginning(line: string): boolean {
  const torn = line.endsWith(tornMark) ? line.slice(0, -tornMark.length) : line
  return torn.startsWith(everyBeginning) || everyBeginning.startsWith(torn)
}

async function openIf(unless: string, path: string, flags: string | number): Promise<FileHandle | null> {
  try {
    return await open(path, flags, privateFile)
  } catch (error) {
    if (systemCode(error) === unless) return null
    throw error
  }
}

/** Undefined if the line is torn, or none of ours. */
function parsed(line: string): LogEnd {
  try {
    return standingIn(JSON.parse(line))
  } catch {
    return undefined
  }
}

function standingIn(value: unknown): LogEnd {
  if (typeof value !== 'object' || value === null) return undefined
  const { fence, sequence, cursor, done, counts } = value as Partial<Standing>
  if (!isCount(fence) || !isCount(sequence)) return undefined
  if (sequence === 0) return null
  if (cursor === undefined || typeof done !== 'boolean' || !areCounts(counts)) return undefined
  return { fence, sequence, cursor, done, counts }
}

const countNames = ['read', 'written', 'filtered', 'rejected', 'emitted', 'inserted', 'updated', 'skipped'] as const

function areCounts(counts: Partial<Counts> | undefined): counts is Counts {
  return typeof counts === 'object' && counts !== null && countNames.every((name) => isCount(counts[name]))
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value)
}
