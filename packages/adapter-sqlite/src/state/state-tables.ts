import { checkText, DroverError } from '@drover/core'
import { quoteName } from '../connection/quote-name.js'
import type { SqliteConnection } from '../connection/sqlite-connection.js'
import { writeTransaction } from '../writer/write-turn.js'

const version = 1
const defaultPrefix = 'drover_'

/** Names of the tables that keep runs and positions, quoted. */
export interface StateTables {
  readonly meta: string
  readonly runs: string
  readonly partitions: string
  /** As they stand in the schema. */
  readonly names: readonly string[]
}

export function stateTables(prefix: string = defaultPrefix): StateTables {
  const names = ['meta', 'runs', 'partitions'].map((name) => `${prefix}${name}`)
  const [meta, runs, partitions] = names.map(quoteName) as [string, string, string]
  return { meta, runs, partitions, names }
}

/** @throws `OPTION_INVALID` */
export function checkTablePrefix(where: string, prefix: unknown): void {
  if (prefix !== undefined) checkText(where, 'tablePrefix', prefix)
}

/**
 * Creates the tables if they are not there. Safe in several processes at once, and no lock is taken if there is nothing to do.
 *
 * @throws `STATE_INVALID` if a newer Drover made them.
 */
export async function ensureStateTables(connection: SqliteConnection, tables: StateTables): Promise<void> {
  if (!(await exist(connection, tables))) await writeTransaction(connection, () => create(connection, tables))
  const found = await connection.get(`SELECT value FROM ${tables.meta} WHERE name = 'version'`)
  if (found === undefined || Number(found[0]) <= version) return
  throw new DroverError(
    'STATE_INVALID',
    `"${connection.name}": the tables ${tables.names.join(', ')} are of version ${String(found[0])}, made by a newer Drover; this one knows ${version}. Update @drover/adapter-sqlite, or pass another tablePrefix.`,
  )
}

async function exist(connection: SqliteConnection, tables: StateTables): Promise<boolean> {
  const found = await connection.all(
    `SELECT name FROM sqlite_master WHERE type = 'table' AND name COLLATE NOCASE IN (${tables.names.map(() => '?').join(', ')})`,
    tables.names,
  )
  return found.length === tables.names.length
}

/** Everything that is not a number is JSON, for whoever looks at the tables by hand; times are milliseconds since 1970. */
async function create(connection: SqliteConnection, { meta, runs, partitions, names }: StateTables): Promise<void> {
  await connection.exec(`
    CREATE TABLE IF NOT EXISTS ${meta} (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL);
    INSERT INTO ${meta} (name, value) VALUES ('version', '${version}') ON CONFLICT DO NOTHING;
    CREATE TABLE IF NOT EXISTS ${runs} (
      ordinal INTEGER PRIMARY KEY,
      run TEXT NOT NULL UNIQUE,
      name TEXT NOT NULL,
      fingerprint TEXT NOT NULL,
      partitions TEXT NOT NULL,
      status TEXT NOT NULL,
      started_at INTEGER NOT NULL,
      completed_at INTEGER,
      outcome TEXT,
      control TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS ${quoteName(`${names[1]}_by_name`)} ON ${runs} (name, ordinal);
    CREATE TABLE IF NOT EXISTS ${partitions} (
      ordinal INTEGER PRIMARY KEY,
      run TEXT NOT NULL,
      "partition" TEXT NOT NULL,
      bounds TEXT NOT NULL,
      start TEXT,
      fence INTEGER NOT NULL,
      sequence INTEGER NOT NULL DEFAULT 0,
      cursor TEXT,
      done INTEGER NOT NULL DEFAULT 0,
      counts TEXT,
      holder TEXT,
      expires_at INTEGER,
      UNIQUE (run, "partition")
    );
  `)
}
