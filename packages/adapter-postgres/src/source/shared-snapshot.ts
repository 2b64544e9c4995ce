import { randomUUID } from 'node:crypto'
import { DroverError, type Operation } from '@drover/core'
import type { PostgresDatabase } from '../connection/open-postgres.js'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import type { TransactionOptions } from '../connection/transaction-options.js'

/**
 * One moment of the database, for any number of connections: exported by a transaction that stays open as long as the
 * session does.
 */
export class SharedSnapshot implements AsyncDisposable {
  /** One question at a time, whoever asks. */
  #answer: Promise<void> | undefined

  private constructor(
    private readonly connection: PostgresConnection,
    private readonly shown: string,
    private readonly exported: string,
    /** The same text stands for the same records: two snapshots between which nothing was written have one. */
    readonly identity: string,
  ) {}

  static async take(database: PostgresDatabase, shown: string, { signal }: Operation): Promise<SharedSnapshot> {
    signal.throwIfAborted()
    // It lives as long as the session, not as long as the call that opens it.
    const connection = await database.connect({ signal: new AbortController().signal })
    try {
      await connection.begin({
        readonly: true,
        isolation: 'repeatable read',
        settings: { idle_in_transaction_session_timeout: '0' },
      })
      const { rows } = await connection.query<{ exported: string; identity: string | null }>(
        // A replica does not list in it which transactions it knows to be running.
        `SELECT pg_export_snapshot() AS exported,
           CASE WHEN NOT pg_is_in_recovery() THEN pg_current_snapshot()::text END AS identity`,
        [],
        { doing: `taking a snapshot of ${database.name}` },
      )
      const [{ exported, identity } = { exported: '', identity: null }] = rows
      return new SharedSnapshot(connection, shown, exported, identity ?? randomUUID())
    } catch (error) {
      await connection[Symbol.asyncDispose]()
      throw error
    }
  }

  /** For transactions that see that moment. */
  get transaction(): TransactionOptions {
    return { readonly: true, isolation: 'repeatable read', snapshot: this.exported }
  }

  /** @throws `STORE_UNAVAILABLE`, which is not tried again, once the connection that holds it has broken off */
  requireAlive(): Promise<void> {
    this.#answer ??= this.#ask().finally(() => {
      this.#answer = undefined
    })
    return this.#answer
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.connection[Symbol.asyncDispose]()
  }

  async #ask(): Promise<void> {
    try {
      await this.connection.query('SELECT 1')
    } catch (cause) {
      throw snapshotGone(this.shown, cause)
    }
  }
}

export function snapshotGone(shown: string, cause?: unknown): DroverError {
  return new DroverError(
    'STORE_UNAVAILABLE',
    `${shown}: the snapshot that the run reads is gone with the connection that held it, and what is left is no part of that ` +
      "moment any more. Begin a new run (another version and whenChanged: 'restart'), or read without snapshot.",
    { cause },
  )
}
