import { rename, rm } from 'node:fs/promises'
import type { Claim } from '../../contracts/position.js'
import { namesIn, syncFolder } from '../../disk/durable.js'
import { systemCode } from '../../disk/file-error.js'
import { safeName } from '../../disk/safe-name.js'
import { DroverError } from '../../errors/drover-error.js'
import type { Manifest } from './manifest.js'
import type { Beginning, PartitionStage } from './partition-stage.js'
import type { Placement } from './staged-output.js'

export interface BatchFilesOptions {
  /** As the user named it. */
  readonly output: string
  readonly folder: string
  readonly extension: string
  /** Without it, files of an earlier run are replaced and others are not touched. */
  readonly onExisting: 'replace' | 'error' | undefined
}

const digits = 6

/** A folder of files: `000001.json` and so on, or `<partition>-000001.json` if the output has several partitions. */
export class BatchFiles implements Placement {
  constructor(private readonly options: BatchFilesOptions) {}

  async begin({ partition }: Claim, before: Manifest | null): Promise<Beginning> {
    const { output, onExisting } = this.options
    const known = before?.files ?? 0
    const highest = await this.#highest(partition.id)
    if (partition.start !== undefined) return { files: Math.max(known, highest) }
    const isFree = onExisting === 'error' ? highest === 0 : onExisting === 'replace' || highest <= known
    if (isFree) return { files: 0, stale: highest }
    throw new DroverError(
      'SINK_NOT_READY',
      `${output} holds ${this.#name(partition.id, highest)} already. Move such files away, or let them be replaced with onExisting: 'replace'.`,
    )
  }

  /** Finishes what a crash may have kept an earlier claim from: the last batch's name, and files of an earlier run. */
  async recover(stage: PartitionStage): Promise<void> {
    const { files, stale = 0 } = stage.manifest
    await this.place(stage)
    for (let number = files + 1; number <= stale; number++) await rm(this.#path(stage.id, number), { force: true })
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

  async dropOld({ partition, files }: Manifest): Promise<void> {
    for (let number = 1; number <= files; number++) await rm(this.#path(partition.id, number), { force: true })
  }

  async #highest(partition: string): Promise<number> {
    const prefix = prefixOf(partition)
    const { extension, folder } = this.options
    let highest = 0
    for (const name of await namesIn(folder)) {
      if (!name.startsWith(prefix) || !name.endsWith(extension)) continue
      const number = name.slice(prefix.length, -extension.length)
      if (/^\d{6,15}$/.test(number)) highest = Math.max(highest, Number(number))
    }
    return highest
  }

  #path(partition: string, number: number): string {
    return `${this.options.folder}/${this.#name(partition, number)}`
  }

  #name(partition: string, number: number): string {
    return `${prefixOf(partition)}${String(number).padStart(digits, '0')}${this.options.extension}`
  }
}

/** The engine calls the one partition of an undivided source `all`. */
function prefixOf(partition: string): string {
  return partition === 'all' ? '' : `${safeName(partition)}-`
}
