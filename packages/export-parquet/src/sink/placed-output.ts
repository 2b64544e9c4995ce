import { randomUUID } from 'node:crypto'
import { open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import {
  assembling,
  type Beginning,
  type Claim,
  type ConnectOperation,
  DroverError,
  dropAssembled,
  type FileIdentity,
  fenced,
  identityOf,
  isSameFile,
  type Manifest,
  MissingOutput,
  type Operation,
  type PartitionStage,
  type Placement,
  readIfThere,
  type StagedPartition,
  syncFolder,
  systemCode,
} from '@drover/core'
import { Announcer } from './announcer.js'
import { type DatasetManifest, manifestText, NoManifest, readManifest } from './dataset-manifest.js'
import { type Announced, detailsOf, type OwnFile } from './details.js'
import type { FinishHelp } from './finish-help.js'
import { inParallel } from './in-parallel.js'
import { makeVisibleFolder, removeIfEmpty } from './output-folders.js'

export interface PlacedOutputOptions {
  /** As the user named it. */
  readonly output: string
  /** Folder that the files stand in. */
  readonly root: string
  readonly staging: string
  readonly onExisting: 'replace' | 'error' | 'append'
  /** Where the manifest goes; null if there is to be none. */
  readonly manifestPath: string | null
  /** Where one may be of a run with the other choice: it goes, if it is ours. */
  readonly otherManifestPath: string | null
  readonly help: FinishHelp
  readonly warn: ConnectOperation['warn']
}

/** A whole file that has not got its name yet. */
export interface MadeFile {
  readonly from: string
  /** Relative to the root. */
  readonly path: string
  readonly identity: FileIdentity
}

/** All that an output is to be. */
export interface Making {
  readonly files: readonly MadeFile[]
  readonly manifest: DatasetManifest | null
  readonly remove: readonly OwnFile[]
}

/**
 * How a Parquet output gets its place: everything is made as a whole beside it; then what it is going to be is stored; then the files get
 * their names one after the other, and last the manifest. Wherever a crash comes in, the next one can tell what is in its place.
 *
 * Another session's claim removes what is made and not placed. As it is stored under the fence between making and placing, a session
 * that was taken over can place nothing: either it cannot store that, or it finds nothing to place.
 */
export abstract class PlacedOutput implements Placement {
  protected readonly missing: MissingOutput

  constructor(protected readonly options: PlacedOutputOptions) {
    this.missing = new MissingOutput(options.output, options.warn)
  }

  abstract begin(claim: Claim, before: Manifest | null): Promise<Beginning>

  /** Makes all files as a whole, under names of the staging folder. */
  protected abstract make(
    partitions: readonly StagedPartition[],
    stages: ReadonlyMap<string, PartitionStage>,
    operation: Operation,
  ): Promise<Making>

  /** Throws if another program changed what the run is to add to. */
  protected abstract checkUnchanged(partitions: readonly StagedPartition[]): Promise<void>

  async complete(
    partitions: readonly StagedPartition[],
    stages: ReadonlyMap<string, PartitionStage>,
    operation: Operation,
  ): Promise<void> {
    const [first] = partitions
    if (first === undefined) return
    const { announced } = detailsOf(first.manifest)
    const announcer = new Announcer(this.options.output, first, stages.get(first.manifest.partition.id))
    if (announced !== undefined && (await this.#isPlaced(announced))) {
      await this.#publish(announced, announcer, partitions)
      return
    }
    const { staging } = this.options
    // Nobody claimed this partition for this attempt: what others have made of it may still lie there.
    if (!announcer.isClaimed) await dropAssembled(staging)
    await this.checkUnchanged(partitions)
    const { files, manifest, remove } = await this.make(partitions, stages, operation)
    const next: Announced = {
      files: files.map(({ path, identity }) => ({ path, ...identity })),
      manifest: manifest === null ? null : manifestText(manifest),
      remove,
    }
    const fresh = await this.#writeManifest(next)
    await announcer.announce(next)
    await this.#place(files, announced)
    await this.#placeManifest(fresh)
    await this.#removeOld(next)
  }

  /** All files are in their places, by a session that ended then: the manifest is left to do, and what goes. */
  async #publish(announced: Announced, announcer: Announcer, partitions: readonly StagedPartition[]): Promise<void> {
    if (!(await this.#isPublished(announced))) {
      await this.checkUnchanged(partitions)
      const fresh = await this.#writeManifest(announced)
      await announcer.announce(announced)
      await this.#placeManifest(fresh)
    }
    await this.#removeOld(announced)
  }

  async #isPlaced({ files }: Announced): Promise<boolean> {
    for (const { path, ...identity } of files) {
      if (!isSameFile(await identityOf(`${this.options.root}/${path}`), identity)) return false
    }
    return true
  }

  async #isPublished({ manifest }: Announced): Promise<boolean> {
    const { manifestPath } = this.options
    return manifest === null || manifestPath === null || (await readIfThere(manifestPath)) === manifest
  }

  async #writeManifest({ manifest }: Announced): Promise<string | null> {
    if (manifest === null || this.options.manifestPath === null) return null
    const fresh = `${this.options.staging}/${randomUUID()}${assembling}`
    // Whoever may read the files may read it.
    const handle = await open(fresh, 'wx')
    try {
      await handle.writeFile(manifest)
      await handle.sync()
    } finally {
      await handle.close()
    }
    return fresh
  }

  async #place(files: readonly MadeFile[], before: Announced | undefined): Promise<void> {
    const { root } = this.options
    const ours = new Set(before?.files.map(({ path }) => path))
    const folders = new Set(files.map(({ path }) => dirname(`${root}/${path}`)))
    await inParallel([...folders], makeVisibleFolder)
    await inParallel(files, async ({ from, path }) => {
      if (!ours.has(path)) await this.checkFree(path)
      await this.#rename(from, `${root}/${path}`)
    })
    await inParallel([...folders], syncFolder)
  }

  /** A name of a new file may be in use: by a file that stays. */
  protected async checkFree(_path: string): Promise<void> {}

  async #placeManifest(fresh: string | null): Promise<void> {
    const { manifestPath } = this.options
    if (fresh === null || manifestPath === null) return
    await this.#rename(fresh, manifestPath)
    await syncFolder(dirname(manifestPath))
  }

  /** A claim by somebody else drops what is not in its place yet: then there is nothing to rename. */
  async #rename(from: string, to: string): Promise<void> {
    try {
      await rename(from, to)
    } catch (error) {
      if (systemCode(error) === 'ENOENT') throw fenced(this.options.output, 'all')
      throw error
    }
  }

  /** Files of before, if they are still as they were; then the folders that are empty without them. */
  async #removeOld({ remove }: Announced): Promise<void> {
    const { root } = this.options
    const folders = new Set<string>()
    await inParallel(remove, async ({ path, bytes }) => {
      const found = await identityOf(`${root}/${path}`)
      if (found === null || found.size !== bytes) return
      await rm(`${root}/${path}`, { force: true })
      for (let at = dirname(path); at !== '.'; at = dirname(at)) folders.add(at)
    })
    const { otherManifestPath } = this.options
    const other = otherManifestPath === null ? null : await readManifest(otherManifestPath)
    if (otherManifestPath !== null && other !== null && !(other instanceof NoManifest)) {
      await rm(otherManifestPath, { force: true })
    }
    const deepestFirst = [...folders].sort((a, b) => b.length - a.length)
    for (const folder of deepestFirst) await removeIfEmpty(`${root}/${folder}`)
  }
}

/** The rights of a file; undefined if there is none. */
export async function modeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mode & 0o777
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Whether the run goes on behind the last record of an earlier one. */
export function continuesIn(partitions: readonly StagedPartition[]): boolean {
  return partitions.some(({ manifest }) => manifest.partition.start !== undefined)
}

export function notReady(message: string): DroverError {
  return new DroverError('SINK_NOT_READY', message)
}
