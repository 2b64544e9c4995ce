import type { Claim, Commit } from '../contracts/position.js'
import { DroverError } from '../errors/drover-error.js'
import type { PartitionFolder } from './partition-folder.js'
import { type PositionLog, standingOf } from './position-log.js'
import type { RunFolders } from './run-folders.js'
import { fenced } from './state-errors.js'

interface OpenLog {
  readonly folder: PartitionFolder
  readonly log: PositionLog
}

/** Commits positions. The logs stay open until they are closed, for a run commits to the same one again and again. */
export class PositionWriter {
  readonly #logs = new Map<string, OpenLog>()
  /** The last commit to each log: it must be done before the next one looks where the log ends. */
  readonly #last = new Map<string, Promise<unknown>>()

  constructor(private readonly runs: RunFolders) {}

  /** @throws `FENCED`, `STATE_INVALID` if the run's files are gone */
  commit(commit: Commit): Promise<void> {
    const key = keyOf(commit)
    const done = (this.#last.get(key) ?? Promise.resolve()).then(() => this.#commit(key, commit))
    const settled = done.then(nothing, nothing) // `done` rejects where it is returned
    this.#last.set(key, settled)
    return done.finally(() => {
      if (this.#last.get(key) === settled) this.#last.delete(key)
    })
  }

  async close(claim: Claim): Promise<void> {
    const key = keyOf(claim)
    const open = this.#logs.get(key)
    this.#logs.delete(key)
    await open?.log.close()
  }

  async closeAll(): Promise<void> {
    const open = [...this.#logs.values()]
    this.#logs.clear()
    for (const { log } of open) await log.close()
  }

  async #commit(key: string, commit: Commit): Promise<void> {
    const { folder, log } = this.#logs.get(key) ?? (await this.#open(key, commit))
    await this.#refuseIfOvertaken(folder, commit)
    const last = (await log.end())?.sequence ?? 0
    if (commit.sequence !== last + 1) {
      throw fenced(commit.run, commit.partition, `its last batch is ${last}, the commit is number ${commit.sequence}`)
    }
    await log.append(standingOf(commit))
    // Only now may it count: see PartitionFolder.
    await this.#refuseIfOvertaken(folder, commit)
  }

  async #open(key: string, commit: Commit): Promise<OpenLog> {
    const folder = (await this.runs.byId(commit.run)).partition(commit.partition.id)
    await this.#refuseIfOvertaken(folder, commit)
    const log = await folder.log(commit.fence)
    if (log === null) throw await this.#overtaken(folder, commit)
    const open = { folder, log }
    this.#logs.set(key, open)
    return open
  }

  async #refuseIfOvertaken(folder: PartitionFolder, commit: Commit): Promise<void> {
    const [highest] = await folder.fences()
    if (highest !== commit.fence) throw await this.#overtaken(folder, commit)
  }

  async #overtaken(folder: PartitionFolder, commit: Commit): Promise<DroverError> {
    await this.close(commit)
    const [highest] = await folder.fences()
    if (highest !== undefined) {
      return fenced(commit.run, commit.partition, `its fence is ${highest}, the commit has ${commit.fence}`)
    }
    return new DroverError(
      'STATE_INVALID',
      `${folder.path} is gone: it was deleted while the run worked, or no lease was taken. Start the run anew.`,
    )
  }
}

function keyOf({ run, partition, fence }: Claim): string {
  return JSON.stringify([run, partition.id, fence])
}

function nothing(): void {}
