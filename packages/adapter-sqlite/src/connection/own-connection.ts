import { DroverError, type MaybePromise } from '@drover/core'
import type { Knex } from 'knex'
import { sqliteError } from '../errors/sqlite-error.js'
import type { TransactionQueue } from './given-knex.js'
import { OpenFile } from './open-file.js'
import type {
  NativeHandle,
  ReadStatementOptions,
  SqliteChange,
  SqliteConnection,
  SqliteDriver,
  SqliteObjects,
  SqliteValue,
  TransactionOptions,
} from './sqlite-connection.js'
import type { SqliteHandle } from './sqlite-handle.js'
import { after, isPromise, waitWhileBusy } from './wait-while-busy.js'

interface Parts {
  readonly handle: SqliteHandle
  readonly toKnex: () => Promise<Knex>
  readonly name: string
  readonly path: string | null
  /** What the database lives in, if it is no file and not this connection alone. */
  readonly database?: object
  readonly isReadonly: boolean
  readonly busyTimeoutMs: number
  readonly release: () => Promise<void>
  readonly queue?: TransactionQueue
}

/** A handle that nobody else uses, with waiting, transactions and errors of ours. */
export class OwnConnection implements SqliteConnection {
  readonly driver: SqliteDriver
  readonly native: NativeHandle
  readonly toKnex: () => Promise<Knex>
  readonly database: string | object
  readonly name: string
  readonly path: string | null
  readonly isReadonly: boolean
  readonly #handle: SqliteHandle
  readonly #busyTimeoutMs: number
  readonly #queue: TransactionQueue
  readonly #release: () => Promise<void>
  readonly #file: OpenFile | null
  readonly #underWay = new Set<Promise<unknown>>()
  /** Of the transaction that is open. */
  #lastFailure: DroverError | undefined
  #closed: Promise<void> | undefined

  constructor(parts: Parts) {
    this.native = parts.handle.native
    this.driver = this.native.driver
    this.toKnex = parts.toKnex
    this.database = parts.path ?? parts.database ?? this
    this.name = parts.name
    this.path = parts.path
    this.isReadonly = parts.isReadonly
    this.#handle = parts.handle
    this.#busyTimeoutMs = parts.busyTimeoutMs
    this.#queue = parts.queue ?? { last: Promise.resolve() }
    this.#release = parts.release
    this.#file = parts.path === null || parts.isReadonly ? null : new OpenFile(parts.path, parts.name)
  }

  all(
    sql: string,
    values: readonly SqliteValue[] = [],
    options: ReadStatementOptions = {},
  ): MaybePromise<SqliteValue[][]> {
    return this.#do('reading', () => this.#handle.all(sql, values, options.integers ?? 'auto'))
  }

  get(
    sql: string,
    values: readonly SqliteValue[] = [],
    options: ReadStatementOptions = {},
  ): MaybePromise<SqliteValue[] | undefined> {
    return after(this.all(sql, values, options), (rows) => rows[0])
  }

  each(
    sql: string,
    values: readonly SqliteValue[],
    visit: (row: readonly unknown[]) => boolean,
    options: ReadStatementOptions = {},
  ): MaybePromise<void> {
    let hasBegun = false
    const visitOnce = (row: readonly unknown[]): boolean => {
      hasBegun = true
      return visit(row)
    }
    return this.#do('reading', () => {
      // Trying again would give rows twice.
      if (hasBegun)
        throw new DroverError('STORE_BUSY', `"${this.name}" became busy while it was read.`, { isRetryable: true })
      return this.#handle.each(sql, values, visitOnce, options.integers ?? 'auto')
    })
  }

  run(sql: string, values: readonly SqliteValue[] = []): MaybePromise<SqliteChange> {
    return this.#do('writing to', () => this.#handle.run(sql, values))
  }

  objects(sql: string, values: readonly SqliteValue[] = []): MaybePromise<SqliteObjects> {
    return this.#do('working on', () => this.#handle.objects(sql, values))
  }

  exec(sql: string): MaybePromise<void> {
    return this.#do('working on', () => this.#handle.exec(sql))
  }

  async transaction<T>(work: () => MaybePromise<T>, options: TransactionOptions = {}): Promise<T> {
    const before = this.#queue.last
    const mine = before.then(() => this.#transact(work, options))
    this.#queue.last = mine.then(ignore, ignore)
    return mine
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  /** A statement of sqlite3 that is under way when its connection is closed never answers. */
  async #close(): Promise<void> {
    await Promise.allSettled(this.#underWay)
    await this.#release()
  }

  async #transact<T>(
    work: () => MaybePromise<T>,
    { mode = 'immediate', end = 'commit' }: TransactionOptions,
  ): Promise<T> {
    await this.exec(mode === 'immediate' ? 'BEGIN IMMEDIATE' : 'BEGIN')
    this.#lastFailure = undefined
    try {
      const value = await work()
      this.#file?.check()
      await this.exec(end === 'commit' ? 'COMMIT' : 'ROLLBACK')
      return value
    } catch (error) {
      await this.#rollBack()
      this.#file?.check(error)
      throw error
    }
  }

  /** SQLite has rolled back by itself after some errors (a full disk): then there is nothing left to do. */
  async #rollBack(): Promise<void> {
    if (this.native.driver === 'better-sqlite3' && !this.native.database.inTransaction) return
    try {
      await this.#handle.exec('ROLLBACK')
    } catch (error) {
      if (!/no transaction is active/.test(String(error))) throw sqliteError(error, `rolling back on "${this.name}"`)
    }
  }

  #do<T>(doing: string, action: () => MaybePromise<T>): MaybePromise<T> {
    if (this.#closed !== undefined) {
      throw new DroverError('CONTRACT_BROKEN', `The connection to "${this.name}" was used after it had been closed.`)
    }
    try {
      const answer = waitWhileBusy(action, this.#busyTimeoutMs)
      return isPromise(answer) ? this.#track(answer, doing) : answer
    } catch (error) {
      return this.#fail(error, doing)
    }
  }

  #track<T>(answer: PromiseLike<T>, doing: string): Promise<T> {
    const tracked = Promise.resolve(answer)
      .catch((error: unknown) => this.#fail(error, doing))
      .finally(() => this.#underWay.delete(tracked))
    this.#underWay.add(tracked)
    return tracked
  }

  #fail(error: unknown, doing: string): never {
    // SQLite ends a transaction by itself after some errors: whoever goes back to a savepoint then is told why it is gone.
    if (/no such savepoint/.test(String(error)) && this.#lastFailure !== undefined) throw this.#lastFailure
    this.#lastFailure = sqliteError(error, `${doing} "${this.name}"`)
    throw this.#lastFailure
  }
}

function ignore(): void {}
