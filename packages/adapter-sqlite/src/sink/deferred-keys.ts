import type { SqliteConnection } from '../connection/sqlite-connection.js'

/**
 * Foreign keys that SQLite checks at COMMIT only. A probe never commits, so it counts what COMMIT would find; rows that broke
 * a key before are not its business.
 */
export class DeferredKeys {
  private constructor(
    private readonly connection: SqliteConnection,
    private readonly tables: readonly string[],
  ) {}

  /** Of the tables that have such a key and are, or point to, this one. */
  static async of(connection: SqliteConnection, table: string): Promise<DeferredKeys> {
    const [isOn] = (await connection.get('SELECT foreign_keys FROM pragma_foreign_keys')) as [number]
    if (isOn !== 1) return new DeferredKeys(connection, [])
    const rows = await connection.all(
      `SELECT DISTINCT m.name FROM sqlite_master AS m, pragma_foreign_key_list(m.name) AS f
       WHERE m.type = 'table' AND m.sql LIKE '%DEFERRED%' AND (m.name = ? COLLATE NOCASE OR f."table" = ? COLLATE NOCASE)`,
      [table, table],
    )
    return new DeferredKeys(
      connection,
      rows.map(([name]) => String(name)),
    )
  }

  /** Rows that break a key now. It looks at whole tables. */
  async broken(): Promise<number> {
    let broken = 0
    for (const table of this.tables) {
      const [count] = (await this.connection.get('SELECT count(*) AS n FROM pragma_foreign_key_check(?)', [table])) as [
        number,
      ]
      broken += count
    }
    return broken
  }
}
