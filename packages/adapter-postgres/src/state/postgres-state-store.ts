import { randomUUID } from 'node:crypto'
import {
  type Commit,
  type Control,
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
  type StoreWait,
  type TransactionalStateStore,
} from '@drover/core'
import type { PostgresKnex } from '../connection/given-pool.js'
import { openPostgres, type PostgresDatabase } from '../connection/open-postgres.js'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import {
  checkLocation,
  locationName,
  locationOptions,
  type PostgresLocation,
  resolveLocation,
} from '../connection/postgres-location.js'
import { runningWaits, storeWaits } from '../connection/store-waits.js'
import { postgresError, sqlState } from '../errors/postgres-error.js'
import { type KnexTransaction, knexTransaction, type PostgresTransaction } from './given-transaction.js'
import { type LeaseRequest, Leases } from './leases.js'
import { Positions } from './positions.js'
import { Runs } from './runs.js'
import { withMissingRights } from './state-rights.js'
import {
  checkStateLocation,
  ensureStateTables,
  haveStateTables,
  type StateLocation,
  type StateTables,
  stateLocationOptions,
  stateTables,
} from './state-tables.js'
import { runState, type StoredRun } from './stored-run.js'
import { markTransaction } from './writers.js'

/** Options of {@link postgresStateStore}. */
export interface PostgresStateStoreOptions extends PostgresLocation, StateLocation {
  /**
   * A run that another one of its name has followed is deleted, with its positions, that many days after it ended, whenever a new
   * run is opened.
   *
   * @default 90
   */
  readonly retentionDays?: number
}

/**
 * Keeps runs in a PostgreSQL database, in three tables that it creates, and upgrades, by itself. A backfiller written by hand
 * gets a transaction of the same database as `tx`, one of knex if `connection` is a knex instance: what it writes there and the
 * position are committed together, so each batch happens once.
 *
 * Leases are rows and end by the server's clock. Nothing is kept in a session, so connections may come from a pooler in
 * transaction mode. It connects at the first call, and again after it was disposed of.
 *
 * @throws `OPTION_INVALID`; its methods: `STATE_INVALID`, `FENCED`, `LEASE_LOST`, `STORE_BUSY`, `STORE_DENIED`,
 *   `STORE_UNAVAILABLE`, `STORE_FULL`.
 *
 * @example
 * await runBackfill({ backfiller, state: postgresStateStore({ connection: process.env.DATABASE_URL }) })
 */
export function postgresStateStore<K extends PostgresKnex>(
  options: PostgresStateStoreOptions & { readonly connection: K },
): TransactionalStateStore<KnexTransaction<K>>
export function postgresStateStore(options?: PostgresStateStoreOptions): TransactionalStateStore<PostgresTransaction>
export function postgresStateStore(options: PostgresStateStoreOptions = {}): TransactionalStateStore<never> {
  const where = 'postgresStateStore'
  checkOptionNames(where, options, [...locationOptions, ...stateLocationOptions, 'retentionDays'])
  checkLocation(where, options)
  checkStateLocation(where, options)
  checkWholeNumber(where, 'retentionDays', options.retentionDays, 1)
  return new PostgresStateStore(options)
}

class PostgresStateStore implements TransactionalStateStore<never> {
  readonly specVersion = 1
  readonly name: string
  readonly #location: PostgresLocation
  readonly #tables: StateTables
  readonly #positions: Positions
  readonly #leases: Leases
  readonly #runs: Runs
  /** By which its transactions are found among those of others. */
  readonly #mark = `drover transaction ${randomUUID()}`
  #database: Promise<PostgresDatabase> | undefined

