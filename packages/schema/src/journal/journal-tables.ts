import { checkText, DroverError } from '@drover/core'
import type { SchemaConnection } from '../contracts/database.js'
import type { Dialect } from '../contracts/migration.js'

/** Names of the three tables of a journal, quoted. */
export interface JournalTables {
  /** A row per revision. */
  readonly migrations: string
  /** Append only. */
  readonly events: string
  /** One row: the form that the tables are in, and who may write. */
  readonly schema: string
}

/** Of the tables as they are made below. */
export const journalFormat = 1

/** @throws `OPTION_INVALID` */
export function journalTables(prefix: string): JournalTables {
  checkText('createMigrator', 'tablePrefix', prefix)
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,39}$/.test(prefix)) {
    throw new DroverError(
      'OPTION_INVALID',
      `createMigrator: tablePrefix has letters, digits and "_", begins with no digit, and has 40 of them at most, unlike "${prefix}".`,
    )
  }
  return {
    migrations: `"${prefix}migrations"`,
    events: `"${prefix}migration_events"`,
    schema: `"${prefix}schema"`,
  }
}

/** Makes the tables that are not there. */
export async function createJournalTables(connection: SchemaConnection, tables: JournalTables): Promise<void> {
  const { instant, integer, eventId } = types[connection.dialect]
  await connection.run(`CREATE TABLE IF NOT EXISTS ${tables.migrations} (
    revision text PRIMARY KEY,
    ordinal ${integer} NOT NULL,
    status text NOT NULL CHECK (status IN ('applied', 'begun', 'reverting')),
    origin text NOT NULL CHECK (origin IN ('run', 'stamped', 'baseline', 'adopted')),
    depends_on text NOT NULL,
    description text NOT NULL,
    is_compatible ${integer} NOT NULL CHECK (is_compatible IN (0, 1)),
    checksum text NOT NULL,
    recorded_sql text NOT NULL,
    steps text NOT NULL,
    open_step ${integer},
    notes text NOT NULL,
    actor text NOT NULL,
    started_at ${instant} NOT NULL,
    applied_at ${instant},
    duration_ms ${integer} NOT NULL
  )`)
  await connection.run(`CREATE TABLE IF NOT EXISTS ${tables.events} (
    id ${eventId},
    at ${instant} NOT NULL,
    revision text NOT NULL,
    action text NOT NULL,
    actor text NOT NULL,
    duration_ms ${integer} NOT NULL,
    detail text NOT NULL
  )`)
  await connection.run(`CREATE TABLE IF NOT EXISTS ${tables.schema} (
    id ${integer} PRIMARY KEY CHECK (id = 1),
    format ${integer} NOT NULL,
    run text NOT NULL,
    fence ${integer} NOT NULL
  )`)
  await connection.run(
    `INSERT INTO ${tables.schema} (id, format, run, fence) VALUES (1, ${journalFormat}, '', 0) ON CONFLICT DO NOTHING`,
  )
}

const types: Readonly<Record<Dialect, { instant: string; integer: string; eventId: string }>> = {
  postgres: { instant: 'timestamptz', integer: 'bigint', eventId: 'bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY' },
  sqlite: { instant: 'text', integer: 'integer', eventId: 'integer PRIMARY KEY AUTOINCREMENT' },
}

/** Whether a statement failed because a table of the journal, or any other one, is not there. */
export function isTableMissing(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ((at as { readonly code?: unknown }).code === '42P01' || /no such table:/.test(at.message)) return true
  }
  return false
}
