import type { Claim, Commit } from '../contracts/position.js'
import { DroverError } from '../errors/drover-error.js'
import type { Listing, LogName, PartitionFolder } from './partition-folder.js'
import { type PositionLog, standingOf } from './position-log.js'
import type { RunFolders } from './run-folders.js'
import { fenced } from './state-errors.js'

interface OpenLog {
  readonly folder: PartitionFolder
  readonly name: LogName
  readonly log: PositionLog
}

/** A log this long goes on in a new file: a long run would leave hundreds of megabytes. */
const fullBytes = 1024 * 1024

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
    for (;;) {
      const { folder, name, log } = await this.#newest(key, commit)
      const end = await log.end()
      const last = (end === undefined ? await folder.standing() : end)?.sequence ?? 0
      if (commit.sequence !== last + 1)
        throw late(commit, `its last batch is ${last}, the commit is number ${commit.sequence}`)
      if (log.length >= fullBytes) {
        await folder.beginLog({ ...name, part: name.part + 1 })
        continue
      }
      const isFirst = await log.append(standingOf(commit))
      // Only now may it count: see PartitionFolder.
      const listing = await folder.list()
      this.#refuseIfOvertaken(folder, listing, commit)
      if (!isSame(listing.logs[0], name)) continue // the log went on elsewhere, with this commit or without
      if (!isFirst) throw late(commit, `another commit is number ${commit.sequence}`)
      return
    }
  }

  /** The log to commit to, kept open between commits. */
  async #newest(key: string, commit: Commit): Promise<OpenLog> {
    const open = this.#logs.get(key)
    const folder = open?.folder ?? (await this.runs.byId(commit.run)).partition(commit.partition.id)
    const listing = await folder.list()
    const [name] = listing.logs
    if (open !== undefined && isSame(name, open.name) && listing.fences[0] === commit.fence) return open
    await this.close(commit)
    this.#refuseIfOvertaken(folder, listing, commit)
    const log = name?.fence === commit.fence ? await folder.openLog(name) : null
    if (log === null || name === undefined) throw late(commit, 'its lease was never completed')
    const opened = { folder, name, log }
    this.#logs.set(key, opened)
    return opened
  }

  #refuseIfOvertaken(folder: PartitionFolder, { fences: [highest] }: Listing, commit: Commit): void {
    if (highest === commit.fence) return
    if (highest !== undefined) throw late(commit, `its fence is ${highest}, the commit has ${commit.fence}`)
    throw new DroverError(
      'STATE_INVALID',
      `${folder.path} is gone: it was deleted while the run worked, or no lease was taken. Start the run anew.`,
    )
  }
}

function late({ run, partition }: Commit, why: string): DroverError {
  return fenced(run, partition, why)
}

function isSame(a: LogName | undefined, b: LogName): boolean {
  return a?.fence === b.fence && a.part === b.part
}

function keyOf({ run, partition, fence }: Claim): string {
  return JSON.stringify([run, partition.id, fence])
}

function nothing(): void {}
