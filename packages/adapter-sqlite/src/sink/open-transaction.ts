import { randomUUID } from 'node:crypto'
import { quoteName } from '../connection/quote-name.js'
import type { SqliteConnection } from '../connection/sqlite-connection.js'

/**
 * Knows inside SQL whether a transaction is still open. SQLite ends it by itself when the disk is full or a trigger says
 * RAISE(ROLLBACK), and whatever statement has been given to the driver by then would be committed alone.
 */
export class OpenTransaction {
  readonly #table = `temp.${quoteName(`drover_open_${randomUUID()}`)}`
  #number = 0

  private constructor(private readonly connection: SqliteConnection) {}

  static async on(connection: SqliteConnection): Promise<OpenTransaction> {
    const open = new OpenTransaction(connection)
    await connection.exec(`CREATE TEMP TABLE ${open.#table.slice(5)} (number INTEGER NOT NULL);
      INSERT INTO ${open.#table} VALUES (0)`)
    return open
  }

  /** First thing in the transaction. */
  async begin(): Promise<void> {
    this.#number++
    await this.connection.run(`UPDATE ${this.#table} SET number = ?`, [this.#number])
  }

  /** Bind it first in front of the values of a statement that uses `placeholder`. */
  get number(): number {
    return this.#number
  }

  /** Stands for `?`, with `number` bound before it, and fails when the transaction is over. */
  get placeholder(): string {
    return `CASE (SELECT number FROM ${this.#table}) WHEN ? THEN ? ELSE json('the transaction is over') END`
  }

  /** For a connection that goes on without us. */
  async remove(): Promise<void> {
    await this.connection.exec(`DROP TABLE ${this.#table}`)
  }
}
