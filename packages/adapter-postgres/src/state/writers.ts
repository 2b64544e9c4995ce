import type { Claim } from '@drover/core'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import { quoteText } from '../connection/quote-name.js'
import { markedBackends } from '../connection/store-waits.js'

/** How long an heir waits for the server to end what it has been told to end. */
const patienceMs = 5_000
const pauseMs = 20

/**
 * SQL by which a transaction says that it writes a partition: a shared lock that nobody waits for and that ends with it, so it
 * works behind a pooler too.
 */
export function markWriter(claim: Claim): string {
  return markTransaction(writerMark(claim))
}

/** SQL by which a transaction can be found among others, by that name. */
export function markTransaction(mark: string): string {
  return `SELECT pg_catalog.pg_advisory_xact_lock_shared(hashtextextended(${quoteText(mark)}, 0))`
}

const endSql = `
  SELECT pg_catalog.pg_terminate_backend(l.pid)
  FROM (${markedBackends}) AS l JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
  WHERE l.pid <> pg_backend_pid() AND pg_catalog.pg_has_role(a.usesysid, 'USAGE')`

/**
 * Ends the connections on which the partition is still being written: their commits would be refused, but until then their rows
 * stand in the way of whoever took over, for as long as a stopped process sleeps or the server waits for a host that is gone. After
 * it, nothing that was under way can still be committed. What this user may not end is left alone.
 */
export async function endWriters(connection: PostgresConnection, claim: Claim): Promise<void> {
  const until = performance.now() + patienceMs
  for (;;) {
    const { rows } = await connection.query(endSql, [writerMark(claim)])
    if (rows.length === 0 || performance.now() > until) return
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
}

/** The name of the lock that {@link markWriter} takes. */
export function writerMark({ run, partition }: Claim): string {
  return `drover writes ${run} ${partition.id}`
}
