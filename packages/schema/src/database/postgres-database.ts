import type { PostgresConnection } from '@drover/adapter-postgres'
import { DroverError, type Row } from '@drover/core'
import type { Knex } from 'knex'
import type { MigrationBackfill } from '../contracts/backfill.js'
import type { BeginOptions, SchemaConnection, SchemaDatabase } from '../contracts/database.js'
import { boundKnex } from './bound-knex.js'
import { loadAdapter } from './load-adapter.js'
import type { StatementResult } from './statement-result.js'
import { bareStatement } from './statement-shown.js'

interface PostgresTarget {
  /** For the adapter. Left out, it reads DATABASE_URL itself. */
  readonly connection: string | object | undefined
  readonly url: string | null
}

export async function openPostgresDatabase(
  where: string,
  { connection, url }: PostgresTarget,
  tablePrefix: string | undefined,
): Promise<SchemaDatabase> {
  const { openPostgres, postgresBackfill, postgresStateStore } = await loadAdapter('postgres')
  // The adapter says what is wrong with it.
  const location = connection === undefined ? {} : { connection: connection as string }
  const prefix = tablePrefix === undefined ? {} : { tablePrefix }
  const state = postgresStateStore({ ...location, ...prefix })
  const { signal } = new AbortController()
  const database = await openPostgres(location, { signal }).catch((error: unknown) => {
    throw DroverError.from(error, where)
  })
  return {
    dialect: 'postgres',
    name: database.name,
    path: null,
    url,
    state,
    async connect({ idleTimeoutMs, ...operation }) {
      const connected = await database.connect(operation)
      try {
        const { rows } = await connected.query<{ version: string }>(
          `SELECT current_setting('server_version_num') AS version`,
        )
        return new OwnPostgres(connected, Number(rows[0]?.version), idleTimeoutMs)
      } catch (error) {
        await connected[Symbol.asyncDispose]()
        throw error
      }
    },
    async query(sql, values, operation) {
      return (await database.query<Row>(sql, values, operation)).rows
    },
    toBackfill: (backfill) => postgresBackfill({ ...location, ...prefix, ...backfillOptions(backfill) }),
    async [Symbol.asyncDispose]() {
      await state[Symbol.asyncDispose]?.()
      await database[Symbol.asyncDispose]()
    },
  }
}

/** What the adapters' backfillers take; the rest is for whoever runs it. */
export function backfillOptions(
  backfill: MigrationBackfill,
): Omit<MigrationBackfill, 'adaptive' | 'signals' | 'windows' | 'recordsPerSecond'> {
  const { adaptive, signals, windows, recordsPerSecond, ...options } = backfill
  return options
}

/** A connection of the adapter. */
export class OwnPostgres implements SchemaConnection {
  readonly dialect = 'postgres'
  readonly name: string
  #knex: Knex | undefined

  constructor(
    readonly connection: PostgresConnection,
    readonly version: number,
    private readonly idleTimeoutMs?: number,
  ) {
    this.name = connection.name
  }

  get isInTransaction(): boolean {
    return this.connection.isInTransaction
  }

  get knex(): Knex {
    this.#knex ??= boundKnex(this)
    return this.#knex
  }

  async statement(sql: string, values: readonly unknown[] = []): Promise<StatementResult> {
    const doing = `running ${bareStatement(sql, 'postgres')} on ${this.name}`
    const { rows, count } = await this.connection.query<Row>(sql, values, { doing })
    return { rows, count }
  }

  async query(sql: string, values?: readonly unknown[]): Promise<readonly Row[]> {
    return (await this.statement(sql, values)).rows
  }

  async run(sql: string, values?: readonly unknown[]): Promise<number> {
    return (await this.statement(sql, values)).count
  }

  async exec(sql: string): Promise<void> {
    await this.connection.exec(sql, { doing: `running ${bareStatement(sql, 'postgres')} on ${this.name}` })
  }

  async begin({ lockTimeoutMs, statementTimeoutMs }: BeginOptions = {}): Promise<void> {
    await this.connection.begin({
      ...(lockTimeoutMs === undefined ? {} : { lockTimeoutMs }),
      ...(statementTimeoutMs === undefined ? {} : { statementTimeoutMs }),
      ...(this.idleTimeoutMs === undefined
        ? {}
        : { settings: { idle_in_transaction_session_timeout: String(this.idleTimeoutMs) } }),
    })
  }

  keepAlive(): void {
    if (!this.connection.isInTransaction || this.connection.isRunning) return
    // If it fails, whoever uses the connection is told by the next statement.
    this.connection.exec('SELECT').catch(() => {})
  }

  async commit(): Promise<void> {
    await this.connection.commit()
  }

  async rollback(): Promise<void> {
    await this.connection.rollback()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection[Symbol.asyncDispose]()
  }
}
