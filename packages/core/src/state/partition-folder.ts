import { rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Partition } from '../contracts/position.js'
import type { JsonValue } from '../contracts/values.js'
import { makeFolderIn, namesIn, placeFolder, readIfThere, replaceFile, syncFolder } from '../disk/durable.js'
import { systemCode } from '../disk/file-error.js'
import { DroverError } from '../errors/drover-error.js'
import { isObject, parseFile } from './parse-file.js'
import { type LogEnd, PositionLog, readLogEnd } from './position-log.js'

/** Who holds a fence. */
export interface StoredLease {
  readonly partition: Partition
  /** Null once it was given back. */
  readonly holder: string | null
  /** Milliseconds since 1970. */
  readonly expiresAt: number
  /** What its holder told last. */
  readonly telling?: JsonValue
}

/** A log of positions: the one of its fence, or the next part of it. */
export interface LogName {
  readonly fence: number
  readonly part: number
}

/** What is in the folder at one moment, newest first. */
export interface Listing {
  readonly fences: readonly number[]
  readonly logs: readonly LogName[]
}

const heldName = 'lease.json'
const releasedName = 'released.json'

/** Each further look is due to another process having taken over meanwhile. */
const mostLooks = 1000

/**
 * One partition of a run. A fence is a folder with a lease in it, `00000001/lease.json`; beside it lies its log of
 * positions, `00000001.1.ndjson`, which goes on in `00000001.2.ndjson` when it is long. The lease of a fence that was given back is
 * called `released.json`: a new name needs no room, so that it is given back on a full disk too, and the fence stands as before.
 *
 * Why no commit is lost or counts twice, whatever is paused or killed when:
 * - A fence's folder appears at once with its lease in it, and only once: one process gets it.
 * - The new holder makes its folder first, then reads the newest log, copies its last position into its own, and only
 *   then removes the older logs and folders. Nobody reads an older log once a newer one says something.
 * - A commit is appended and fsynced, and only then looks for a higher fence. If it sees none, the append came before the
 *   higher fence's folder, so its holder reads it. If it sees one, it is refused; whether the new holder has read the line
 *   is all the same, for it goes on from what it has read.
 * - The parts of a log follow each other by the same rule.
 *
 * The folder must lie on a disk whose changes other processes see at once: a local one, not a network share.
 */
export class PartitionFolder {
  constructor(
    readonly path: string,
    private readonly aside: string,
  ) {}

  async list(): Promise<Listing> {
    const fences: number[] = []
    const logs: LogName[] = []
    for (const name of await namesIn(this.path)) {
      const [, fence, part] = /^(\d{8,})(?:\.(\d+)\.ndjson)?$/.exec(name) ?? []
      if (part !== undefined) logs.push({ fence: Number(fence), part: Number(part) })
      else if (fence !== undefined) fences.push(Number(fence))
    }
    fences.sort((a, b) => b - a)
    logs.sort((a, b) => b.fence - a.fence || b.part - a.part)
    return { fences, logs }
  }

  /** Null if the fence's folder is gone. @throws `STATE_INVALID` */
  async lease(fence: number): Promise<StoredLease | null> {
    const held = await this.#leaseIn(`${this.#fence(fence)}/${heldName}`)
    if (held !== null) return held
    const released = await this.#leaseIn(`${this.#fence(fence)}/${releasedName}`)
    if (released === null) return null
    const { telling: _, ...given } = released
    return { ...given, holder: null }
  }

