import type { SqliteConnection } from '../connection/sqlite-connection.js'

/**
 * Goes back to a savepoint after a statement failed, and lets it go. If that failure has ended the transaction, as a full disk
 * or RAISE(ROLLBACK) may, it is thrown again: nothing must follow that would commit by itself.
 */
export async function undoSavepoint(connection: SqliteConnection, name: string): Promise<void> {
  await connection.exec(`ROLLBACK TO ${name}; RELEASE ${name}`)
}
