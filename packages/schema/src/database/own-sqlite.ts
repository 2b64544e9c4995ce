import type { SqliteConnection } from '@drover/adapter-sqlite'
import { DroverError, type Row } from '@drover/core'
import type { Knex } from 'knex'
import type { BeginOptions, SchemaConnection } from '../contracts/database.js'
import { boundKnex } from './bound-knex.js'
import { sqliteValue } from './sqlite-values.js'
import type { StatementResult } from './statement-result.js'

/** Why a transaction ended, for the adapter, which rolls back what throws. */
const rolledBack = new Error('rolled back')

interface OpenTransaction {
  readonly end: (how: 'commit' | 'rollback') => void
  readonly ended: Promise<void>
}

/** A connection of the adapter, on which transactions begin and end by calls of their own. */
export class OwnSqlite implements SchemaConnection {
  readonly dialect = 'sqlite'
  readonly name: string
  #knex: Knex | undefined
  #transaction: OpenTransaction | undefined
  #isDisposed = false

  private constructor(
    readonly connection: SqliteConnection,
    readonly version: number,
    /** As the connection was given: one in memory is shared. */
    private readonly hadForeignKeys: boolean,
    private readonly signal: AbortSignal,
  ) {
    this.name = connection.name
  }

  static async open(connection: SqliteConnection, signal: AbortSignal): Promise<OwnSqlite> {
    try {
      const [version, foreignKeys] = (await connection.get(
        'SELECT sqlite_version(), (SELECT foreign_keys FROM pragma_foreign_keys)',
      )) as [string, number]
      if (foreignKeys !== 1) await connection.exec('PRAGMA foreign_keys = ON')
      return new OwnSqlite(connection, versionNumber(version), foreignKeys === 1, signal)
    } catch (error) {
      await connection[Symbol.asyncDispose]()
      throw error
    }
  }

  get isInTransaction(): boolean {
    return this.#transaction !== undefined
  }

  get knex(): Knex {
    this.#knex ??= boundKnex(this)
    return this.#knex
  }

  async statement(sql: string, values: readonly unknown[] = []): Promise<StatementResult> {
    this.#checkUsable()
    const { rows, changes, lastRowid } = await this.connection.objects(sql, values.map(sqliteValue))
    return { rows, count: changes, lastRowid }
  }

  async query(sql: string, values?: readonly unknown[]): Promise<readonly Row[]> {
    return (await this.statement(sql, values)).rows
  }

  async run(sql: string, values?: readonly unknown[]): Promise<number> {
    return (await this.statement(sql, values)).count
  }

  async exec(sql: string): Promise<void> {
    this.#checkUsable()
    await this.connection.exec(sql)
  }

  async begin({ foreignKeys = 'on' }: BeginOptions = {}): Promise<void> {
    this.#checkUsable()
    if (this.#transaction !== undefined) {
      throw new DroverError('CONTRACT_BROKEN', `A transaction on "${this.name}" was begun within another one.`)
    }
    // Within a transaction the pragma does nothing, and says nothing.
    if (foreignKeys === 'off') await this.connection.exec('PRAGMA foreign_keys = OFF')
    try {
      this.#transaction = await this.#open()
      const [isOn] = (await this.connection.get('SELECT foreign_keys FROM pragma_foreign_keys')) as [number]
      if ((isOn === 1) !== (foreignKeys === 'on')) {
        throw new DroverError(
          'STORE_BUSY',
          `Foreign keys of "${this.name}" cannot be switched ${foreignKeys}: somebody else has a transaction open on the same connection.`,
          { isRetryable: true },
        )
      }
    } catch (error) {
      await this.rollback()
      await this.#foreignKeysOn()
      throw error
    }
  }

  async commit(): Promise<void> {
    const transaction = this.#transaction
    if (transaction === undefined) {
      throw new DroverError('CONTRACT_BROKEN', `There is no transaction on "${this.name}" to commit.`)
    }
    this.#transaction = undefined
    transaction.end('commit')
    try {
      await transaction.ended
    } finally {
      await this.#foreignKeysOn()
    }
  }

  async rollback(): Promise<void> {
    const transaction = this.#transaction
    if (transaction === undefined) return
    this.#transaction = undefined
    transaction.end('rollback')
    try {
      await transaction.ended
    } catch (error) {
      if (error !== rolledBack) throw error
    } finally {
      await this.#foreignKeysOn()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isDisposed) return
    try {
      await this.rollback()
      if (!this.hadForeignKeys) await this.connection.exec('PRAGMA foreign_keys = OFF')
    } finally {
      this.#isDisposed = true
      await this.connection[Symbol.asyncDispose]()
    }
  }

  /** The adapter's transactions are callbacks: this one waits for the word. They are immediate, and wait for others on a shared connection. */
  #open(): Promise<OpenTransaction> {
    return new Promise((resolve, reject) => {
      const ended = this.connection.transaction(
        () =>
          new Promise<void>((commit, rollback) => {
            resolve({ ended, end: (how) => (how === 'commit' ? commit() : rollback(rolledBack)) })
          }),
      )
      ended.catch(reject)
    })
  }

  async #foreignKeysOn(): Promise<void> {
    await this.connection.exec('PRAGMA foreign_keys = ON')
  }

  #checkUsable(): void {
    if (this.#isDisposed) {
      throw new DroverError('CONTRACT_BROKEN', `The connection to "${this.name}" was used after it had been closed.`)
    }
    if (this.signal.aborted) throw DroverError.from(this.signal.reason, 'the work was given up', 'ABORTED')
  }
}

/** As SQLITE_VERSION_NUMBER: 3.35.5 is 3035005. */
function versionNumber(version: string): number {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number)
  return major * 1_000_000 + minor * 1000 + patch
}
