import { rm, stat } from 'node:fs/promises'
import type { Commit, Partition } from '../contracts/position.js'
import type {
  Control,
  Held,
  Lease,
  NewRun,
  RunState,
  RunStatus,
  Settlement,
  StateStore,
} from '../contracts/state-store.js'
import type { JsonValue, Operation } from '../contracts/values.js'
import { hideFromGit, makeFolder, namesIn } from '../disk/durable.js'
import { fileError, systemCode } from '../disk/file-error.js'
import { abortError } from '../engine/retry.js'
import { checkOptionNames, checkText, checkWholeNumber } from '../errors/check-options.js'
import { changedControl, settledControl } from './changed-control.js'
import { isHolderGone } from './holder.js'
import { checkClock } from './memory-state-store.js'
import type { PartitionFolder, StoredLease } from './partition-folder.js'
import type { LogEnd } from './position-log.js'
import { PositionWriter } from './position-writer.js'
import { type FoundRun, RunFolders } from './run-folders.js'
import { leaseLost, noSuchRun, notFollowed } from './state-errors.js'

/** Options of {@link directoryStateStore}. */
export interface DirectoryStateStoreOptions {
  /**
   * Where the files go, of mode 0600 in folders of mode 0700; made if it is not there. It must lie on a local disk: on a
   * network share processes do not see each other's changes in time. The processes of one host may share it.
   */
  readonly directory: string
  /**
   * Runs of one name that are kept, the newest ones; older ones that have completed are removed when a new one begins. What is open
   * is never removed, nor is the newest completed run. `Infinity` keeps all. @default 100
   */
  readonly keepRuns?: number
  /** The store's clock, in milliseconds since 1970: for tests of what happens when a lease ends. @default Date.now */
  readonly clock?: () => number
}

/**
 * Keeps runs in a directory, as JSON that can be read, and deleted, by hand: the state store of pipelines whose sink
 * keeps no positions. Several processes of one host may use it at once. What was committed survives a power failure.
 *
 * @throws `OPTION_INVALID`; every method `STATE_INVALID` for a file that is none of its own, `STORE_FULL`,
 * `STORE_DENIED` and `STORE_UNAVAILABLE`.
 *
 * @example
 * await runPipeline({ name: 'copy', source, sink, state: directoryStateStore({ directory: '/var/lib/app/drover' }) })
 */
export function directoryStateStore(options: DirectoryStateStoreOptions): StateStore {
  checkOptionNames('directoryStateStore', options, ['directory', 'keepRuns', 'clock'])
  checkText('directoryStateStore', 'directory', options.directory)
  const { keepRuns = defaultKeepRuns, clock = Date.now } = options
  if (keepRuns !== Number.POSITIVE_INFINITY) checkWholeNumber('directoryStateStore', 'keepRuns', keepRuns, 1)
  checkClock('directoryStateStore', options.clock)
  return new DirectoryStateStore(options.directory, keepRuns, clock)
}

/** A backfill every night, for a season. */
const defaultKeepRuns = 100

/** What lies aside for so long was left by a crash. */
const abandonedAfterMs = 60 * 60 * 1000

interface Want {
  readonly run: string
  readonly partition: Partition
  readonly holder: string
  readonly ttlMs: number
}

class DirectoryStateStore implements StateStore {
  readonly specVersion = 1
  readonly name: string
  readonly #path: string
  /** Where files are written before they are put in their place. */
  readonly #aside: string
  readonly #runs: RunFolders
  readonly #positions: PositionWriter

  constructor(
    private readonly directory: string,
    private readonly keepRuns: number,
    private readonly clock: () => number,
  ) {
    this.name = `directory ${directory}`
    this.#path = `${directory}/runs`
    this.#aside = `${directory}/tmp`
    this.#runs = new RunFolders(this.#path, this.#aside)
    this.#positions = new PositionWriter(this.#runs)
  }

