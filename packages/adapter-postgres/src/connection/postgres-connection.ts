import { DroverError, type Operation } from '@drover/core'
import type { ClientBase, QueryConfig, QueryResult } from 'pg'
import { postgresError, sqlState } from '../errors/postgres-error.js'
import { type Cancellable, requestCancel } from './cancel-request.js'
import type { ClientPool } from './client-pool.js'
import { beginSql, type TransactionDefaults, type TransactionOptions } from './transaction-options.js'
import { valueParsers } from './value-parsers.js'

/** What a statement gave. */
export interface PostgresResult<R> {
  readonly rows: readonly R[]
  /** Rows that the statement gave or changed. */
  readonly count: number
}

export interface StatementOptions {
  /** What is being done, for the message of an error: `reading table "messages" of db.example.org/chat`. */
  readonly doing?: string
}

export interface EndOptions {
  /** `rollback` leaves nothing, also if `work` succeeds: to try something out. @default 'commit' */
  readonly end?: 'commit' | 'rollback'
}

interface Parts extends Operation {
  readonly name: string
  readonly client: ClientBase
  readonly pool: ClientPool
  readonly defaults: TransactionDefaults
  /** The server took writes when it was opened. */
  readonly wasWritable: boolean
  readonly onRelease: (connection: PostgresConnection) => void
}

/** How long the server may take to cancel a statement before the connection is closed. */
const cancelPatienceMs = 1000

/**
 * A connection that is ours until it is disposed of, which rolls back what is open and gives it back. No statement of the
 * application can land on it. When the signal that it was asked for with is aborted, the statement that runs is cancelled and
 * whatever comes later is refused with `ABORTED`. Every failure is a `DroverError`.
 */
export class PostgresConnection implements AsyncDisposable {
  readonly name: string
  /** Somebody else can say what its statements wait for: they belong to a batch. */
  isOfBatch = false
  readonly #client: ClientBase
  readonly #pool: ClientPool
  readonly #defaults: TransactionDefaults
  readonly #signal: AbortSignal
  readonly #wasWritable: boolean
  readonly #onRelease: Parts['onRelease']
  #running = 0
  #isInTransaction = false
  #brokenBy: unknown
  #isUsed = false
  #closeTimer: NodeJS.Timeout | undefined
  #released: Promise<void> | undefined

