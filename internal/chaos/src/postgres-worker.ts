import type { CrashPair } from '@drover/conformance/crash'
import { postgresBackfills } from './pairs/postgres-backfills.js'
import { postgresDatabases } from './pairs/postgres-databases.js'
import { postgresPipelines } from './pairs/postgres-pipelines.js'

/** The same with the database of DATABASE_URL. */
export const pairs: Readonly<Record<string, CrashPair>> = {
  ...postgresPipelines,
  ...postgresBackfills,
  ...postgresDatabases,
}

export const needPostgres: readonly string[] = Object.keys(pairs)
