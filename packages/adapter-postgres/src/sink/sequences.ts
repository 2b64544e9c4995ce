import { DroverError } from '@drover/core'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import { quoteName } from '../connection/quote-name.js'
import type { Column, Table } from '../schema/table.js'

/**
 * Moves the sequences of a table's columns behind the values that are there: records bring theirs with them, and the application's
 * next row would get one that is taken. A sequence is never moved back.
 *
 * @throws `STORE_DENIED` if a sequence has to be moved and this user may not.
 */
export async function setSequences(connection: PostgresConnection, table: Table): Promise<void> {
  for (const column of table.columns) {
    if (column.sequence !== null) await setSequence(connection, table, column, column.sequence)
  }
}

async function setSequence(
  connection: PostgresConnection,
  table: Table,
  { name }: Column,
  sequence: string,
): Promise<void> {
  const doing = `looking at the sequence ${sequence} of ${table.sql}`
  const { rows } = await connection.query<{ wanted: string | null }>(
    `SELECT CASE
       WHEN s.seqincrement > 0 AND t.most > l.last THEN least(t.most, s.seqmax)
       WHEN s.seqincrement < 0 AND t.least < l.last THEN greatest(t.least, s.seqmin)
     END::text AS wanted
     FROM pg_catalog.pg_sequence AS s
       CROSS JOIN LATERAL (SELECT last_value - CASE WHEN is_called THEN 0 ELSE sign(s.seqincrement) END AS last FROM ${sequence}) AS l
       CROSS JOIN (SELECT max(${quoteName(name)})::numeric AS most, min(${quoteName(name)})::numeric AS least FROM ${table.sql}) AS t
     WHERE s.seqrelid = $1::regclass`,
    [sequence],
    { doing },
  )
  const wanted = rows[0]?.wanted ?? null
  if (wanted === null) return
  try {
    await connection.query('SELECT pg_catalog.setval($1::regclass, $2::bigint)', [sequence, wanted], { doing })
  } catch (error) {
    if (!DroverError.isInstance(error, 'STORE_DENIED')) throw error
    throw new DroverError(
      'STORE_DENIED',
      `${connection.name}: all rows are in ${table.sql}, but this user may not set the sequence ${sequence} of its column "${name}", whose next value would be one that is taken. Allow it with GRANT UPDATE ON SEQUENCE ${sequence} and run again, or run: SELECT setval('${sequence}', ${wanted}).`,
      { cause: error.cause },
    )
  }
}
