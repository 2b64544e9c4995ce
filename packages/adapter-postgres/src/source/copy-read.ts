import { DroverError, type Operation, type ReadOptions } from '@drover/core'
import { abortError, type PostgresConnection } from '../connection/postgres-connection.js'
import type { CopyRows } from '../wire/copy-format.js'
import { CopyFramer } from '../wire/copy-framer.js'
import { CopyOut } from '../wire/copy-out.js'
import { isRepeatedSql } from './check-key.js'
import { type ReadSettings, transactionOf } from './read-settings.js'
import { keyColumns, type Relation, selected } from './relation.js'
import { refuseAltered } from './result-shape.js'

/** What one COPY is to give. */
export interface CopyWanted extends Operation {
  /** Conditions of its rows. */
  readonly where: string
  readonly page: ReadOptions['page']
}

const tookLong = new DroverError('ABORTED', 'A statement has read for as long as it may; another one goes on.')
const left = new DroverError('ABORTED', 'Nobody wants the rest.')

/**
 * Rows in the order of the key by one COPY, in a read-only transaction on a connection of its own. The server sends them as
 * long as pages are taken. A signal that is aborted, or leaving the loop, cancels the statement and frees the connection at
 * once; so does the clock, because a statement under way keeps rows from being vacuumed and the table from being altered.
 *
 * @returns whether it came to the end; else the clock has ended it
 */
export async function* copyRead(
  settings: ReadSettings,
  { signal, where, page }: CopyWanted,
): AsyncGenerator<CopyRows, boolean, undefined> {
  const { database, relation, snapshot, newColumns, longestReadMs } = settings
  const doing = `reading ${relation.shown}`
  const ending = new AbortController()
  const onAbort = (): void => ending.abort(signal.reason)
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort)
  let timer: NodeJS.Timeout | undefined
  try {
    await snapshot?.requireAlive()
    await using connection = await database.connect({ signal: ending.signal })
    await connection.begin(transactionOf(settings), { doing })
    await refuseAltered(connection, relation, newColumns)
    const framer = new CopyFramer({ ...page, columns: columnsOf(relation).length, where: relation.shown })
    if (ending.signal.aborted) throw abortError(ending.signal)
    const copy = startCopy(connection, new CopyOut(copySql(relation, where), framer), doing, ending.signal)
    let isComplete = false
    try {
      for await (const rows of copy.rows) {
        if (ending.signal.aborted) throw abortError(ending.signal)
        if (longestReadMs > 0) timer ??= setTimeout(() => ending.abort(tookLong), longestReadMs)
        yield rows
        if (ending.signal.aborted) throw abortError(ending.signal)
      }
      isComplete = true
    } catch (error) {
      if (ending.signal.aborted) throw abortError(ending.signal)
      // The connection knows what it means.
      await connection.run(doing, () => Promise.reject(error))
    } finally {
      if (!isComplete && !copy.isFinished()) ending.abort(left)
      await copy.finished
    }
    return true
  } catch (error) {
    if (ending.signal.reason === tookLong && !signal.aborted) return false
    // A snapshot that is gone is said now, and not after all retries.
    if (DroverError.isInstance(error) && error.isRetryable) await snapshot?.requireAlive()
    throw error
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }
}

interface RunningCopy {
  readonly rows: AsyncIterable<CopyRows>
  readonly finished: Promise<void>
  readonly isFinished: () => boolean
}

function startCopy(connection: PostgresConnection, out: CopyOut, doing: string, signal: AbortSignal): RunningCopy {
  let isFinished = false
  // Behind an abort the connection cancels what it runs; rows on their way have to be taken for that.
  const onAbort = (): void => out.abandon()
  signal.addEventListener('abort', onAbort)
  const finished = connection
    .run(doing, async (client) => {
      client.query(out)
      await out.finished
    })
    .finally(() => {
      isFinished = true
      signal.removeEventListener('abort', onAbort)
      // The pages that are still to be taken need no transaction, and whoever has aborted it may never come back for one.
      return signal.aborted ? connection[Symbol.asyncDispose]() : connection.rollback()
    })
  finished.catch(() => {}) // It is awaited where the loop ends.
  return { rows: out, finished, isFinished: () => isFinished }
}

function copySql(relation: Relation, where: string): string {
  const order = keyColumns(relation)
    .map(({ sql }) => sql)
    .join(', ')
  const columns = columnsOf(relation).join(', ')
  const window = relation.doubts === 'nulls and duplicates' ? `WINDOW w AS (ORDER BY ${order}) ` : ''
  const query = `SELECT ${columns} FROM ${relation.sql} AS d WHERE ${where} ${window}ORDER BY ${order}`
  return `COPY (${query}) TO STDOUT (FORMAT binary)`
}

function columnsOf(relation: Relation): readonly string[] {
  const columns = relation.reads.map(selected)
  return relation.doubts === 'nulls and duplicates' ? [...columns, isRepeatedSql(relation)] : columns
}
