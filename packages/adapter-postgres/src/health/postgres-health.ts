import { checkOptionNames, checkWholeNumber, DroverError, type HealthSignal } from '@drover/core'
import { checkLocation, locationOptions, type PostgresLocation } from '../connection/postgres-location.js'
import { replicaLag } from './replica-lag.js'
import { SharedDatabase } from './shared-database.js'
import { walRate } from './wal-rate.js'

/** Options of {@link postgresHealth}. What is left out is not watched. */
export interface PostgresHealthOptions extends PostgresLocation {
  /** How far the standby that is farthest behind may be behind, in milliseconds. Needs the rights of `pg_monitor` where there are standbys. */
  readonly replicaLagMs?: number
  /** How many sessions of the server may wait for a lock. */
  readonly lockWaits?: number
  /** How much write-ahead log the server may write per second, in bytes: the run's own and everybody else's. */
  readonly walBytesPerSecond?: number
  /** How many transactions may be open on the server, the run's own among them. */
  readonly activeTransactions?: number
}

const limits = ['replicaLagMs', 'lockWaits', 'walBytesPerSecond', 'activeTransactions'] as const

/** Sessions with a lock that they have not got, each once. Unlike pg_stat_activity it shows them to every user. */
const lockWaitsSql = 'SELECT count(DISTINCT pid)::float8 AS value FROM pg_catalog.pg_locks WHERE NOT granted'

/** Every transaction holds a lock on its own virtual id: https://www.postgresql.org/docs/current/view-pg-locks.html */
const activeTransactionsSql = `
  SELECT count(*)::float8 AS value FROM pg_catalog.pg_locks
  WHERE locktype = 'virtualxid' AND granted AND mode = 'ExclusiveLock' AND pid <> pg_catalog.pg_backend_pid()`

/**
 * Signals that slow a run down while a PostgreSQL server has enough to do: one for each limit that is given, over one
 * connection of their own. Watch the server that is written to; one that the run only reads from can be watched besides.
 *
 * @throws `OPTION_INVALID`
 *
 * @example
 * await runBackfill({
 *   backfiller,
 *   signals: postgresHealth({ connection: process.env.DATABASE_URL, replicaLagMs: 2_000, lockWaits: 5 }),
 * })
 */
export function postgresHealth(options: PostgresHealthOptions): HealthSignal[] {
  const where = 'postgresHealth'
  checkOptionNames(where, options, [...locationOptions, ...limits])
  checkLocation(where, options)
  for (const name of limits) checkWholeNumber(where, name, options[name], 1)
  if (limits.every((name) => options[name] === undefined)) {
    throw new DroverError('OPTION_INVALID', `${where}: it watches nothing; give at least one of ${limits.join(', ')}.`)
  }
  const { replicaLagMs, lockWaits, walBytesPerSecond, activeTransactions, ...location } = options
  const database = new SharedDatabase(location)
  return [
    ...(replicaLagMs === undefined ? [] : [replicaLag(database, replicaLagMs)]),
    ...(lockWaits === undefined ? [] : [counted(database, 'lock waits', lockWaitsSql, lockWaits)]),
    ...(walBytesPerSecond === undefined ? [] : [walRate(database, walBytesPerSecond)]),
    ...(activeTransactions === undefined
      ? []
      : [counted(database, 'active transactions', activeTransactionsSql, activeTransactions)]),
  ]
}

function counted(database: SharedDatabase, name: string, sql: string, most: number): HealthSignal {
  return {
    name,
    async check(operation) {
      const [row] = await database.query<{ value: number }>(name, sql, operation)
      const value = row?.value ?? 0
      return { load: value / most, reason: `${value} ${name} of ${most}` }
    },
    close: () => database.close(name),
  }
}
