import { stat, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DroverError } from '@drover/core'
import { readCatalog } from '../catalog/read-catalog.js'
import { integrityCheck } from '../conditions/integrity.js'
import type { SchemaConnection, SchemaDatabase } from '../contracts/database.js'
import type { Plan } from '../contracts/plan.js'
import { ask, failed, ok, type PreflightItem } from './preflight-item.js'

interface Asked {
  readonly database: SchemaDatabase
  readonly connection: SchemaConnection
  readonly plan: Plan
  readonly maxLagMs: number
  readonly longMs: number
}

/** In which state the database is. */
export async function databaseItems(asked: Asked, signal: AbortSignal): Promise<readonly PreflightItem[]> {
  const { connection } = asked
  return [
    await whole(connection, signal),
    await space(asked),
    connection.dialect === 'postgres' ? await longTransactions(asked) : await writeLock(connection),
    ...(connection.dialect === 'postgres' ? [await replicas(asked)] : []),
  ]
}

async function whole(connection: SchemaConnection, signal: AbortSignal): Promise<PreflightItem> {
  const query = (sql: string, values?: readonly unknown[]) => connection.query(sql, values)
  const catalog = () => readCatalog(query, connection.dialect)
  const before = { catalog: await catalog(), rows: new Map<string, number>() }
  const said = await integrityCheck()({ dialect: connection.dialect, signal, query, catalog, before })
  return typeof said === 'string'
    ? failed('whole', said)
    : ok('whole', 'Indexes, keys and pages are as they should be.')
}

/** A rebuild holds a table twice, and the log once more. */
async function space({ database, connection, plan }: Asked): Promise<PreflightItem> {
  const rebuilds = plan.revisions.flatMap(({ migration, steps }) =>
    steps.some((step) => 'by' in step && step.by?.startsWith('rebuildTable ')) ? [migration.id] : [],
  )
  if (connection.dialect === 'postgres') {
    if (rebuilds.length === 0) return ok('space', 'No table is rebuilt.')
    const [row] = await connection.query(
      'SELECT pg_catalog.pg_size_pretty(pg_catalog.pg_database_size(current_database())) AS size',
    )
    return ask(
      'space',
      `${rebuilds.join(', ')} rebuilds tables; the database has ${String(row?.size)}, and its server knows how much is free.`,
    )
  }
  if (database.path === null) return ok('space', 'The database is in memory.')
  const { size } = await stat(database.path)
  const { bavail, bsize } = await statfs(dirname(database.path))
  const [free, needed] = [bavail * bsize, size * (rebuilds.length > 0 ? 3 : 1)]
  const said = `${megabytes(free)} are free, and ${megabytes(needed)} may be needed.`
  return free > needed ? ok('space', said) : failed('space', said)
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1024 / 1024)} MB`
}

/** Whoever has been at work for long has locks that a revision will wait for. */
async function longTransactions({ connection, longMs }: Asked): Promise<PreflightItem> {
  const rows = await connection.query(
    `SELECT pid, application_name AS name, state, extract(epoch FROM clock_timestamp() - xact_start)::int AS seconds
     FROM pg_catalog.pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_catalog.pg_backend_pid() AND clock_timestamp() - xact_start > $1 * interval '1 millisecond'
     UNION ALL SELECT NULL, gid, 'prepared', extract(epoch FROM clock_timestamp() - prepared)::int FROM pg_catalog.pg_prepared_xacts WHERE database = current_database()`,
    [longMs],
  )
  if (rows.length === 0) return ok('transactions', 'Nobody holds a transaction open for long.')
  const who = rows.map(
    ({ pid, name, state, seconds }) =>
      `${String(name)} (pid ${String(pid)}, ${String(state)}) since ${String(seconds)} s`,
  )
  return failed('transactions', `Revisions would wait for their locks: ${who.join('; ')}. End them.`)
}

async function writeLock(connection: SchemaConnection): Promise<PreflightItem> {
  try {
    await connection.begin()
    return ok('transactions', 'The write lock can be had.')
  } catch (error) {
    if (!DroverError.isInstance(error, 'STORE_BUSY')) throw error
    return failed('transactions', error.message)
  } finally {
    await connection.rollback()
  }
}

async function replicas({ connection, maxLagMs }: Asked): Promise<PreflightItem> {
  const rows = await connection.query(
    `SELECT application_name AS name, (extract(epoch FROM coalesce(replay_lag, interval '0')) * 1000)::int AS lag FROM pg_catalog.pg_stat_replication`,
  )
  const late = rows.filter(({ lag }) => Number(lag) > maxLagMs)
  if (late.length > 0)
    return failed(
      'replicas',
      `${late.map(({ name, lag }) => `${String(name)} is ${String(lag)} ms behind`).join('; ')}. Wait until they have caught up.`,
    )
  return ok('replicas', rows.length === 0 ? 'There are none.' : `${rows.length} follow closely.`)
}
