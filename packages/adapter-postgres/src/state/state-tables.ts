import { checkText, DroverError } from '@drover/core'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import { quoteName } from '../connection/quote-name.js'
import { quoteTable } from '../schema/table.js'

const defaultPrefix = 'drover_'
/** Names have 63 bytes at the most, and the rest is cut off without a word: NAMEDATALEN. */
const longestPrefix = 45

/** Where the tables are that keep runs and positions. Sinks and state stores share these options. */
export interface StateLocation {
  /** The schema that Drover's own four tables are in; it is created if it is not there. @default the first of `search_path` */
  readonly stateSchema?: string
  /** What their names begin with. @default 'drover_' */
  readonly tablePrefix?: string
}

export const stateLocationOptions = ['stateSchema', 'tablePrefix'] as const

/** Names of the tables that keep runs and positions, quoted. */
export interface StateTables {
  readonly meta: string
  readonly runs: string
  readonly partitions: string
  /** What indexes were like that are off. */
  readonly indexes: string
  /** As `search_path` would find it. */
  readonly schema: string | null
  readonly names: readonly string[]
}

export function stateTables({ stateSchema, tablePrefix = defaultPrefix }: StateLocation): StateTables {
  const names = ['meta', 'runs', 'partitions', 'indexes'].map((name) => `${tablePrefix}${name}`)
  const quoted = names.map((name) => (stateSchema === undefined ? quoteName(name) : quoteTable(stateSchema, name)))
  const [meta, runs, partitions, indexes] = quoted as [string, string, string, string]
  return { meta, runs, partitions, indexes, schema: stateSchema ?? null, names }
}

/** @throws `OPTION_INVALID` */
export function checkStateLocation(where: string, { stateSchema, tablePrefix }: StateLocation): void {
  if (stateSchema !== undefined) checkText(where, 'stateSchema', stateSchema)
  if (tablePrefix === undefined) return
  checkText(where, 'tablePrefix', tablePrefix)
  if (Buffer.byteLength(tablePrefix) > longestPrefix) {
    throw new DroverError('OPTION_INVALID', `${where}: tablePrefix has at most ${longestPrefix} bytes.`)
  }
}

/** What leads from each version of the tables to the next one; the first makes them. */
const upgrades: readonly ((tables: StateTables) => string)[] = [create, keepIndexes, noteMoves, keepTellings]

/**
 * Creates the tables if they are not there, and brings older ones up to date. Safe in several processes at once; nothing is
 * locked if there is nothing to do.
 *
 * @throws `STATE_INVALID` if a newer Drover made them; `STORE_DENIED` with the rights that are missing.
 */
export async function ensureStateTables(connection: PostgresConnection, tables: StateTables): Promise<void> {
  const doing = `looking for Drover's tables in ${connection.name}`
  const found = await versionOf(connection, tables, doing)
  if (found < upgrades.length) await upgrade(connection, tables)
  if (found <= upgrades.length) return
  throw new DroverError(
    'STATE_INVALID',
    `${connection.name}: the tables ${tables.names.join(', ')} are of version ${found}, made by a newer Drover; this one knows ${upgrades.length}. Update @drover/adapter-postgres, or pass another tablePrefix or stateSchema.`,
  )
}

/** Whether there is anything to look at; nothing is made. */
export async function haveStateTables(connection: PostgresConnection, tables: StateTables): Promise<boolean> {
  return (await versionOf(connection, tables, `looking for Drover's tables in ${connection.name}`)) > 0
}

/** 0 if there are none. */
async function versionOf(connection: PostgresConnection, { meta }: StateTables, doing: string): Promise<number> {
  const { rows: found } = await connection.query<{ exists: boolean }>(
    // Behind a lock that was waited for a name alone is looked up in a cache that may be old; taking hold of a table renews it.
    'SELECT pg_catalog.to_regclass($1) IS NOT NULL AS exists FROM pg_catalog.pg_class LIMIT 1',
    [meta],
    { doing },
  )
  if (found[0]?.exists !== true) return 0
  const { rows } = await connection.query<{ value: string }>(`SELECT value FROM ${meta} WHERE name = 'version'`, [], {
    doing,
  })
  return Number(rows[0]?.value ?? 0)
}