  setup(): Promise<void> {
    return this.#guarded(async () => {
      await makeFolder(this.#aside, this.directory)
      if (await makeFolder(this.#path, this.directory)) await hideFromGit(this.#path)
      for (const name of await namesIn(this.#aside)) await this.#removeAbandoned(`${this.#aside}/${name}`)
    })
  }

  open(wanted: NewRun): Promise<RunState> {
    return this.#guarded(async () => {
      const newest = await this.#runs.newest(wanted.name)
      if ((newest?.stored.run ?? null) !== wanted.follows) return this.#otherThan(wanted)
      // Before there is the new one, so that what fails here leaves nothing behind.
      await this.#runs.prune(wanted.name, this.keepRuns - 1, (lease) => this.#isHeld(lease, null))
      await this.#runs.create(wanted, newest?.number ?? 0, new Date(this.clock()))
      // Ours, or that of whoever was quicker.
      return this.#otherThan(wanted)
    })
  }

  load(name: string): Promise<RunState | null> {
    return this.#guarded(async () => {
      try {
        return await this.#newestState(() => this.#runs.newest(name))
      } catch (error) {
        // A file is where a folder should be, so nothing is kept there. A sink that writes beside it says so of its output, else `setup` does.
        if (systemCode(error) === 'ENOTDIR') return null
        throw error
      }
    })
  }

  async *list({ status, signal }: Operation & { readonly status?: RunStatus }): AsyncGenerator<RunState> {
    for (const folder of await this.#guarded(() => this.#runs.names())) {
      if (signal.aborted) throw abortError(signal)
      const state = await this.#guarded(() => this.#newestState(() => this.#runs.newestIn(folder)))
      if (state !== null && (status === undefined || state.status === status)) yield state
    }
  }

  acquire(want: Want, { signal }: Operation): Promise<Lease | Held> {
    return this.#guarded(async () => {
      const run = await this.#runs.byId(want.run)
      const folder = run.partition(want.partition.id)
      await folder.standing() // what cannot be read is said before anything is taken
      for (;;) {
        if (signal.aborted) throw abortError(signal)
        const [highest] = (await folder.list()).fences
        const standing = highest === undefined ? null : await folder.lease(highest)
        if (standing !== null && this.#isHeld(standing, want.holder)) {
          return { heldBy: standing.holder, expiresAt: new Date(standing.expiresAt) }
        }
        try {
          const lease = await this.#take(folder, (highest ?? 0) + 1, want)
          if (lease !== null) return lease
        } catch (error) {
          if (await run.isThere()) throw error
          throw noSuchRun(want.run, this.#path)
        }
      }
    })
  }

  heartbeat(
    lease: Lease,
    { ttlMs, telling }: Operation & { readonly ttlMs: number; readonly telling?: JsonValue },
  ): Promise<Control> {
    return this.#guarded(async () => {
      const run = await this.#runs.byId(lease.run)
      const folder = run.partition(lease.partition.id)
      const { standing, isOurs } = await leaseNow(folder, lease)
      if (!isOurs) throw leaseLost(lease, standing?.holder ?? undefined)
      const told = telling === undefined ? {} : { telling }
      const renewed = await folder.renew(lease.fence, { ...standing, expiresAt: this.clock() + ttlMs, ...told })
      if (!renewed) throw leaseLost(lease, undefined)
      return run.control.now()
    })
  }

  release(lease: Lease): Promise<void> {
    return this.#guarded(async () => {
      await this.#positions.close(lease)
      const folder = (await this.#runs.byId(lease.run)).partition(lease.partition.id)
      const { isOurs } = await leaseNow(folder, lease)
      if (isOurs) await folder.giveBack(lease.fence)
    })
  }

  control(run: string, wanted: Partial<Control>): Promise<void> {
    return this.#guarded(async () =>
      (await this.#runs.byId(run)).control.change((before) => changedControl(before, wanted)),
    )
  }

  commit(commit: Commit): Promise<void> {
    return this.#guarded(() => this.#positions.commit(commit))
  }

  settle(run: string, settlement: Settlement): Promise<void> {
    return this.#guarded(async () => {
      const folder = await this.#runs.byId(run)
      await folder.settle(settlement, new Date(this.clock()))
      await folder.control.change(settledControl)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#positions.closeAll()
  }

  async #otherThan({ name, follows }: NewRun): Promise<RunState> {
    const state = await this.#newestState(() => this.#runs.newest(name))
    if (state === null) throw notFollowed(name, follows, this.directory)
    return state
  }

  /** Found anew if it was pruned while it was read, for then there is a newer one. */
  async #newestState(newest: () => Promise<FoundRun | null>): Promise<RunState | null> {
    for (;;) {
      const found = await newest()
      if (found === null) return null
      const state = await found.folder.state(found.stored, this.clock())
      if (state !== undefined) return state
    }
  }

  #isHeld(standing: StoredLease, wantedBy: string | null): standing is StoredLease & { readonly holder: string } {
    const { holder, expiresAt } = standing
    return holder !== null && holder !== wantedBy && expiresAt > this.clock() && !isHolderGone(holder)
  }

  /** Null if somebody else was quicker. */
  async #take(folder: PartitionFolder, fence: number, want: Want): Promise<Lease | null> {
    const { run, partition, holder } = want
    const expiresAt = this.clock() + want.ttlMs
    if (!(await folder.claim(fence, { partition, holder, expiresAt }))) return null
    const standing = await this.#begun(folder, fence)
    if (standing === undefined) return null
    const position = standing === null ? null : { run, partition, ...standing }
    return { run, partition, fence, holder, expiresAt: new Date(expiresAt), position }
  }

  /** Where the partition stands. A fence without a log is given back: nobody would know of it, and the next call would wait for its end. */
  async #begun(folder: PartitionFolder, fence: number): Promise<LogEnd> {
    try {
      return await folder.beginLog({ fence, part: 1 })
    } catch (error) {
      await folder.giveBack(fence).catch(() => {}) // then it ends by itself; why there is no log is what counts
      throw error
    }
  }

  async #removeAbandoned(path: string): Promise<void> {
    try {
      const { mtimeMs } = await stat(path)
      if (Date.now() - mtimeMs > abandonedAfterMs) await rm(path, { recursive: true, force: true })
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error // another process was done with it
    }
  }

  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw fileError(error, `The state of runs, which is kept in ${this.directory}, could not be read or written`)
    }
  }
}

type LeaseNow =
  | { readonly standing: StoredLease; readonly isOurs: true }
  | { readonly standing: StoredLease | null; readonly isOurs: false }

/** The lease that stands now, and whether it is still this one. */
async function leaseNow(folder: PartitionFolder, { fence, holder }: Lease): Promise<LeaseNow> {
  const [highest = 0] = (await folder.list()).fences
  const standing = await folder.lease(highest)
  if (standing !== null && highest === fence && standing.holder === holder) return { standing, isOurs: true }
  return { standing, isOurs: false }
}
