import { randomUUID } from 'node:crypto'
import { quoteName } from '../connection/quote-name.js'
import type { SqliteConnection } from '../connection/sqlite-connection.js'

/**
 * Counts the rows that this connection inserts into a table: an upsert does not say whether it inserted or updated.
 * A trigger of our own, which only this connection has, sees each row that is inserted and none that is updated.
 */
export class InsertCounter {
  readonly #id = randomUUID()
  readonly #table = quoteName(`drover_inserted_${this.#id}`)
  readonly #trigger = quoteName(`drover_insert_${this.#id}`)

  private constructor(private readonly connection: SqliteConnection) {}

  static async on(connection: SqliteConnection, table: string): Promise<InsertCounter> {
    const counter = new InsertCounter(connection)
    await connection.exec(`
      CREATE TEMP TABLE ${counter.#table} (count INTEGER NOT NULL);
      INSERT INTO temp.${counter.#table} VALUES (0);
      CREATE TEMP TRIGGER ${counter.#trigger} AFTER INSERT ON main.${quoteName(table)}
      BEGIN UPDATE ${counter.#table} SET count = count + 1; END;
    `)
    return counter
  }

  /** Rows inserted since it was made, by transactions that were not rolled back. */
  async count(): Promise<number> {
    const [count] = (await this.connection.get(`SELECT count FROM temp.${this.#table}`)) as [number]
    return count
  }

  /** For a connection that goes on without us. */
  async remove(): Promise<void> {
    await this.connection.exec(`DROP TRIGGER temp.${this.#trigger}; DROP TABLE temp.${this.#table}`)
  }
}

/**
 * Whether a trigger of the database inserts into the table: such a row would be counted as one of ours. Anything that
 * looks like it counts as one.
 */
export async function hasInsertingTrigger(connection: SqliteConnection, table: string): Promise<boolean> {
  const rows = await connection.all(`SELECT sql FROM sqlite_master WHERE type = 'trigger'`)
  const name = table.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const inserts = new RegExp(`\\binto\\s+["\`[]?${name}["\`\\]]?(?![\\w$])`, 'i')
  return rows.some(([sql]) => inserts.test(String(sql)))
}

/** Whether a trigger of the table has statements with conflict clauses of their own, which OR ABORT would overrule. */
export async function hasTriggerWithClause(connection: SqliteConnection, table: string): Promise<boolean> {
  const rows = await connection.all(`SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?`, [table])
  return rows.some(([sql]) => /\bOR\s+(?:IGNORE|REPLACE|FAIL|ROLLBACK)\b/i.test(String(sql)))
}
