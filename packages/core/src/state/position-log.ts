import { rm } from 'node:fs/promises'
import type { Commit, Counts, Position } from '../contracts/position.js'
import { AppendLog } from '../disk/append-log.js'
import { namesIn, readIfThere } from '../disk/durable.js'
import { DroverError } from '../errors/drover-error.js'

/** What a line keeps of a position; run and partition stand beside the log. */
export type Standing = Pick<Position, 'fence' | 'sequence' | 'cursor' | 'done' | 'counts'>

/** What a log says: where the partition stands, null if nothing was committed yet, undefined if the log says nothing. */
export type LogEnd = Standing | null | undefined

/** A log this long is continued in a new file, or a long run would leave hundreds of megabytes. */
const fullBytes = 1024 * 1024

const fileName = /^positions-(\d+)\.ndjson$/
const nameOf = (number: number): string => `positions-${number}.ndjson`

/** The file a new log begins with: made together with its folder, still empty. */
export const firstLogFile = nameOf(1)

/** The log of one partition under one fence, in the folder of that fence: a line per commit, the last line counts. */
export class PositionLog {
  private constructor(
    private readonly folder: string,
    private number: number,
    private file: AppendLog,
    private last: LogEnd,
  ) {}

  /** Opens the log to append to it; null if its folder is gone. */
  static async open(folder: string): Promise<PositionLog | null> {
    const [number] = await numbersIn(folder)
    if (number === undefined) return null
    const file = await AppendLog.open(`${folder}/${nameOf(number)}`)
    return new PositionLog(folder, number, file, await lastOf(folder))
  }

  /** Where the partition stands, by this log. */
  async end(): Promise<LogEnd> {
    if (await this.file.hasGrown()) await this.#reopen()
    return this.last
  }

  /** Durable when it returns. */
  async append(standing: Standing | null): Promise<void> {
    const line = `${JSON.stringify(standing)}\n`
    if (this.file.length >= fullBytes) await this.#continue(line)
    else await this.file.append(line)
    this.last = standing
  }

  async close(): Promise<void> {
    await this.file.close()
  }

  async #continue(line: string): Promise<void> {
    const next = await AppendLog.open(`${this.folder}/${nameOf(this.number + 1)}`)
    try {
      await next.append(line)
    } catch (error) {
      await next.close()
      throw error
    }
    await this.file.close()
    await rm(`${this.folder}/${nameOf(this.number)}`, { force: true })
    this.file = next
    this.number++
  }

  async #reopen(): Promise<void> {
    await this.file.close()
    const [number] = await numbersIn(this.folder)
    this.number = number ?? this.number
    this.file = await AppendLog.open(`${this.folder}/${nameOf(this.number)}`)
    this.last = await lastOf(this.folder)
  }
}

/**
 * What the log in a folder says; 'gone' if the folder is gone.
 *
 * @throws `STATE_INVALID` if a file in it is none of ours
 */
export async function readLogEnd(folder: string): Promise<LogEnd | 'gone'> {
  let numbers = await numbersIn(folder)
  while (numbers.length > 0) {
    const end = await endOfFirst(folder, numbers)
    if (end !== 'gone') return end
    numbers = await numbersIn(folder) // the log was continued in a new file meanwhile
  }
  return 'gone'
}

/** By the newest file that says something: a crash may have left one behind it that is empty. */
async function endOfFirst(folder: string, numbers: readonly number[]): Promise<LogEnd | 'gone'> {
  for (const number of numbers) {
    const path = `${folder}/${nameOf(number)}`
    const text = await readIfThere(path)
    if (text === null) return 'gone'
    const end = endOf(text, path)
    if (end !== undefined) return end
  }
  return undefined
}

async function lastOf(folder: string): Promise<LogEnd> {
  const end = await readLogEnd(folder)
  return end === 'gone' ? undefined : end
}

export function standingOf({ fence, sequence, cursor, done, counts }: Commit): Standing {
  return { fence, sequence, cursor, done, counts }
}

/** Newest first. */
async function numbersIn(folder: string): Promise<number[]> {
  const numbers: number[] = []
  for (const name of await namesIn(folder)) {
    const [, digits] = fileName.exec(name) ?? []
    if (digits !== undefined) numbers.push(Number(digits))
  }
  return numbers.sort((a, b) => b - a)
}

/** The last whole line. Behind it, and instead of it, there may be what a crash left of an append: one line at most. */
function endOf(text: string, path: string): LogEnd {
  const lines = text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .slice(0, -1)
  const last = parsed(lines.at(-1))
  if (last !== undefined || lines.length === 0) return last
  const before = parsed(lines.at(-2))
  if (before !== undefined) return before
  throw new DroverError(
    'STATE_INVALID',
    `${path} cannot be read: it holds something else than positions. Put the file back as it was, or delete the run's folder to begin it anew.`,
  )
}

function parsed(line: string | undefined): LogEnd {
  if (line === undefined) return undefined
  try {
    const value: unknown = JSON.parse(line)
    return value === null || isStanding(value) ? value : undefined
  } catch {
    return undefined // a torn line; the caller decides
  }
}

function isStanding(value: unknown): value is Standing {
  if (typeof value !== 'object' || value === null) return false
  const { fence, sequence, cursor, done, counts } = value as Partial<Standing>
  return (
    Number.isSafeInteger(fence) &&
    Number.isSafeInteger(sequence) &&
    cursor !== undefined &&
    typeof done === 'boolean' &&
    areCounts(counts)
  )
}

const countNames = ['read', 'written', 'filtered', 'rejected', 'emitted', 'inserted', 'updated', 'skipped'] as const

function areCounts(counts: Partial<Counts> | undefined): boolean {
  return typeof counts === 'object' && counts !== null && countNames.every((name) => Number.isSafeInteger(counts[name]))
}
