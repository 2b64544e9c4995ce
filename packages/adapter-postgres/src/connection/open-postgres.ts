import { type ConnectOperation, checkOptionNames, DroverError, type Operation } from '@drover/core'
import type { ClientBase } from 'pg'
import { postgresError, sqlState } from '../errors/postgres-error.js'
import { type ClientPool, clientPool } from './client-pool.js'
import { reserveRoom } from './pool-room.js'
import {
  abortError,
  type EndOptions,
  PostgresConnection,
  type PostgresResult,
  type StatementOptions,
} from './postgres-connection.js'
import { checkLocation, locationOptions, type PostgresLocation, resolveLocation } from './postgres-location.js'
import { runningWaits } from './store-waits.js'
import type { TransactionDefaults, TransactionOptions } from './transaction-options.js'

export interface OpenOptions extends PostgresLocation {
  /** Nothing can be written in its transactions. @default false */
  readonly readonly?: boolean
}

/**
 * Opens a database, and connects to it once to know that it is there. A run that it is opened for can ask what its statements wait for.
 *
 * @throws `OPTION_INVALID`, `STORE_UNAVAILABLE`, `STORE_DENIED`, `SOURCE_NOT_FOUND` (no such database), `STORE_BUSY`, `ABORTED`
 */
export async function openPostgres(options: OpenOptions, operation: ConnectOperation): Promise<PostgresDatabase> {
  const where = 'openPostgres'
  checkOptionNames(where, options, [...locationOptions, 'readonly'])
  checkLocation(where, options)
  const location = resolveLocation(where, options)
  const { applicationName = 'drover', statementTimeoutMs, lockTimeoutMs, readonly = false } = options
  const database = new PostgresDatabase(location.name, clientPool(location, applicationName), {
    isReadonly: readonly,
    statementTimeoutMs,
    lockTimeoutMs,
    applicationName: location.kind === 'own' ? undefined : applicationName,
  })
  operation.whenStalled?.((asked) => runningWaits(database, asked))
  try {
    await using connection = await database.connect(operation)
    if (!readonly) await database.learnWhetherWritable(connection)
    return database
  } catch (error) {
    await database[Symbol.asyncDispose]()
    throw error
  }
}

/** A database that connections can be had of. Disposing of it closes those that are ours; connections in use end first. */
export class PostgresDatabase implements AsyncDisposable {
  #hasConnected = false
  #wasWritable = false
  readonly #inUse = new Set<PostgresConnection>()
  #freeRoom: (() => void) | undefined

  constructor(
    /** `db.example.org/chat`, for messages. */
    readonly name: string,
    private readonly pool: ClientPool,
    private readonly defaults: TransactionDefaults,
  ) {}

  /** A connection of our own, until it is disposed of. Given up when the signal is aborted, and what runs on it then, too. */
  async connect({ signal }: Operation): Promise<PostgresConnection> {
    const client = await this.#acquire(signal)
    const { name, pool, defaults } = this
    const wasWritable = this.#wasWritable
    const onRelease = (released: PostgresConnection): void => void this.#inUse.delete(released)
    const connection = new PostgresConnection({ name, client, pool, defaults, signal, wasWritable, onRelease })
    this.#inUse.add(connection)
    return connection
  }

  /** Server processes at work on statements that belong to no batch; behind a pooler their numbers say nothing. */
  get running(): readonly number[] {
    return [...this.#inUse].filter(({ isRunning, isOfBatch }) => isRunning && !isOfBatch).map(({ pid }) => pid)
  }

  /** Says at once if the application's pool has no connection for each partition of a run. */
  reserve(kind: 'reading' | 'writing', operation: ConnectOperation): void {
    const { room } = this.pool
    if (room !== undefined) this.#freeRoom ??= reserveRoom(room, kind, this.name, operation)
  }

  /** Whether the server took writes when it was opened: if it does not any more, there was a failover. */
  async learnWhetherWritable(connection: PostgresConnection): Promise<void> {
    const { rows } = await connection.query<{ isWritable: boolean }>(
      `SELECT NOT pg_catalog.pg_is_in_recovery() AND current_setting('default_transaction_read_only') = 'off' AS "isWritable"`,
    )
    this.#wasWritable = rows[0]?.isWritable === true
  }

  /** One statement on any connection, as {@link PostgresConnection.query}. */
  async query<R = Record<string, unknown>>(
    text: string,
    values: readonly unknown[],
    { signal, ...options }: Operation & StatementOptions,
  ): Promise<PostgresResult<R>> {
    await using connection = await this.connect({ signal })
    const { statementTimeoutMs, lockTimeoutMs } = this.defaults
    const query = (): Promise<PostgresResult<R>> => connection.query<R>(text, values, options)
    return statementTimeoutMs === undefined && lockTimeoutMs === undefined
      ? await query()
      : await connection.transaction(query)
  }

  /** Runs `work` in a transaction on a connection of its own. What it throws rolls back. */
  async transaction<T>(
    work: (connection: PostgresConnection) => Promise<T>,
    { signal, ...options }: Operation & TransactionOptions & EndOptions,
  ): Promise<T> {
    await using connection = await this.connect({ signal })
    return await connection.transaction(() => work(connection), options)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#freeRoom?.()
    this.#freeRoom = undefined
    await this.pool.end()
  }

  async #acquire(signal: AbortSignal): Promise<ClientBase> {
    if (signal.aborted) throw abortError(signal)
    const acquired = this.pool.acquire()
    try {
      const client = await unlessAborted(acquired, signal)
      this.#hasConnected = true
      return client
    } catch (error) {
      if (signal.aborted) {
        // Nobody waits for it any more; whatever becomes of it was not asked for.
        acquired.then((client) => this.pool.release(client, false)).catch(() => {})
        throw abortError(signal)
      }
      throw this.#connectError(error)
    }
  }

  /** A server that was never reached is more likely a mistyped host or port than a restart, and waiting would only hide it. */
  #connectError(error: unknown): DroverError {
    const failure = postgresError(error, `connecting to ${this.name}`)
    const { code } = (error ?? {}) as { readonly code?: unknown }
    if (this.#hasConnected && this.pool.asksForPassword && sqlState(error).startsWith('28')) {
      const hint = 'It was let in before, so the password function may not know the new password yet.'
      return new DroverError(failure.code, `${failure.message} ${hint}`, { cause: error, isRetryable: true })
    }
    const isMistake = ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOENT'].includes(String(code))
    if (this.#hasConnected || !isMistake) return failure
    return new DroverError(failure.code, failure.message, { cause: error })
  }
}

function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(abortError(signal))
    signal.addEventListener('abort', onAbort)
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
