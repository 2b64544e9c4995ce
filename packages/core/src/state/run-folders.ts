import { randomUUID } from 'node:crypto'
import { dirname } from 'node:path'
import type { NewRun } from '../contracts/state-store.js'
import { makeFolder, namesIn, placeFolder, removeFolder } from '../disk/durable.js'
import { safeName } from '../disk/safe-name.js'
import { DroverError } from '../errors/drover-error.js'
import type { StoredLease } from './partition-folder.js'
import { RunFolder, type StoredRun } from './run-folder.js'
import { noSuchRun } from './state-errors.js'

export interface FoundRun {
  readonly number: number
  readonly folder: RunFolder
  readonly stored: StoredRun
}

/** All runs: a folder per name, in it a numbered folder per run. */
export class RunFolders {
  /** By run id, as far as they were asked for. */
  readonly #known = new Map<string, RunFolder>()

  constructor(
    private readonly path: string,
    private readonly aside: string,
  ) {}

  /** The folders of all names; others, such as a desktop's own files, are left alone. */
  async names(): Promise<string[]> {
    const names = await namesIn(this.path)
    return names.filter((name) => !name.startsWith('.')).sort()
  }

  /** The newest run of a name. @throws `STATE_INVALID` if another's lies in its place */
  async newest(name: string): Promise<FoundRun | null> {
    const newest = await this.newestIn(safeName(name))
    if (newest === null || newest.stored.name === name) return newest
    throw new DroverError(
      'STATE_INVALID',
      `${newest.folder.path}/run.json is the state of "${newest.stored.name}", where that of "${name}" should be. Put the file back as it was, or delete its folder to begin the run anew.`,
    )
  }

  /** The newest run in a name's folder. @throws `STATE_INVALID` */
  async newestIn(folder: string): Promise<FoundRun | null> {
    for (;;) {
      const [number] = await this.#numbersIn(folder)
      if (number === undefined) return null
      const found = await this.#read(folder, number)
      if (found !== null) return found // else it was pruned: there is a newer one
    }
  }

  /**
   * Removes completed runs of a name, but for its newest `keep` runs. The newest completed one stays, and what is open or
   * held. Safe in several processes at once: a run that has completed stays so, and the newest one has no other reason to go.
   */
  async prune(name: string, keep: number, isHeld: (lease: StoredLease) => boolean): Promise<void> {
    const folders = (await this.#numbersIn(safeName(name))).map((number) => this.#folder(safeName(name), number))
    let hasNewer = false
    for (const [place, folder] of folders.entries()) {
      if (hasNewer && place < keep) continue
      if (!(await folder.isCompleted())) continue
      if (hasNewer && !(await folder.leases()).some(isHeld)) await removeFolder(folder.path, this.aside)
      hasNewer = true
    }
  }

  /** Makes the run that comes after number `after`, unless there is one. */
  async create({ name, fingerprint, partitions, follows }: NewRun, after: number, at: Date): Promise<void> {
    const run: StoredRun = {
      format: 'drover-run',
      version: 1,
      run: randomUUID(),
      name,
      fingerprint,
      startedAt: at.toISOString(),
      partitions,
      follows,
    }
    const { path } = this.#folder(safeName(name), after + 1)
    await makeFolder(dirname(path), dirname(this.aside))
    if (!(await placeFolder(path, { 'run.json': JSON.stringify(run, null, 2) }, this.aside))) return
    // Where the place was free only because whoever was quicker has been pruned since, nobody would go on with this one.
    const [newest = 0] = await this.#numbersIn(safeName(name))
    if (newest > after + 1) await removeFolder(path, this.aside)
  }

  /** @throws `STATE_INVALID` if there is no such run */
  async byId(run: string): Promise<RunFolder> {
    const known = this.#known.get(run)
    if (known !== undefined && (await known.stored())?.run === run) return known
    for (const name of await this.names()) {
      for (const number of await this.#numbersIn(name)) {
        const found = await this.#read(name, number)
        if (found?.stored.run === run) return found.folder
      }
    }
    throw noSuchRun(run, this.path)
  }

  /** Null if it was pruned meanwhile. */
  async #read(name: string, number: number): Promise<FoundRun | null> {
    const folder = this.#folder(name, number)
    const stored = await folder.stored()
    if (stored === null) {
      if (!(await folder.isThere())) return null
      throw new DroverError('STATE_INVALID', `${folder.path} has no run.json. Put it back, or delete the folder.`)
    }
    this.#known.set(stored.run, folder)
    return { number, folder, stored }
  }

  #folder(name: string, number: number): RunFolder {
    return new RunFolder(`${this.path}/${name}/${String(number).padStart(8, '0')}`, this.aside)
  }

  /** Newest first. */
  async #numbersIn(name: string): Promise<number[]> {
    const numbers = (await namesIn(`${this.path}/${name}`)).filter((entry) => /^\d{8,}$/.test(entry)).map(Number)
    return numbers.sort((a, b) => b - a)
  }
}
