import type { JsonRows } from './json-rows.js'
import { isRefusal, rowRefused } from './row-refused.js'

/**
 * Writes a chunk by one statement. If it is refused, which leaves nothing, it is written again by halves, to find the row.
 *
 * @param write Gives the number of rows that changed.
 * @throws `RECORD_REFUSED` with the row's place in the batch.
 */
export async function byHalves(
  chunk: JsonRows,
  write: (json: string) => PromiseLike<number> | number,
  where: string,
  from = 0,
  to = chunk.count,
): Promise<number> {
  try {
    return await write(chunk.json(from, to))
  } catch (error) {
    if (!isRefusal(error)) throw error
    if (to - from === 1) throw rowRefused(error, chunk.first + from, where)
    const middle = (from + to) >> 1
    const first = await byHalves(chunk, write, where, from, middle)
    return first + (await byHalves(chunk, write, where, middle, to))
  }
}