  constructor({ name, client, pool, defaults, signal, wasWritable, onRelease }: Parts) {
    this.name = name
    this.#client = client
    this.#pool = pool
    this.#defaults = defaults
    this.#signal = signal
    this.#wasWritable = wasWritable
    this.#onRelease = onRelease
    client.on('error', this.#onError)
    signal.addEventListener('abort', this.#onAbort)
  }

  /** Of the server process that serves this connection; behind a pooler it is the pooler's. */
  get pid(): number {
    return (this.#client as ClientBase & { readonly processID: number }).processID
  }

  /** A statement is under way. */
  get isRunning(): boolean {
    return this.#running > 0
  }

  get isInTransaction(): boolean {
    return this.#isInTransaction
  }

  /** One statement. Rows are objects; integers are `number` while safe and else `bigint`, json is parsed, what is rarer is text. */
  async query<R = Record<string, unknown>>(
    text: string,
    values: readonly unknown[] = [],
    { doing }: StatementOptions = {},
  ): Promise<PostgresResult<R>> {
    const config: QueryConfig = { text, values: [...values], types: valueParsers as unknown as QueryConfig['types'] }
    const result = await this.run(doing, (client) => client.query(config))
    return { rows: result.rows as R[], count: result.rowCount ?? 0 }
  }

  /** One or several statements without values, in one message. */
  async exec(sql: string, { doing }: StatementOptions = {}): Promise<void> {
    await this.run(doing, (client) => client.query(sql))
  }

  /**
   * Does something with the client itself, such as a COPY. It is cancelled when the signal is aborted; a COPY into a table does not
   * notice that before its next data, so its writer looks at the signal too.
   */
  async run<T>(doing: string | undefined, work: (client: ClientBase) => Promise<T>): Promise<T> {
    this.#checkUsable()
    return this.#watched(doing, work)
  }

  /** Begins a transaction, which {@link commit}, {@link rollback} or disposing ends. */
  async begin(options: TransactionOptions = {}, { doing }: StatementOptions = {}): Promise<void> {
    if (this.#isInTransaction) {
      throw new DroverError('CONTRACT_BROKEN', `A transaction on ${this.name} was begun within another one.`)
    }
    const sql = beginSql(options, this.#defaults)
    this.#checkUsable()
    this.#isInTransaction = true
    try {
      await this.exec(sql, doing === undefined ? {} : { doing })
    } catch (error) {
      // BEGIN may have worked, and one of the settings not.
      await this.rollback()
      throw error
    }
  }

  /** @param last Statements without values that travel in one message with the COMMIT. */
  async commit(last?: string, { doing }: StatementOptions = {}): Promise<readonly QueryResult[]> {
    const results = await this.run(doing ?? `committing to ${this.name}`, async (client) => {
      const answer: QueryResult | QueryResult[] = await client.query(last === undefined ? 'COMMIT' : `${last}; COMMIT`)
      return Array.isArray(answer) ? answer : [answer]
    })
    this.#isInTransaction = false
    // A transaction in which a statement failed answers COMMIT with a rollback, and no error.
    if (results.at(-1)?.command !== 'COMMIT') {
      throw new DroverError(
        'CONTRACT_BROKEN',
        `A failed transaction on ${this.name} was committed; nothing was stored.`,
      )
    }
    return results.slice(0, -1)
  }

  /** Rolls back what is open. A connection on which that fails is thrown away, and the server rolls back by itself. */
  async rollback(): Promise<void> {
    if (!this.#isInTransaction) return
    this.#isInTransaction = false
    if (this.#brokenBy !== undefined) return
    try {
      await this.#watched('rolling back', (client) => client.query('ROLLBACK'))
    } catch (error) {
      this.#brokenBy ??= error
    }
  }

  /** Runs `work` in a transaction. What it throws rolls back. */
  async transaction<T>(work: () => Promise<T>, options: TransactionOptions & EndOptions = {}): Promise<T> {
    const { end = 'commit', ...how } = options
    await this.begin(how)
    try {
      const value = await work()
      if (end === 'commit') await this.commit()
      return value
    } finally {
      await this.rollback()
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#released ??= this.#release()
    return this.#released
  }

  async #release(): Promise<void> {
    this.#isUsed = true
    this.#onRelease(this)
    await this.rollback()
    clearTimeout(this.#closeTimer)
    this.#signal.removeEventListener('abort', this.#onAbort)
    // A request to cancel that is still on its way must not meet the statement of somebody else.
    await this.#pool.release(this.#client, this.#brokenBy !== undefined || this.#signal.aborted || this.#running > 0)
    this.#client.off('error', this.#onError)
  }

  async #watched<T>(doing: string | undefined, work: (client: ClientBase) => Promise<T>): Promise<T> {
    this.#running++
    try {
      return await work(this.#client)
    } catch (error) {
      if (this.#signal.aborted) throw abortError(this.#signal)
      // What the server or the network said, not that pg has noticed.
      const cause = sqlState(error) === '' && this.#brokenBy !== undefined ? this.#brokenBy : error
      const failure = postgresError(cause, doing ?? `working on ${this.name}`)
      if (sqlState(cause) !== readOnlyTransaction || !this.#wasWritable) throw failure
      // A connection that is kept would lead to the old server for ever.
      this.#brokenBy ??= cause
      throw becameReadonly(failure)
    } finally {
      this.#running--
    }
  }

  #checkUsable(): void {
    if (this.#isUsed) {
      throw new DroverError('CONTRACT_BROKEN', `A connection to ${this.name} was used after it had been given back.`)
    }
    if (this.#signal.aborted) throw abortError(this.#signal)
  }

  readonly #onError = (error: unknown): void => {
    this.#brokenBy ??= error
  }

  readonly #onAbort = (): void => {
    if (this.#running === 0) return
    requestCancel(this.#client as unknown as Cancellable)
    this.#closeTimer = setTimeout(() => {
      this.#brokenBy ??= abortError(this.#signal)
      // With a statement under way, pg closes the socket at once.
      ;(this.#client as ClientBase & { end(done: () => void): void }).end(() => {})
    }, cancelPatienceMs)
  }
}

/** "cannot execute INSERT in a read-only transaction" */
const readOnlyTransaction = '25006'

/** After a failover the old address may lead to a standby for a while; elsewhere a server protects its disk in that way. */
function becameReadonly({ message, cause }: DroverError): DroverError {
  return new DroverError(
    'STORE_UNAVAILABLE',
    `${message} It took writes before: after a failover, connect to the new primary; a disk that is nearly full needs space.`,
    { cause, isRetryable: true },
  )
}

export function abortError(signal: AbortSignal): DroverError {
  return DroverError.from(signal.reason, 'the work was given up', 'ABORTED')
}
