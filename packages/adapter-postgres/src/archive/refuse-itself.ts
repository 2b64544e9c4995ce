import { DroverError, type Operation, type SourceSession } from '@drover/core'
import type { PostgresDatabase } from '../connection/open-postgres.js'
import { readSettingsOf } from '../source/source-session.js'
import type { ArchivePlan } from './archive-plan.js'

interface Identity {
  readonly server: string
  readonly database: number
  /** The whole of which it is a partition, if it is one. */
  readonly table: number | null
}

// Addresses and names say little: there are aliases, poolers and search_path.
const identitySql = `
  SELECT extract(epoch FROM pg_catalog.pg_postmaster_start_time())::text AS server,
    (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()) AS database,
    coalesce(pg_catalog.pg_partition_root(t.oid), t.oid)::oid AS table
  FROM pg_catalog.to_regclass($1) AS t(oid)`

/**
 * Refuses a destination that is the table which rows are to leave, or a part of it: each row would be found there, and be lost.
 *
 * @throws `OPTION_INVALID`
 */
export async function refuseItself(
  destination: SourceSession,
  from: { readonly database: PostgresDatabase; readonly plan: ArchivePlan },
  operation: Operation,
): Promise<void> {
  const read = readSettingsOf(destination)
  if (read === undefined) return
  const [there, here] = [
    await identityOf(read.database, read.relation.sql, operation),
    await identityOf(from.database, from.plan.source.sql, operation),
  ]
  if (there?.table === null || JSON.stringify(there) !== JSON.stringify(here)) return
  throw new DroverError(
    'OPTION_INVALID',
    `${from.plan.where}: "to" is the very table that rows are to leave; nothing was deleted. Name another one.`,
  )
}

async function identityOf(
  database: PostgresDatabase,
  table: string,
  operation: Operation,
): Promise<Identity | undefined> {
  const doing = `looking at table ${table} of ${database.name}`
  return (await database.query<Identity>(identitySql, [table], { ...operation, doing })).rows[0]
}
