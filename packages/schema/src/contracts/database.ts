import type { FlowBackfill, Operation, Row, StateStore } from '@drover/core'
import type { Knex } from 'knex'
import type { StatementResult } from '../database/statement-result.js'
import type { MigrationBackfill } from './backfill.js'
import type { Dialect } from './migration.js'

/** A database that migrations are for. It opens the adapter of its dialect. Disposing closes what it opened, never what it was given. */
export interface SchemaDatabase extends AsyncDisposable {
  readonly dialect: Dialect
  /** For messages, without secrets: `db.example.org/calls`, `agent.db`. */
  readonly name: string
  /** SQLite: the whole path of the file; null in memory and for PostgreSQL. */
  readonly path: string | null
  /** A connection of our own, on which no statement of the application can land. */
  connect(operation: Operation & ConnectOptions): Promise<SchemaConnection>
  /** One reading statement on any connection, without ceremony: what `ensure` does at head. */
  query(sql: string, values: readonly unknown[], operation: Operation): Promise<readonly Row[]>
  /** core's leases, fences and runs, in this database. */
  readonly state: StateStore
  /** The adapter's backfiller for a table of this database. */
  toBackfill(backfill: MigrationBackfill): FlowBackfill
  /** A URL or path for tools that are programs of their own, with its secret; null if it was given as a pool or instance. Never shown. */
  readonly url: string | null
}

export interface ConnectOptions {
  /**
   * PostgreSQL: the server ends a transaction in which nothing has come for so long, in milliseconds, so that a process that sleeps locks nobody out.
   * Whoever asks for it calls `keepAlive` meanwhile. @default as the server is set
   */
  readonly idleTimeoutMs?: number
}

/** One connection. Values travel as the adapters have them: integers beyond 2^53 as bigint, bytes as Uint8Array, SQLite's as stored. */
export interface SchemaConnection extends AsyncDisposable {
  readonly dialect: Dialect
  readonly name: string
  /** 150004, 3052000. */
  readonly version: number
  readonly isInTransaction: boolean
  /** knex that runs on this connection. `transaction()` on it is refused. */
  readonly knex: Knex
  /** One statement of any kind, with all that it gave. */
  statement(sql: string, values?: readonly unknown[]): Promise<StatementResult>
  /** Rows as objects; placeholders are the database's own (`$1`, `?`). */
  query(sql: string, values?: readonly unknown[]): Promise<readonly Row[]>
  /** Rows changed. */
  run(sql: string, values?: readonly unknown[]): Promise<number>
  /** Several statements, without values. */
  exec(sql: string): Promise<void>
  /** SQLite begins immediate, and switches foreign keys off before it if asked, and on again behind it. */
  begin(options?: BeginOptions): Promise<void>
  commit(): Promise<void>
  /** Nothing if there is none. */
  rollback(): Promise<void>
  /** Lets the server know that this process is awake, if it could believe that it is not. */
  keepAlive?(): void
}

export interface BeginOptions {
  /** SQLite. @default as the connection is: on */
  readonly foreignKeys?: 'on' | 'off'
  readonly lockTimeoutMs?: number
  readonly statementTimeoutMs?: number
}
