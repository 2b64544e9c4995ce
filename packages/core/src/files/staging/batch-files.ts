import { randomUUID } from 'node:crypto'
import { link, rename, rm } from 'node:fs/promises'
import type { Claim } from '../../contracts/position.js'
import { namesIn, syncFolder } from '../../disk/durable.js'
import { systemCode } from '../../disk/file-error.js'
import { safeName } from '../../disk/safe-name.js'
import { DroverError } from '../../errors/drover-error.js'
import { identityOf, isSameFile } from './file-identity.js'
import type { Manifest, StaleFile } from './manifest.js'
import type { Beginning, PartitionStage } from './partition-stage.js'
import type { Placement } from './staged-output.js'

export interface BatchFilesOptions {
  /** As the user named it. */
  readonly output: string
  readonly folder: string
  readonly extension: string
  /** What stands before the numbers, and how many digits they have at least. */
  readonly names: FileNames
  /** Without it, files of an earlier run are replaced and others are not touched. */
  readonly onExisting: 'replace' | 'error' | undefined
}

/** How the files of a folder are called. */
export interface FileNames {
  readonly prefix: string
  readonly digits: number
}

/** A folder of files: `000001.json` and so on, or `<partition>-000001.json` if the output has several partitions. */
export class BatchFiles implements Placement {
  constructor(private readonly options: BatchFilesOptions) {}

  async begin({ partition }: Claim, before: Manifest | null): Promise<Beginning> {
    const { output, onExisting } = this.options
    const known = before?.files ?? 0
    const numbers = await this.#numbers(partition.id)
    const highest = Math.max(0, ...numbers)
    if (partition.start !== undefined) return { files: Math.max(known, highest) }
    const isFree = onExisting === 'error' ? highest === 0 : onExisting === 'replace' || highest <= known
    if (isFree) return { files: 0, stale: await this.#identified(partition.id, numbers) }
    throw new DroverError(
      'SINK_NOT_READY',
      `${output} holds ${this.#name(partition.id, highest)} already. Move such files away, or let them be replaced with onExisting: 'replace'.`,
    )
  }

  /** Finishes what a crash may have kept an earlier claim from: the last batch's name, and files of an earlier run. */
  async recover(stage: PartitionStage): Promise<void> {
    const { files, stale = [] } = stage.manifest
    await this.place(stage)
    const left = stale.filter(({ number }) => number > files)
    for (const file of left) await this.#remove(stage.id, file, stage.folder)
  }

  /** Gives the last committed batch its name, if it does not have it yet. */
  async place(stage: PartitionStage): Promise<void> {
    const { parts, files } = stage.manifest
    const [part] = parts
    if (part === undefined) return
    try {
      await rename(`${stage.folder}/${part.name}`, this.#path(stage.id, files))
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error
    }
    // The next manifest no longer names the part: by then its new name has to be on the disk.
    await syncFolder(this.options.folder)
  }

  /** Every file got its name when its batch was committed. */
  async complete(): Promise<void> {}

  async old({ partition, files }: Manifest): Promise<readonly StaleFile[]> {
    const numbers = await this.#numbers(partition.id)
    return this.#identified(
      partition.id,
      numbers.filter((number) => number <= files),
    )
  }

  async removeOld({ partition }: Manifest, old: readonly StaleFile[], aside: string): Promise<void> {
    for (const file of old) await this.#remove(partition.id, file, aside)
  }

  async #identified(partition: string, numbers: readonly number[]): Promise<StaleFile[]> {
    const files: StaleFile[] = []
    for (const number of numbers) {
      const identity = await identityOf(this.#path(partition, number))
      if (identity !== null) files.push({ number, ...identity })
    }
    return files
  }

  /**
   * Removes a file if it is still that one. This writer may have slept, and a later run have put a file of its own there: so
   * it is moved aside first, and put back if it is another.
   */
  async #remove(partition: string, file: StaleFile, aside: string): Promise<void> {
    const path = this.#path(partition, file.number)
    const moved = `${aside}/${randomUUID()}.part`
    try {
      await rename(path, moved)
      if (!isSameFile(await identityOf(moved), file)) await link(moved, path)
    } catch (error) {
      // Gone already, or replaced by a newer one still; and without its folder, this writer is of an output long finished.
      if (!['ENOENT', 'EEXIST'].includes(systemCode(error) ?? '')) throw error
    }
    await rm(moved, { force: true })
  }

  async #numbers(partition: string): Promise<number[]> {
    const { extension, folder, names } = this.options
    const prefix = this.#prefix(partition)
    const isNumber = new RegExp(`^\\d{${names.digits},15}$`)
    const numbers: number[] = []
    for (const name of await namesIn(folder)) {
      if (!name.startsWith(prefix) || !name.endsWith(extension)) continue
      const number = name.slice(prefix.length, -extension.length)
      if (isNumber.test(number)) numbers.push(Number(number))
    }
    return numbers
  }

  #path(partition: string, number: number): string {
    return `${this.options.folder}/${this.#name(partition, number)}`
  }

  #name(partition: string, number: number): string {
    const { names, extension } = this.options
    return `${this.#prefix(partition)}${String(number).padStart(names.digits, '0')}${extension}`
  }

  /** The engine calls the one partition of an undivided source `all`. */
  #prefix(partition: string): string {
    const { prefix } = this.options.names
    return partition === 'all' ? prefix : `${prefix}${safeName(partition)}-`
  }
}