async function upgrade(connection: PostgresConnection, tables: StateTables): Promise<void> {
  const doing = `creating Drover's tables ${tables.names.join(', ')} in ${connection.name}`
  const work = async (): Promise<void> => {
    // CREATE TABLE IF NOT EXISTS fails where two create the same table at once.
    await connection.query('SELECT pg_catalog.pg_advisory_xact_lock(hashtextextended($1, 0))', [
      `drover tables ${tables.meta}`,
    ])
    if (tables.schema !== null) await createSchema(connection, tables.schema, doing)
    const found = await versionOf(connection, tables, doing)
    for (const next of upgrades.slice(found)) await connection.exec(next(tables), { doing })
    if (found >= upgrades.length) return
    await connection.query(
      `INSERT INTO ${tables.meta} (name, value) VALUES ('version', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
      [String(upgrades.length)],
      { doing },
    )
  }
  try {
    await (connection.isInTransaction ? work() : connection.transaction(work))
  } catch (error) {
    throw DroverError.isInstance(error, 'STORE_DENIED') ? denied(connection, tables, error) : error
  }
}

/** CREATE SCHEMA IF NOT EXISTS needs the right to create one even where there is nothing to do. */
async function createSchema(connection: PostgresConnection, schema: string, doing: string): Promise<void> {
  const { rows } = await connection.query('SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1', [schema])
  if (rows.length === 0) await connection.exec(`CREATE SCHEMA ${quoteName(schema)}`, { doing })
}

function denied(connection: PostgresConnection, { schema, names, ...tables }: StateTables, cause: DroverError): Error {
  const where = schema === null ? 'a schema of search_path' : `schema ${quoteName(schema)}`
  return new DroverError(
    'STORE_DENIED',
    `${connection.name}: this user may not create Drover's tables ${names.join(', ')}, in which runs and positions are kept. Grant CREATE on ${where}, pass the stateSchema of one in which the user may create tables, or let somebody who may call setup() of the state store once and then: GRANT SELECT, INSERT, UPDATE, DELETE ON ${tables.meta}, ${tables.runs}, ${tables.partitions}, ${tables.indexes} TO the user.`,
    { cause: cause.cause ?? cause },
  )
}

/**
 * What is unread text here is JSON, for whoever looks at the tables by hand; not of the type jsonb, which would change
 * numbers and has no U+0000. Names are compared by their bytes.
 */
function create({ meta, runs, partitions, names }: StateTables): string {
  return `
    CREATE TABLE ${meta} (name text PRIMARY KEY, value text NOT NULL);
    CREATE TABLE ${runs} (
      ordinal bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      run text COLLATE "C" NOT NULL UNIQUE,
      name text COLLATE "C" NOT NULL,
      fingerprint text NOT NULL,
      partitions text NOT NULL,
      status text NOT NULL,
      started_at timestamptz NOT NULL,
      completed_at timestamptz,
      outcome text,
      control jsonb NOT NULL
    );
    CREATE INDEX ${quoteName(`${names[1]}_by_name`)} ON ${runs} (name, ordinal);
    CREATE TABLE ${partitions} (
      ordinal bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      run text COLLATE "C" NOT NULL,
      "partition" text COLLATE "C" NOT NULL,
      bounds text NOT NULL,
      start text,
      fence bigint NOT NULL,
      sequence bigint NOT NULL DEFAULT 0,
      cursor text,
      done boolean NOT NULL DEFAULT false,
      counts text,
      holder text,
      expires_at timestamptz,
      UNIQUE (run, "partition")
    ) WITH (fillfactor = 50)`
}

/** Definitions of indexes that were dropped to be built again: what is not in here and not in the table either would be lost. */
function keepIndexes({ indexes }: StateTables): string {
  return `
    CREATE TABLE ${indexes} (
      ordinal bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      target text COLLATE "C" NOT NULL,
      name text COLLATE "C" NOT NULL UNIQUE,
      table_name text COLLATE "C" NOT NULL,
      definition text NOT NULL,
      restore text NOT NULL,
      dropped_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )`
}

/** When a position last moved: by it those are known that are left over from runs which are kept elsewhere. */
function noteMoves({ partitions }: StateTables): string {
  return `ALTER TABLE ${partitions} ADD COLUMN moved_at timestamptz NOT NULL DEFAULT now()`
}

/** What the holder of a partition told last with a heartbeat. */
function keepTellings({ partitions }: StateTables): string {
  return `ALTER TABLE ${partitions} ADD COLUMN telling text`
}
