import type { SqliteConnection } from '../connection/sqlite-connection.js'

/**
 * Goes back to a savepoint after a statement failed, and lets it go. False if the failure has ended the transaction, as a full
 * disk or RAISE(ROLLBACK) may: then nothing is left to go back to, and no statement must follow that would commit by itself.
 */
export async function undoSavepoint(connection: SqliteConnection, name: string): Promise<boolean> {
  try {
    await connection.exec(`ROLLBACK TO ${name}; RELEASE ${name}`)
    return true
  } catch (error) {
    if (/no such savepoint/.test(String(error))) return false
    throw error
  }
}
