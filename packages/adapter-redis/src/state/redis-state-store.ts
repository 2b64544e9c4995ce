import {
  abortError,
  type Commit,
  type Control,
  checkFlag,
  checkOptionNames,
  checkWholeNumber,
  DroverError,
  type Held,
  type JsonValue,
  type Lease,
  type NewRun,
  type Operation,
  type RunState,
  type RunStatus,
  type Settlement,
  type StateStore,
} from '@drover/core'
import { openRedis } from '../connection/open-redis.js'
import type { RedisConnection } from '../connection/redis-connection.js'
import { checkLocation, locationName, locationOptions, type RedisLocation } from '../connection/redis-location.js'
import { refuseEviction } from './eviction.js'
import { commitPosition } from './positions.js'
import { type LeaseRequest, Runs } from './runs.js'
import { checkStatePlace, type StatePlace, statePlaceOptions } from './state-place.js'

/** Options of {@link redisStateStore}. */
export interface RedisStateStoreOptions extends RedisLocation, StatePlace {
  /**
   * Runs of one name that are kept, the newest ones; older ones that have completed are removed when a new one begins. What is open
   * is never removed, nor is the newest completed run. `Infinity` keeps all.
   *
   * @default 100
   */
  readonly keepRuns?: number
  /**
   * Takes a server with a `maxmemory-policy` of `allkeys-…` too. When it is full it may evict state like any other key: a run whose state
   * is gone begins anew, and what the gone fence kept off may write again. Only for a server that never gets full.
   *
   * @default false
   */
  readonly allowEviction?: boolean
}

/**
 * Keeps runs in a Redis server, or in one slot of a cluster: a hash for each run, without a time to live. Each step is one script, by the
 * server's clock, so any number of hosts may share it. It connects at the first call, and again after it was disposed of.
 *
 * State is as durable as the server is. With neither an append-only file nor snapshots, a restart forgets all runs; with `appendfsync
 * everysec`, or when a replica takes over, the last second may be lost: a sink that keeps its positions elsewhere is not harmed by that,
 * as fences are never below the clock and so never given twice.
 *
 * @throws `OPTION_INVALID`; its methods: `STATE_INVALID`, `FENCED`, `LEASE_LOST`, `STORE_BUSY`, `STORE_DENIED`, `STORE_UNAVAILABLE`,
 *   `STORE_FULL`, `ABORTED`.
 *
 * @example
 * await runPipeline({ name: 'export', source, sink, state: redisStateStore({ connection: process.env.REDIS_URL }) })
 */
export function redisStateStore(options: RedisStateStoreOptions = {}): StateStore {
  const where = 'redisStateStore'
  checkOptionNames(where, options, [...locationOptions, ...statePlaceOptions, 'keepRuns', 'allowEviction'])
  checkLocation(where, options)
  checkStatePlace(where, options)
  const { keepRuns = 100, allowEviction = false } = options
  if (keepRuns !== Number.POSITIVE_INFINITY) checkWholeNumber(where, 'keepRuns', keepRuns, 1)
  checkFlag(where, 'allowEviction', allowEviction)
  return new RedisStateStore(options, keepRuns, allowEviction)
}

class RedisStateStore implements StateStore {
  readonly specVersion = 1
  readonly name: string
  readonly #place: StatePlace
  #connection: Promise<RedisConnection> | undefined

  constructor(
    private readonly options: RedisStateStoreOptions,
    private readonly keepRuns: number,
    private readonly allowEviction: boolean,
  ) {
    this.name = `redis ${locationName(options)}`
    this.#place = { keyPrefix: options.keyPrefix, hashTag: options.hashTag }
  }

  /** Creates nothing; sees that the server keeps what it is given. */
  setup(operation: Operation): Promise<void> {
    return this.#connected(operation, async (connection) => {
      if (this.allowEviction) return
      await refuseEviction(connection, this.#place, 'redisStateStore', 'STATE_INVALID')
    })
  }

  open(wanted: NewRun, operation: Operation): Promise<RunState> {
    return this.#with(operation, async (runs) => {
      const state = await runs.open(wanted)
      if (state !== undefined) return state
      const gone = wanted.follows === null ? 'its new run' : `the run ${wanted.follows} that the new one is to follow`
      throw new DroverError(
        'STATE_INVALID',
        `"${wanted.name}": ${gone} is no longer in ${this.name}. Its state was deleted meanwhile: call again.`,
      )
    })
  }

  load(name: string, operation: Operation): Promise<RunState | null> {
    return this.#with(operation, (runs) => runs.newest(name))
  }

  async *list({ status, signal }: Operation & { readonly status?: RunStatus }): AsyncGenerator<RunState> {
    const states = await this.#with({ signal }, async (runs) => {
      const found: RunState[] = []
      for await (const state of runs.list()) found.push(state)
      return found
    })
    for (const state of states) if (status === undefined || state.status === status) yield state
  }

  acquire(want: LeaseRequest, operation: Operation): Promise<Lease | Held> {
    return this.#with(operation, async (runs) => (await runs.acquire(want)) ?? this.#unknown(want.run))
  }

  heartbeat(
    lease: Lease,
    { signal, ...beat }: Operation & { readonly ttlMs: number; readonly telling?: JsonValue },
  ): Promise<Control> {
    return this.#with({ signal }, (runs) => runs.heartbeat(lease, beat))
  }

  release(lease: Lease, operation: Operation): Promise<void> {
    return this.#with(operation, (runs) => runs.release(lease))
  }

  control(run: string, wanted: Partial<Control>, operation: Operation): Promise<void> {
    return this.#with(operation, async (runs) => {
      if (!(await runs.control(run, wanted))) this.#unknown(run)
    })
  }

  commit(commit: Commit, operation: Operation): Promise<void> {
    return this.#connected(operation, (connection) => commitPosition(connection, this.#place, commit))
  }

  settle(run: string, settlement: Settlement, operation: Operation): Promise<void> {
    return this.#with(operation, async (runs) => {
      if (!(await runs.settle(run, settlement))) this.#unknown(run)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const open = this.#connection
    this.#connection = undefined
    // Whether it could be opened was told to whoever asked.
    const connection = await open?.catch(() => undefined)
    await connection?.[Symbol.asyncDispose]()
  }

  #with<T>(operation: Operation, work: (runs: Runs) => Promise<T>): Promise<T> {
    return this.#connected(operation, (connection) => work(new Runs(connection, this.#place, this.keepRuns)))
  }

  /** Who gives up does not wait for a server that hangs; whether it was done is then not known. */
  async #connected<T>({ signal }: Operation, work: (connection: RedisConnection) => Promise<T>): Promise<T> {
    if (signal.aborted) throw abortError(signal)
    let onAbort = (): void => {}
    const given = new Promise<never>((_, reject) => {
      onAbort = () => reject(abortError(signal))
      signal.addEventListener('abort', onAbort)
    })
    try {
      return await Promise.race([this.#opened().then(work), given])
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** For all who call, so no signal of one of them ends it. */
  #opened(): Promise<RedisConnection> {
    const { signal } = new AbortController()
    this.#connection ??= openRedis(this.options, { where: 'redisStateStore', signal, writes: true }).catch(
      (error: unknown) => {
        this.#connection = undefined
        throw error
      },
    )
    return this.#connection
  }

  #unknown(run: string): never {
    throw new DroverError(
      'STATE_INVALID',
      `There is no run ${run} in ${this.name}. It completed and newer ones took its place, its state was deleted, or it lies in another store: pass that one, or start the run anew.`,
    )
  }
}
