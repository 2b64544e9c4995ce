import type { MaybePromise } from '@drover/core'
import type { Knex } from 'knex'

/** The drivers that the adapter works with. */
export type SqliteDriver = 'better-sqlite3' | 'sqlite3'

/**
 * A value as SQLite stores it. Bound: `bigint` is INTEGER and `number` is REAL, always (a column with INTEGER affinity
 * turns an integral REAL into INTEGER itself). Read: REAL is `number`; INTEGER is what {@link SqliteIntegers} says.
 */
export type SqliteValue = null | bigint | number | string | Uint8Array

/** How INTEGER is read: `number` while it is safe and else `bigint`, or always `bigint`. */
export type SqliteIntegers = 'auto' | 'bigint'

/** What a writing statement did. */
export interface SqliteChange {
  readonly changes: number
  /** Rowid of the last row inserted on this connection. */
  readonly lastRowid: number
}

/** What a statement of any kind gave. */
export interface SqliteObjects extends SqliteChange {
  /** By the names of their columns; of several columns of one name the last one. Empty if the statement gives none. */
  readonly rows: readonly Readonly<Record<string, SqliteValue>>[]
}

export interface ReadStatementOptions {
  /** @default 'auto' */
  readonly integers?: SqliteIntegers
}

export interface TransactionOptions {
  /**
   * `immediate` takes the write lock at once: a transaction that reads first and writes later fails with
   * SQLITE_BUSY_SNAPSHOT if somebody else wrote in between, whatever the busy timeout is.
   *
   * @default 'immediate'
   */
  readonly mode?: 'immediate' | 'deferred'
  /** `rollback` leaves nothing, also if `work` succeeds: to try something out. @default 'commit' */
  readonly end?: 'commit' | 'rollback'
}

/**
 * A connection of our own: no statement of the application can land on it, so none can land in our transaction.
 * Losslessly the same over both drivers. Answers are synchronous with better-sqlite3 unless the database is busy: then the
 * connection waits without blocking the event loop, up to `busyTimeoutMs`, and fails with `STORE_BUSY`.
 *
 * Statements are prepared once and kept. Placeholders are `?`, values go by place. Every failure is a `DroverError`.
 */
export interface SqliteConnection extends AsyncDisposable {
  readonly driver: SqliteDriver
  /** The query builder and DDL of the same database. It has no part in our transactions. */
  readonly toKnex: () => Promise<Knex>
  /** Equal for connections to the same database: its path, or the knex instance that it lives in. */
  readonly database: string | object
  /** The database as the user named it, for messages. */
  readonly name: string
  /** The whole path of the database's file, for ATTACH; null for one in memory. */
  readonly path: string | null
  readonly isReadonly: boolean
  /** The driver's own handle, for what only one of them can do. */
  readonly native: NativeHandle

  /**
   * All rows, as arrays. With `sqlite3` it costs a second statement the first time, which finds out how many columns there
   * are; column names must differ. A RETURNING clause is read as that driver gives it: integers beyond ±2^53 are refused.
   */
  all(sql: string, values?: readonly SqliteValue[], options?: ReadStatementOptions): MaybePromise<SqliteValue[][]>
  /** The first row. */
  get(
    sql: string,
    values?: readonly SqliteValue[],
    options?: ReadStatementOptions,
  ): MaybePromise<SqliteValue[] | undefined>
  /**
   * Gives the rows as the driver makes them, one by one, until `visit` answers false: for statements that keep the driver from
   * losing something themselves. Integers are rounded doubles unless asked for as `bigint` (better-sqlite3 alone knows them).
   * With better-sqlite3 only the row in hand is in memory, with sqlite3 all rows are.
   */
  each(
    sql: string,
    values: readonly SqliteValue[],
    visit: (row: readonly unknown[]) => boolean,
    options?: ReadStatementOptions,
  ): MaybePromise<void>
  run(sql: string, values?: readonly SqliteValue[]): MaybePromise<SqliteChange>
  /**
   * A statement of which nothing is known. It is not kept, so it may change the schema, or be run again behind a change. INTEGER is read as
   * `auto`. With `sqlite3`, rows of RETURNING and PRAGMA are read as that driver gives them: integers beyond ±2^53 are refused.
   */
  objects(sql: string, values?: readonly SqliteValue[]): MaybePromise<SqliteObjects>
  /** Several statements, without values. */
  exec(sql: string): MaybePromise<void>
  /**
   * Runs `work` in a transaction; transactions of one connection run one after the other. What `work` throws rolls back.
   * A statement given to the connection by others meanwhile is part of the transaction.
   */
  transaction<T>(work: () => MaybePromise<T>, options?: TransactionOptions): Promise<T>
}

/** better-sqlite3's `Database`, as far as it is used. */
export interface BetterDatabase {
  readonly inTransaction: boolean
  readonly open: boolean
  prepare(sql: string): BetterStatement
  exec(sql: string): unknown
  close(): unknown
}

/** better-sqlite3's `Statement`, as far as it is used. */
export interface BetterStatement {
  readonly reader: boolean
  raw(toggle?: boolean): this
  pluck(toggle?: boolean): this
  columns(): readonly { readonly name: string }[]
  safeIntegers(toggle?: boolean): this
  all(...values: readonly unknown[]): unknown[]
  get(...values: readonly unknown[]): unknown
  run(...values: readonly unknown[]): { changes: number; lastInsertRowid: number | bigint }
  iterate(...values: readonly unknown[]): IterableIterator<unknown>
}

/** The `Database` of npm's sqlite3, as far as it is used. */
export interface NpmDatabase {
  prepare(sql: string, done: (this: NpmStatement, error: Error | null) => void): NpmStatement
  exec(sql: string, done: (error: Error | null) => void): unknown
  close(done: (error: Error | null) => void): unknown
}

/** The `Statement` of npm's sqlite3, as far as it is used. */
export interface NpmStatement {
  all(values: readonly unknown[], done: (error: Error | null, rows: Record<string, unknown>[]) => void): unknown
  run(values: readonly unknown[], done: (this: NpmChange, error: Error | null) => void): unknown
  reset(done: () => void): unknown
  finalize(done?: (error: Error | null) => void): unknown
}

export interface NpmChange {
  readonly changes: number
  readonly lastID: number
}

export type NativeHandle =
  | { readonly driver: 'better-sqlite3'; readonly database: BetterDatabase }
  | { readonly driver: 'sqlite3'; readonly database: NpmDatabase }
