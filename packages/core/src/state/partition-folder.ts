import { rm } from 'node:fs/promises'
import type { Partition } from '../contracts/position.js'
import { namesIn, placeFolder, readIfThere, replaceFile } from '../disk/durable.js'
import { systemCode } from '../disk/file-error.js'
import { DroverError } from '../errors/drover-error.js'
import { isObject, parseFile } from './parse-file.js'
import { firstLogFile, type LogEnd, PositionLog, readLogEnd } from './position-log.js'

/** Who holds a fence. */
export interface StoredLease {
  readonly partition: Partition
  /** Null once it was given back. */
  readonly holder: string | null
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

const leaseFile = 'lease.json'
/** Each further look is due to another process having taken over meanwhile. */
const mostLooks = 1000

/**
 * One partition of a run: a folder per fence, with the lease and the log of positions in it.
 *
 * Why no commit is lost or counts twice, whatever is paused or killed when:
 * - A fence's folder appears at once with its lease in it, and only once: one process gets it.
 * - The new holder makes its folder first, then reads the newest older log, copies its last position into its own, and
 *   only then removes the older folders. Nobody reads an older log any more once a newer one says something.
 * - A commit is appended and fsynced, and only then looks for a higher fence. If it sees none, the append came before the
 *   higher fence's folder, so its holder reads it. If it sees one, it is refused; whether the new holder has seen the line
 *   is all the same, for it goes on from what it has seen.
 *
 * The folder must lie on a disk whose changes other processes see at once: a local one, not a network share.
 */
export class PartitionFolder {
  constructor(
    readonly path: string,
    private readonly aside: string,
  ) {}

  /** All fences whose folder is there, highest first. */
  async fences(): Promise<number[]> {
    const names = await namesIn(this.path)
    return names
      .filter((name) => /^\d{8,}$/.test(name))
      .map(Number)
      .sort((a, b) => b - a)
  }

  /** Null if the fence's folder is gone. @throws `STATE_INVALID` */
  async lease(fence: number): Promise<StoredLease | null> {
    const path = `${this.#folder(fence)}/${leaseFile}`
    const text = await readIfThere(path)
    return text === null ? null : parseFile(path, text, leaseOf)
  }

  /** Takes a fence; false if another was quicker. */
  claim(fence: number, lease: StoredLease): Promise<boolean> {
    return placeFolder(this.#folder(fence), { [leaseFile]: JSON.stringify(lease), [firstLogFile]: '' }, this.aside)
  }

  /** Changes the lease of a fence; false if its folder is gone. */
  async renew(fence: number, lease: StoredLease): Promise<boolean> {
    try {
      await replaceFile(`${this.#folder(fence)}/${leaseFile}`, JSON.stringify(lease), this.aside)
      return true
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return false
      throw error
    }
  }

  /** The log of a fence; null if its folder is gone. */
  log(fence: number): Promise<PositionLog | null> {
    return PositionLog.open(this.#folder(fence))
  }

  /** Where the partition stands, by the newest log that says so; null if nothing was committed yet. */
  async standing(): Promise<Exclude<LogEnd, undefined>> {
    for (let look = 0; look < mostLooks; look++) {
      const end = await this.#endOfNewest(await this.fences())
      if (end !== 'gone') return end
    }
    throw new DroverError(
      'STORE_BUSY',
      `${this.path}: its files keep changing while they are read. Is something else writing there?`,
      { isRetryable: true },
    )
  }

  /**
   * Makes the log of a fence just claimed go on where the older ones end, and removes those.
   *
   * @returns where the partition stands; undefined if another has taken over meanwhile
   */
  async takeOver(fence: number): Promise<LogEnd> {
    const end = await this.standing()
    const standing = end === null ? null : { ...end, fence }
    const log = await this.log(fence)
    if (log === null) return undefined
    try {
      await log.append(standing)
    } finally {
      await log.close()
    }
    // If this process was paused, whoever took over may have removed the older logs before they were read.
    if ((await this.fences())[0] !== fence) return undefined
    await this.#removeBelow(fence)
    return standing
  }

  /** Nobody reads the logs of lower fences any more. */
  async #removeBelow(fence: number): Promise<void> {
    for (const lower of await this.fences()) {
      if (lower >= fence) continue
      try {
        await rm(this.#folder(lower), { recursive: true, force: true })
      } catch (error) {
        // Its holder of old is just putting a file there; whoever comes next removes it.
        if (systemCode(error) !== 'ENOTEMPTY') throw error
      }
    }
  }

  async #endOfNewest(fences: readonly number[]): Promise<Exclude<LogEnd, undefined> | 'gone'> {
    for (const fence of fences) {
      const end = await readLogEnd(this.#folder(fence))
      if (end !== undefined) return end
    }
    const lowest = fences.at(-1) ?? 1
    if (lowest === 1) return null
    // The first holder's folder goes only when a later log says where the partition stands.
    throw new DroverError(
      'STATE_INVALID',
      `${this.#folder(lowest)} does not say where the partition stands, and the logs before it are gone. Put the files back as they were, or delete the run's folder to begin it anew.`,
    )
  }

  #folder(fence: number): string {
    return `${this.path}/${String(fence).padStart(8, '0')}`
  }
}

function leaseOf(value: unknown): StoredLease | undefined {
  if (!isObject<StoredLease>(value)) return undefined
  const { partition, holder, expiresAt } = value
  const isWhole = isObject<Partition>(partition) && typeof partition.id === 'string' && partition.bounds !== undefined
  const isHeld = (holder === null || typeof holder === 'string') && typeof expiresAt === 'number'
  return isWhole && isHeld ? (value as unknown as StoredLease) : undefined
}