  /** Takes a fence; false if another was quicker. */
  async claim(fence: number, lease: StoredLease): Promise<boolean> {
    await makeFolderIn(dirname(this.path))
    await makeFolderIn(this.path)
    return placeFolder(this.#fence(fence), { [heldName]: JSON.stringify(lease) }, this.aside)
  }

  /** Changes the lease of a fence; false if its folder is gone. */
  async renew(fence: number, lease: StoredLease): Promise<boolean> {
    try {
      await replaceFile(`${this.#fence(fence)}/${heldName}`, JSON.stringify(lease), this.aside)
      return true
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return false
      throw error
    }
  }

  /** Gives a fence's lease back; nothing if its folder is gone. It needs no room. */
  async giveBack(fence: number): Promise<void> {
    const folder = this.#fence(fence)
    try {
      await rename(`${folder}/${heldName}`, `${folder}/${releasedName}`)
      await syncFolder(folder)
    } catch (error) {
      // Given back already, or whoever took over has removed it.
      if (systemCode(error) !== 'ENOENT') throw error
    }
  }

  /** Where the partition stands, by the newest log that says so; null if nothing was committed yet. */
  async standing(): Promise<Exclude<LogEnd, undefined>> {
    let before = ''
    for (let look = 0; look < mostLooks; look++) {
      const listing = await this.list()
      const end = await this.#endOfNewest(listing)
      if (end !== undefined && end !== 'gone') return end
      // A listing taken while names come and go may miss some (`man 3 readdir`): that nothing is there is said when it is seen twice.
      const now = JSON.stringify(listing)
      if (end === undefined && now === before) return this.#nothingIn(listing)
      before = now
    }
    throw new DroverError(
      'STORE_BUSY',
      `${this.path}: its files keep changing while they are read. Is something else writing there?`,
      { isRetryable: true },
    )
  }

  /** Null if it is not there. */
  openLog(name: LogName): Promise<PositionLog | null> {
    return PositionLog.open(this.#log(name))
  }

  /**
   * Begins a log, where the older ones end, and removes those.
   *
   * @returns where the partition stands; undefined if another has taken over, or begun the log, meanwhile
   */
  async beginLog(name: LogName): Promise<LogEnd> {
    const log = await PositionLog.create(this.#log(name))
    if (log === null) return undefined
    try {
      const end = await this.standing()
      const standing = end === null ? null : { ...end, fence: name.fence }
      await log.append(standing ?? { fence: name.fence, sequence: 0 })
      // If this process was paused, whoever took over may have removed the older logs before they were read here.
      const { fences } = await this.list()
      if (fences[0] !== name.fence) return undefined
      await this.#removeBefore(name)
      return standing
    } finally {
      await log.close()
    }
  }

  /** Nobody reads the logs before it any more. */
  async #removeBefore({ fence, part }: LogName): Promise<void> {
    const { fences, logs } = await this.list()
    const older = logs.filter((log) => log.fence < fence || (log.fence === fence && log.part < part))
    for (const log of older) await rm(this.#log(log), { force: true })
    for (const lower of fences.filter((other) => other < fence)) {
      try {
        await rm(this.#fence(lower), { recursive: true, force: true })
      } catch (error) {
        // Its holder of old is just putting a file there; whoever comes next removes it.
        if (systemCode(error) !== 'ENOTEMPTY') throw error
      }
    }
  }

  async #endOfNewest({ logs }: Listing): Promise<LogEnd | 'gone'> {
    for (const name of logs) {
      const end = await readLogEnd(this.#log(name))
      if (end !== undefined) return end
    }
    return undefined
  }

  /** The first holder's files go only once a later log says where the partition stands. */
  #nothingIn({ fences }: Listing): null {
    if (fences.length === 0 || fences.at(-1) === 1) return null
    throw new DroverError(
      'STATE_INVALID',
      `${this.path} does not say where the partition stands: its logs are gone. Put them back, or delete the run's folder to begin it anew.`,
    )
  }

  async #leaseIn(path: string): Promise<StoredLease | null> {
    const text = await readIfThere(path)
    return text === null ? null : parseFile(path, text, leaseOf)
  }

  #fence(fence: number): string {
    return `${this.path}/${String(fence).padStart(8, '0')}`
  }

  #log({ fence, part }: LogName): string {
    return `${this.#fence(fence)}.${part}.ndjson`
  }
}

function leaseOf(value: unknown): StoredLease | undefined {
  if (!isObject<StoredLease>(value)) return undefined
  const { partition, holder, expiresAt } = value
  const isWhole = isObject<Partition>(partition) && typeof partition.id === 'string' && partition.bounds !== undefined
  const isHeld = (holder === null || typeof holder === 'string') && typeof expiresAt === 'number'
  return isWhole && isHeld ? (value as unknown as StoredLease) : undefined
}