  constructor({ stateSchema, tablePrefix, retentionDays = 90, ...location }: PostgresStateStoreOptions) {
    this.name = `postgres ${locationName(location)}`
    this.#location = location
    this.#tables = stateTables({
      ...(stateSchema === undefined ? {} : { stateSchema }),
      ...(tablePrefix === undefined ? {} : { tablePrefix }),
    })
    this.#positions = new Positions(this.#tables)
    this.#leases = new Leases(this.#tables, this.#positions)
    this.#runs = new Runs(this.#tables, retentionDays)
  }

  async setup(operation: Operation): Promise<void> {
    await this.#connected(operation, async () => {})
  }

  open(wanted: NewRun, operation: Operation): Promise<RunState> {
    return this.#connected(operation, async (connection) => {
      const found = await connection.transaction(() => this.#runs.open(connection, randomUUID(), wanted))
      if (found !== undefined) return this.#stateOf(connection, found)
      throw new DroverError(
        'STATE_INVALID',
        `"${wanted.name}": the run ${wanted.follows} that the new one is to follow is no longer in ${this.name}. Its state was deleted meanwhile: call again.`,
      )
    })
  }

  load(name: string, operation: Operation): Promise<RunState | null> {
    return this.#looking(operation, null, async (connection) => {
      const newest = await this.#runs.newest(connection, name)
      return newest === undefined ? null : this.#stateOf(connection, newest)
    })
  }

  async *list({ status, ...operation }: Operation & { readonly status?: RunStatus }): AsyncGenerator<RunState> {
    const states = await this.#looking(operation, [], async (connection) => {
      const found = await this.#runs.list(connection, status)
      const runs = found.map(({ run }) => run)
      const positions = await this.#positions.of(connection, runs)
      const leases = await this.#leases.of(connection, runs)
      return found.map((stored) =>
        runState(
          stored,
          positions.filter(({ run }) => run === stored.run),
          leases.get(stored.run) ?? [],
        ),
      )
    })
    yield* states
  }

  acquire(want: LeaseRequest, operation: Operation): Promise<Lease | Held> {
    return this.#connected(operation, async (connection) => {
      const answer = await this.#leases.acquire(connection, want)
      if (answer === null) throw this.#unknown(want.run)
      return answer
    })
  }

  heartbeat(
    lease: Lease,
    { signal, ...beat }: Operation & { readonly ttlMs: number; readonly telling?: JsonValue },
  ): Promise<Control> {
    return this.#connected({ signal }, (connection) => this.#leases.heartbeat(connection, lease, beat))
  }

  release(lease: Lease, operation: Operation): Promise<void> {
    return this.#connected(operation, (connection) => this.#leases.release(connection, lease))
  }

  control(run: string, wanted: Partial<Control>, operation: Operation): Promise<void> {
    return this.#connected(operation, async (connection) => {
      if (!(await this.#runs.control(connection, run, wanted))) throw this.#unknown(run)
    })
  }

  commit(commit: Commit, operation: Operation): Promise<void> {
    return this.#connected(operation, async (connection) => {
      if (!(await this.#runs.has(connection, commit.run))) throw this.#unknown(commit.run)
      await this.#positions.commit(connection, commit)
    })
  }

  settle(run: string, settlement: Settlement, operation: Operation): Promise<void> {
    return this.#connected(operation, async (connection) => {
      if (!(await this.#runs.settle(connection, run, settlement))) throw this.#unknown(run)
    })
  }

  transaction<T>(
    work: (tx: never) => Promise<{ readonly commit: Commit; readonly value: T }>,
    operation: Operation,
  ): Promise<T> {
    return this.#connected(operation, async (connection) => {
      connection.isOfBatch = true
      const both = async (tx: unknown): Promise<T> => {
        await connection.exec(markTransaction(this.#mark))
        const { commit, value } = await ofTheUser(connection, () => work(tx as never))
        await this.#positions.commit(connection, commit)
        return value
      }
      const location = resolveLocation('postgresStateStore', this.#location)
      if (location.kind === 'knex') return knexTransaction(connection, location.knex, both)
      return connection.transaction(async () => both(await connection.run(undefined, async (client) => client)))
    })
  }

  async waitsFor(operation: Operation): Promise<readonly StoreWait[]> {
    const database = await this.#database
    if (database === undefined) return []
    return [...(await storeWaits(database, this.#mark, operation)), ...(await runningWaits(database, operation))]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const open = this.#database
    this.#database = undefined
    // Whether it could be opened was told to whoever asked.
    const database = await open?.catch(() => undefined)
    await database?.[Symbol.asyncDispose]()
  }

  /** Gives `nothing` where there is nothing to look at: who only looks, perhaps in the wrong place, makes no tables. */
  async #looking<T>(
    operation: Operation,
    nothing: T,
    work: (connection: PostgresConnection) => Promise<T>,
  ): Promise<T> {
    if (this.#database === undefined && !(await this.#isThere(operation))) return nothing
    return this.#connected(operation, work)
  }

  async #isThere({ signal }: Operation): Promise<boolean> {
    await using database = await openPostgres(this.#location, { signal })
    try {
      await using connection = await database.connect({ signal })
      return await haveStateTables(connection, this.#tables)
    } catch (error) {
      throw await withMissingRights(database, this.#tables, error, { signal })
    }
  }

  async #connected<T>({ signal }: Operation, work: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    this.#database ??= this.#open().catch((error: unknown) => {
      this.#database = undefined
      throw error
    })
    const database = await this.#database
    await using connection = await database.connect({ signal })
    try {
      return await work(connection)
    } catch (error) {
      throw await withMissingRights(database, this.#tables, error, { signal })
    }
  }

  /** For all who call, so no signal of one of them ends it. */
  async #open(): Promise<PostgresDatabase> {
    const operation = { signal: new AbortController().signal }
    const database = await openPostgres(this.#location, operation)
    try {
      await using connection = await database.connect(operation)
      await ensureStateTables(connection, this.#tables)
      return database
    } catch (error) {
      const named = await withMissingRights(database, this.#tables, error, operation)
      await database[Symbol.asyncDispose]()
      throw named
    }
  }

  async #stateOf(connection: PostgresConnection, stored: StoredRun): Promise<RunState> {
    const positions = await this.#positions.of(connection, [stored.run])
    const leases = await this.#leases.of(connection, [stored.run])
    return runState(stored, positions, leases.get(stored.run) ?? [])
  }

  #unknown(run: string): DroverError {
    return new DroverError(
      'STATE_INVALID',
      `There is no run ${run} in ${this.name}. Its state was deleted, or lies in another store: pass that one, or start the run anew.`,
    )
  }
}

/** What the user's statements fail with gets its code; his own errors stay what they are. */
async function ofTheUser<T>(connection: PostgresConnection, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw sqlState(error) === '' ? error : postgresError(error, `writing to ${connection.name}`)
  }
}
