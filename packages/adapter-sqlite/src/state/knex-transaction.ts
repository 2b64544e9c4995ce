import type { Knex } from 'knex'
import type { SqliteConnection } from '../connection/sqlite-connection.js'
import { waitWhileBusy } from '../connection/wait-while-busy.js'
import { sqliteCode, sqliteError } from '../errors/sqlite-error.js'
import { inTurn } from '../writer/write-turn.js'
import type { PositionTransaction } from './positions.js'

/**
 * Runs `work` in a knex transaction on a connection of our own that holds the write lock from the beginning. knex only
 * knows BEGIN: a transaction that read first and wrote later would fail with SQLITE_BUSY_SNAPSHOT if somebody else wrote
 * in between, so the first statement is one that writes.
 *
 * @param table Any table of the database.
 */
export function knexTransaction<T>(
  connection: SqliteConnection,
  options: { readonly table: string; readonly busyTimeoutMs: number },
  work: (tx: Knex.Transaction) => Promise<T>,
): Promise<T> {
  const { table, busyTimeoutMs } = options
  return inTurn(connection, async () => {
    const knex = await connection.toKnex()
    // The user's statements and knex's COMMIT do not go through our own waiting; SQLite's blocks, but then the lock is ours.
    if (connection.path !== null) await connection.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`)
    try {
      return await knex.transaction(async (tx) => {
        await waitWhileBusy(() => tx.raw(`DELETE FROM ${table} WHERE 0`).then(() => {}), busyTimeoutMs)
        return await work(tx)
      }, configFor(connection))
    } catch (error) {
      await rollBack(connection)
      throw sqliteCode(error) === '' ? error : sqliteError(error, `writing to "${connection.name}"`)
    }
  })
}

/** Positions inside a knex transaction. */
export function positionsIn(tx: Knex.Transaction): PositionTransaction {
  return {
    get: async (sql, values) => {
      const rows: readonly Record<string, unknown>[] = await tx.raw(sql, [...values])
      return rows[0] === undefined ? undefined : Object.values(rows[0])
    },
    run: async (sql, values) => {
      await tx.raw(sql, [...values])
      const [counted]: readonly { readonly changed: number }[] = await tx.raw('SELECT changes() AS changed')
      return Number(counted?.changed)
    },
  }
}

/** knex takes a connection from its pool unless it is given one, which its types leave open. */
function configFor(connection: SqliteConnection): Knex.TransactionConfig {
  return { connection: connection.native.database, doNotRejectOnRollback: false } as Knex.TransactionConfig
}

/** knex gives a transaction up when COMMIT fails; SQLite keeps it open. */
async function rollBack(connection: SqliteConnection): Promise<void> {
  try {
    await connection.exec('ROLLBACK')
  } catch (error) {
    if (!/no transaction is active/.test(String(error))) throw error
  }
}
