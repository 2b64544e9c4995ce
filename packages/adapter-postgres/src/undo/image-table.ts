import { DroverError, defaultUndoDays, type UndoOptions } from '@drover/core'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import { quoteName } from '../connection/quote-name.js'
import { quoteTable } from '../schema/table.js'
import type { StateLocation } from '../state/state-tables.js'

/** The table that keeps before-images, quoted. */
export interface ImageTable {
  readonly images: string
  readonly name: string
  readonly schema: string | null
  readonly days: number
}

export function imageTable(
  { stateSchema, tablePrefix = 'drover_' }: StateLocation,
  { undoDays = defaultUndoDays }: UndoOptions = {},
): ImageTable {
  const name = `${tablePrefix}before_images`
  const images = stateSchema === undefined ? quoteName(name) : quoteTable(stateSchema, name)
  return { images, name, schema: stateSchema ?? null, days: undoDays }
}

/** What leads from each version of the table to the next one; the first makes it. The version is the table's comment. */
const upgrades: readonly ((table: ImageTable) => string)[] = [create]

/**
 * Creates the table if it is not there, and brings an older one up to date. The tables of runs must be there.
 *
 * @throws `STATE_INVALID` if a newer Drover made it; `STORE_DENIED` with the right that is missing.
 */
export async function ensureImageTable(connection: PostgresConnection, table: ImageTable): Promise<void> {
  const found = await versionOf(connection, table)
  if (found < upgrades.length) await upgrade(connection, table)
  if (found <= upgrades.length) return await requireImageRights(connection, table)
  throw new DroverError(
    'STATE_INVALID',
    `${connection.name}: the table ${table.name} is of version ${found}, made by a newer Drover; this one knows ${upgrades.length}. Update @drover/adapter-postgres, or pass another tablePrefix or stateSchema.`,
  )
}

/** @throws `STORE_DENIED` with the GRANT that is missing */
async function requireImageRights(connection: PostgresConnection, { images, name }: ImageTable): Promise<void> {
  const { rows } = await connection.query<{ user: string; rights: string | null }>(
    `SELECT current_user AS user, string_agg(r, ', ' ORDER BY at) AS rights
     FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) WITH ORDINALITY AS u (r, at)
     WHERE NOT pg_catalog.has_table_privilege($1, r)`,
    [images],
  )
  const { user, rights } = rows[0] ?? {}
  if (rights === null || rights === undefined) return
  throw new DroverError(
    'STORE_DENIED',
    `${connection.name}: the user "${user}" may not ${rights} on ${name}, which keeps what rows were before a run with undo. An administrator allows it with: GRANT ${rights} ON ${images} TO "${user}".`,
  )
}

/** Deletes runs whose last image is older than it is to be kept, but nothing of that run. One that is taken back by halves would be worse. */
export async function pruneImages(connection: PostgresConnection, table: ImageTable, run: string): Promise<void> {
  await connection.query(
    `DELETE FROM ${table.images} WHERE run <> $1 AND run IN (SELECT run FROM ${table.images} GROUP BY run
       HAVING max(kept_at) < clock_timestamp() - $2::int * interval '1 day')`,
    [run, table.days],
    { doing: `deleting before-images older than ${table.days} days` },
  )
}

/** 0 if it is not there. */
export async function versionOf(connection: PostgresConnection, { images, name }: ImageTable): Promise<number> {
  const { rows } = await connection.query<{ comment: string | null; there: boolean }>(
    `SELECT to_regclass($1) IS NOT NULL AS there, obj_description(to_regclass($1), 'pg_class') AS comment
     FROM pg_catalog.pg_class LIMIT 1`,
    [images],
    { doing: `looking for ${name} in ${connection.name}` },
  )
  const [found] = rows
  if (found?.there !== true) return 0
  return Number(/version (\d+)/.exec(found.comment ?? '')?.[1] ?? 1)
}

async function upgrade(connection: PostgresConnection, table: ImageTable): Promise<void> {
  const doing = `creating Drover's table ${table.name} in ${connection.name}`
  try {
    const work = async (): Promise<void> => {
      await connection.query('SELECT pg_catalog.pg_advisory_xact_lock(hashtextextended($1, 0))', [
        `drover tables ${table.images}`,
      ])
      const found = await versionOf(connection, table)
      for (const next of upgrades.slice(found)) await connection.exec(next(table), { doing })
    }
    await (connection.isInTransaction ? work() : connection.transaction(work))
  } catch (error) {
    if (!DroverError.isInstance(error, 'STORE_DENIED')) throw error
    throw new DroverError(
      'STORE_DENIED',
      `${connection.name}: this user may not create Drover's table ${table.name}, which keeps what rows were before a run with undo. Grant CREATE on its schema, or let somebody who may run anything with undo once and then: GRANT SELECT, INSERT, UPDATE, DELETE ON ${table.images} TO the user; or leave out undo.`,
      { cause: error.cause ?? error },
    )
  }
}

/**
 * One row for the rows of one statement: `keys`, `images` and `afters` are parallel. An image is the text of the old row, null for one that
 * was inserted; `afters` are codes of what the run made of it. Not compressed: that costs more than writing it.
 */
function create({ images, name }: ImageTable): string {
  return `
    CREATE TABLE ${images} (
      ordinal bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      run text COLLATE "C" NOT NULL,
      shape text NOT NULL,
      settings text NOT NULL,
      keys text[] NOT NULL,
      images text[] NOT NULL,
      afters bigint[] NOT NULL,
      kept_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      begun_at timestamptz,
      undone_at timestamptz
    );
    ALTER TABLE ${images} ALTER COLUMN keys SET STORAGE EXTERNAL, ALTER COLUMN images SET STORAGE EXTERNAL,
      ALTER COLUMN afters SET STORAGE EXTERNAL;
    CREATE INDEX ${quoteName(`${name}_by_run`)} ON ${images} (run, ordinal);
    COMMENT ON TABLE ${images} IS 'Drover: before-images, version 1'`
}
