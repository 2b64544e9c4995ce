import type { CrashPair } from '@drover/conformance/crash'
import { backfills } from './pairs/backfills.js'
import { databases, postgresDatabases } from './pairs/databases.js'
import { pipelines } from './pairs/pipelines.js'
import { postgresBackfills } from './pairs/postgres-backfills.js'
import { postgresPipelines } from './pairs/postgres-pipelines.js'

/** What needs the database of DATABASE_URL. */
export const postgresPairs: Readonly<Record<string, CrashPair>> = {
  ...postgresPipelines,
  ...postgresBackfills,
  ...postgresDatabases,
}

/** What the crash harness runs in processes of its own. */
export const pairs: Readonly<Record<string, CrashPair>> = {
  ...pipelines,
  ...backfills,
  ...databases,
  ...postgresPairs,
}
