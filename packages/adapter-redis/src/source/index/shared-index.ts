import { abortError, DroverError } from '@drover/core'
import type { RedisConnection } from '../../connection/redis-connection.js'
import { type FoundKeys, IndexBuilding } from './index-building.js'
import type { KeyIndexOptions } from './key-index.js'
import { allKeys, type KeyRange, overlap } from './key-range.js'
import type { ScanSettings } from './scan-settings.js'

/** The keys as they were found, for one read or count of them. */
export interface IndexLease extends AsyncDisposable {
  readonly found: FoundKeys
  /** The first of them was given. */
  given(): void
}

/** Keys that were found, and who reads them. */
interface Held {
  readonly found: FoundKeys
  /** What was read of them, or is being read. */
  readonly given: KeyRange[]
  leases: number
  /** Others were found since. */
  isOld: boolean
}

interface Run {
  readonly result: Promise<Held>
  readonly controller: AbortController
  waiting: number
}

/**
 * Keys are looked for once for all partitions of a session, and for counting them. Whoever reads a part from its beginning that was read
 * before wants to know what is there now: they are looked for again.
 */
export class SharedIndex implements AsyncDisposable {
  #held: Held | undefined
  /** Older ones too, which are still read. */
  readonly #all = new Set<Held>()
  #building: IndexBuilding | undefined
  #run: Run | undefined
  /** Of the last run, also of one that nobody waits for any more. */
  #ending: Promise<void> = Promise.resolve()

  constructor(
    private readonly connection: RedisConnection,
    private readonly settings: ScanSettings & KeyIndexOptions,
    /** Called whenever they were found anew. */
    private readonly onFound: (found: FoundKeys) => Promise<void>,
  ) {}

  /** To read a part; `isFresh`, from its beginning. */
  async lease(range: KeyRange, isFresh: boolean, signal: AbortSignal): Promise<IndexLease> {
    if (isFresh && this.#held?.given.some((given) => overlap(given, range)) === true) await this.#letGo()
    const held = this.#held ?? (await this.#find(signal))
    held.leases++
    let isGiven = false
    let isOver = false
    return {
      found: held.found,
      given: () => {
        if (!isGiven) held.given.push(range)
        isGiven = true
      },
      [Symbol.asyncDispose]: async () => {
        if (isOver) return
        isOver = true
        held.leases--
        await this.#dropUnused(held)
      },
    }
  }

  /** To look at all of it. */
  leaseAll(signal: AbortSignal): Promise<IndexLease> {
    return this.lease(allKeys, true, signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#run?.controller.abort(new DroverError('ABORTED', 'The source was closed.'))
    await this.#ending
    this.#held = undefined
    for (const held of this.#all) await held.found[Symbol.asyncDispose]()
    this.#all.clear()
    await this.#building?.[Symbol.asyncDispose]()
    this.#building = undefined
  }

  async #letGo(): Promise<void> {
    const held = this.#held
    if (held === undefined) return
    this.#held = undefined
    held.isOld = true
    await this.#dropUnused(held)
  }

  async #dropUnused(held: Held): Promise<void> {
    if (!held.isOld || held.leases > 0) return
    this.#all.delete(held)
    await held.found[Symbol.asyncDispose]()
  }

  /** Several may wait for the same; if nobody does any more it ends. */
  async #find(signal: AbortSignal): Promise<Held> {
    if (signal.aborted) throw abortError(signal)
    this.#run ??= this.#start()
    const run = this.#run
    run.waiting++
    let abort = () => {}
    const aborted = new Promise<never>((_, reject) => {
      abort = () => reject(abortError(signal))
      signal.addEventListener('abort', abort, { once: true })
    })
    try {
      return await Promise.race([run.result, aborted])
    } finally {
      signal.removeEventListener('abort', abort)
      run.waiting--
      // Who comes now begins anew, and joins nothing that is about to end.
      if (run.waiting === 0 && this.#run === run) this.#run = undefined
      if (run.waiting === 0) run.controller.abort(new DroverError('ABORTED', 'Nobody waits for the keys any more.'))
    }
  }

  #start(): Run {
    const controller = new AbortController()
    const before = this.#ending
    const result = before.then(() => this.#build(controller.signal))
    const run: Run = { controller, result, waiting: 0 }
    const ended = () => {
      if (this.#run === run) this.#run = undefined
    }
    this.#ending = result.then(ended, ended) // whoever waits for it is told
    return run
  }

  async #build(signal: AbortSignal): Promise<Held> {
    this.#building ??= new IndexBuilding(this.connection, this.settings)
    const building = this.#building
    try {
      const found = await building.run(signal)
      await this.onFound(found)
      this.#building = undefined
      const held: Held = { found, given: [], leases: 0, isOld: false }
      this.#all.add(held)
      this.#held = held
      return held
    } catch (error) {
      // Only what may go well the next time is gone on with.
      if (!DroverError.isInstance(error) || !error.isRetryable) {
        this.#building = undefined
        await building[Symbol.asyncDispose]()
      }
      throw error
    }
  }
}
