import { AsyncLocalStorage } from 'node:async_hooks'
import { DroverError, type MaybePromise } from '@drover/core'
import type { SqliteConnection, TransactionOptions } from '../connection/sqlite-connection.js'

/** The last writer in the line of each database. */
const lines = new Map<unknown, Promise<unknown>>()

/** Databases that the current call is writing to. */
const mine = new AsyncLocalStorage<readonly unknown[]>()

/**
 * Runs `work` when it is its turn among all writers of this process to the same database. SQLite has one writer, and who
 * finds it locked can only ask again: beside a sink that takes the lock for one batch after the other, a heartbeat
 * could ask in vain until its lease is over. In line each gets its turn.
 *
 * @throws `OPTION_INVALID` if `work` of an outer turn waits for this one: neither would ever end.
 */
export function inTurn<T>(connection: SqliteConnection, work: () => Promise<T>): Promise<T> {
  const { database } = connection
  const held = mine.getStore() ?? []
  if (held.includes(database)) {
    throw new DroverError(
      'OPTION_INVALID',
      `"${connection.name}" is to be written to while a batch is being committed to the same database, which has one writer. Keep the dead letters elsewhere than the records.`,
    )
  }
  const before = lines.get(database) ?? Promise.resolve()
  const turn = before.then(() => mine.run([...held, database], work))
  const last = turn.then(ignore, ignore)
  lines.set(database, last)
  void last.then(() => {
    if (lines.get(database) === last) lines.delete(database)
  })
  return turn
}

export interface WriteOptions extends Pick<TransactionOptions, 'end'> {
  /** Lock only the database of this table, quoted; without it all databases that are attached are locked. */
  readonly locks?: string
}

/** A transaction that takes the write lock before anything else, in turn. */
export function writeTransaction<T>(
  connection: SqliteConnection,
  work: () => MaybePromise<T>,
  { end = 'commit', locks }: WriteOptions = {},
): Promise<T> {
  if (locks === undefined) return inTurn(connection, () => connection.transaction(work, { end }))
  const locked = async (): Promise<T> => {
    await connection.run(`DELETE FROM main.${locks} WHERE 0`)
    return work()
  }
  return inTurn(connection, () => connection.transaction(locked, { end, mode: 'deferred' }))
}

function ignore(): void {}
