import { checkText, DroverError } from '@drover/core'
import { quoteName } from '../connection/quote-name.js'
import type { SqliteConnection } from '../connection/sqlite-connection.js'
import { writeTransaction } from '../writer/write-turn.js'

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

/** What leads from each version of the tables to the next one; the first makes them. */
const upgrades: readonly ((tables: StateTables) => string)[] = [create, keepTellings]

/**
 * Creates the tables if they are not there, and brings older ones up to date. Safe in several processes at once, and no lock is taken
 * if there is nothing to do.
 *
 * @throws `STATE_INVALID` if a newer Drover made them.
 */
export async function ensureStateTables(connection: SqliteConnection, tables: StateTables): Promise<void> {
  const found = await versionOf(connection, tables)
  if (found < upgrades.length) await upgrade(connection, tables)
  if (found <= upgrades.length) return
  throw new DroverError(
    'STATE_INVALID',
    `"${connection.name}": the tables ${tables.names.join(', ')} are of version ${found}, made by a newer Drover; this one knows ${upgrades.length}. Update @drover/adapter-sqlite, or pass another tablePrefix.`,
  )
}

/** Whether there is anything to look at; nothing is made. */
export async function haveStateTables(connection: SqliteConnection, tables: StateTables): Promise<boolean> {
  return (await versionOf(connection, tables)) > 0
}

/** 0 if they are not there. */
async function versionOf(connection: SqliteConnection, { meta, names }: StateTables): Promise<number> {
  const found = await connection.all(
    `SELECT name FROM sqlite_master WHERE type = 'table' AND name COLLATE NOCASE = ?`,
    names.slice(0, 1),
  )
  if (found.length === 0) return 0
  const row = await connection.get(`SELECT value FROM ${meta} WHERE name = 'version'`)
  return Number(row?.[0] ?? 0)
}

function upgrade(connection: SqliteConnection, tables: StateTables): Promise<void> {
  return writeTransaction(connection, async () => {
    const found = await versionOf(connection, tables)
    for (const next of upgrades.slice(found)) await connection.exec(next(tables))
    if (found >= upgrades.length) return
    await connection.run(
      `INSERT INTO ${tables.meta} (name, value) VALUES ('version', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
      [String(upgrades.length)],
    )
  })
}

/** Everything that is not a number is JSON, for whoever looks at the tables by hand; times are milliseconds since 1970. */
function create({ meta, runs, partitions, names }: StateTables): string {
  return `
    CREATE TABLE IF NOT EXISTS ${meta} (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL);
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
  `
}

/** What the holder of a partition told last with a heartbeat. */
function keepTellings({ partitions }: StateTables): string {
  return `ALTER TABLE ${partitions} ADD COLUMN telling TEXT`
}
