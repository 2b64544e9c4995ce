import type { SqliteConnection } from '../connection/sqlite-connection.js'
import { undoSavepoint } from '../writer/savepoint.js'
import type { JsonRows } from './json-rows.js'
import { isRefusal, rowRefused } from './row-refused.js'

const savepoint = 'drover_chunk'

/**
 * Writes a chunk by one statement. If it is refused, it is written again by halves, to find the row. A trigger may keep what
 * was done before it failed, RAISE(FAIL), or end the transaction, RAISE(ROLLBACK): then no row can be named.
 *
 * @param write Gives the number of rows that changed.
 * @throws `RECORD_REFUSED` with the row's place in the batch, where it could be found.
 */
export async function byHalves(
  connection: SqliteConnection,
  chunk: JsonRows,
  write: (json: string) => PromiseLike<number> | number,
  where: string,
  from = 0,
  to = chunk.count,
): Promise<number> {
  await connection.exec(`SAVEPOINT ${savepoint}`)
  let refusal: unknown
  try {
    const changed = await write(chunk.json(from, to))
    await connection.exec(`RELEASE ${savepoint}`)
    return changed
  } catch (error) {
    if (!isRefusal(error)) throw error
    await undoSavepoint(connection, savepoint)
    refusal = error
  }
  if (to - from === 1) throw rowRefused(refusal, chunk.first + from, where)
  const middle = (from + to) >> 1
  const first = await byHalves(connection, chunk, write, where, from, middle)
  return first + (await byHalves(connection, chunk, write, where, middle, to))
}
