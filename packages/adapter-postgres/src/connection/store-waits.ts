import type { Blocker, Operation, StoreWait } from '@drover/core'
import { millis } from '../state/stored-run.js'
import type { PostgresDatabase } from './open-postgres.js'
import { statementShown } from './statement-shown.js'

interface Found {
  readonly pid: number
  readonly state: string | null
  readonly query: string
  readonly runsMs: number | null
  readonly queryStart: number | null
  readonly waitEvent: string | null
  readonly blockedBy: readonly FoundBlocker[] | null
}

interface FoundBlocker {
  readonly pid: number
  readonly applicationName: string | null
  readonly state: string | null
  readonly queryStart: number | null
  readonly transactionStart: number | null
}

/** SQL: the backends that hold the shared advisory lock of that name. */
export const markedBackends = `
  SELECT DISTINCT pid FROM pg_catalog.pg_locks
  WHERE locktype = 'advisory' AND objsubid = 1 AND granted
    AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
    AND (classid::bigint << 32) | objid::bigint = hashtextextended($1, 0)`

const waitsSql = (backends: string): string => `
  SELECT a.pid, a.state, a.query, a.wait_event_type || ': ' || a.wait_event AS "waitEvent",
    floor(extract(epoch FROM clock_timestamp() - a.query_start) * 1000)::float8 AS "runsMs", ${millis('a.query_start')} AS "queryStart",
    (SELECT json_agg(json_build_object('pid', b.pid, 'applicationName', s.application_name, 'state', s.state,
       'queryStart', ${millis('s.query_start')}, 'transactionStart', ${millis('s.xact_start')}) ORDER BY b.pid)
     FROM (SELECT DISTINCT unnest(pg_catalog.pg_blocking_pids(a.pid)) AS pid) AS b
       LEFT JOIN pg_catalog.pg_stat_activity AS s ON s.pid = b.pid) AS "blockedBy"
  FROM (${backends}) AS l JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
  ORDER BY a.pid`

/** The question is not to become a burden itself. */
const patience = { statementTimeoutMs: 2_000, lockTimeoutMs: 500, readonly: true }

/**
 * What the statements of marked transactions wait for, asked on another connection. Found by a lock and not by the number of a
 * connection, so it works behind a pooler too.
 */
export function storeWaits(
  database: PostgresDatabase,
  mark: string,
  operation: Operation,
): Promise<readonly StoreWait[]> {
  return asked(database, waitsSql(markedBackends), mark, operation)
}

/**
 * The same of statements that belong to no batch: of those that somebody blocks, else of all. Behind a pooler nothing is said of them, as
 * nobody knows there which connection of the server has them.
 */
export async function runningWaits(database: PostgresDatabase, operation: Operation): Promise<readonly StoreWait[]> {
  const { running } = database
  if (running.length === 0) return []
  const ours = `SELECT DISTINCT unnest($1::int[]) AS pid`
  const waits = await asked(database, waitsSql(ours), running, operation)
  const blocked = waits.filter(({ blockedBy }) => blockedBy.length > 0)
  return blocked.length > 0 ? blocked : waits
}

function asked(
  database: PostgresDatabase,
  sql: string,
  backends: unknown,
  { signal }: Operation,
): Promise<readonly StoreWait[]> {
  return database.transaction(
    async (connection) => {
      const doing = `asking ${database.name} what a statement waits for`
      const { rows } = await connection.query<Found>(sql, [backends], { doing })
      return rows.map(waitFrom)
    },
    { signal, ...patience },
  )
}

function waitFrom({ pid, state, query, runsMs, queryStart, waitEvent, blockedBy }: Found): StoreWait {
  const statement = statementShown(query)
  const blockers = (blockedBy ?? []).map(blockerFrom)
  const isRunning = state === null || state === 'active'
  const since = runsMs === null ? '' : ` for ${Math.round(runsMs / 100) / 10} s`
  const does = isRunning
    ? `Backend ${pid} has been at it${since}: ${statement}.`
    : `Backend ${pid} is ${state}; its last statement was: ${statement}.`
  const waits = isRunning && waitEvent !== null ? ` It waits for ${waitEvent}.` : ''
  const blocked = blockers.length === 0 ? '' : ` It is blocked by ${blockers.map(shownBlocker).join(', and by ')}.`
  return {
    pid,
    statement,
    ...(queryStart === null ? {} : { queryStart: new Date(queryStart) }),
    ...(waitEvent === null ? {} : { waitEvent }),
    blockedBy: blockers,
    message: `${does}${waits}${blocked}`,
  }
}

function blockerFrom({ pid, applicationName, state, queryStart, transactionStart }: FoundBlocker): Blocker {
  return {
    pid,
    ...(applicationName === null || applicationName === '' ? {} : { applicationName }),
    ...(state === null ? {} : { state }),
    ...(queryStart === null ? {} : { queryStart: new Date(queryStart) }),
    ...(transactionStart === null ? {} : { transactionStart: new Date(transactionStart) }),
  }
}

function shownBlocker({ pid, applicationName, state, queryStart, transactionStart }: Blocker): string {
  if (pid === 0) return 'a prepared transaction (see pg_prepared_xacts)'
  const name = applicationName === undefined ? '' : ` (${applicationName})`
  if (state === undefined) return `backend ${pid}${name}, of which pg_read_all_stats would tell more`
  const query = queryStart === undefined ? '' : `, whose last statement began at ${queryStart.toISOString()}`
  const transaction = transactionStart === undefined ? '' : ` in a transaction since ${transactionStart.toISOString()}`
  return `backend ${pid}${name}, ${state}${query}${transaction}`
}
