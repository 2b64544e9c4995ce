import { DroverError, defaultUndoDays, type UndoOptions } from '@drover/core'
import { quoteName } from '../connection/quote-name.js'
import type { SqliteConnection } from '../connection/sqlite-connection.js'
import { writeTransaction } from '../writer/write-turn.js'

const msPerDay = 24 * 60 * 60 * 1000

/** Names of the tables that keep before-images, quoted. */
export interface ImageTables {
  readonly meta: string
  readonly partitions: string
  /** One row for each row that was changed: its key, what it was, what the run made of it. */
  readonly images: string
  /** Which run, which table and which columns those are of. */
  readonly shapes: string
  readonly names: readonly [images: string, shapes: string]
  readonly days: number
}

export function imageTables(prefix = 'drover_', { undoDays = defaultUndoDays }: UndoOptions = {}): ImageTables {
  const names = [`${prefix}before_images`, `${prefix}before_shapes`] as const
  return {
    meta: quoteName(`${prefix}meta`),
    partitions: quoteName(`${prefix}partitions`),
    images: quoteName(names[0]),
    shapes: quoteName(names[1]),
    names,
    days: undoDays,
  }
}

/** What leads from each version of the tables to the next one; the first makes them. */
const upgrades: readonly ((tables: ImageTables) => string)[] = [create]

/** Creates the tables, or brings older ones up to date. Drover's other tables must be there. @throws `STATE_INVALID` if a newer Drover made them. */
export async function ensureImageTables(connection: SqliteConnection, tables: ImageTables): Promise<void> {
  let found = await versionOf(connection, tables)
  if (found < upgrades.length) {
    await writeTransaction(connection, async () => {
      found = await versionOf(connection, tables)
      for (const next of upgrades.slice(found)) await connection.exec(next(tables))
      if (found < upgrades.length) await noteVersion(connection, tables)
    })
  }
  if (found <= upgrades.length) return
  throw new DroverError(
    'STATE_INVALID',
    `"${connection.name}": the tables ${tables.names.join(', ')} are of version ${found}, made by a newer Drover; this one knows ${upgrades.length}. Update @drover/adapter-sqlite, or pass another tablePrefix.`,
  )
}

/** 0 if they are not there. */
export async function versionOf(connection: SqliteConnection, { meta, names }: ImageTables): Promise<number> {
  const found = await connection.all(
    `SELECT name FROM sqlite_master WHERE type = 'table' AND name COLLATE NOCASE = ?`,
    [names[0]],
  )
  if (found.length === 0) return 0
  const row = await connection.get(`SELECT value FROM ${meta} WHERE name = 'before_images'`)
  return Number(row?.[0] ?? 1)
}

/** Deletes runs that went on last before that many days, but nothing of that run, nor of one that is under way. */
export async function pruneImages(connection: SqliteConnection, tables: ImageTables, run: string): Promise<void> {
  const { images, shapes, partitions, days } = tables
  const old = `SELECT id FROM ${shapes} WHERE run IN (SELECT run FROM ${shapes} WHERE run <> ? GROUP BY run HAVING max(kept_at) < ?)
    AND run NOT IN (SELECT run FROM ${partitions} WHERE holder IS NOT NULL AND expires_at > ?)`
  const now = Date.now()
  const values = [run, BigInt(now - days * msPerDay), BigInt(now)]
  if ((await connection.get(`${old} LIMIT 1`, values)) === undefined) return
  await writeTransaction(connection, async () => {
    await connection.run(`DELETE FROM ${images} WHERE shape IN (${old})`, values)
    await connection.run(`DELETE FROM ${shapes} WHERE id IN (${old})`, values)
  })
}

/** Places for so many values in a row of images: columns without a type, which keep each value as it is. */
export async function ensurePlaces(
  connection: SqliteConnection,
  { images, names }: ImageTables,
  count: number,
): Promise<void> {
  const missing = async (): Promise<number[]> => {
    const columns = await connection.all('SELECT name FROM pragma_table_info(?)', [names[0]])
    const known = new Set(columns.map(([name]) => name))
    return Array.from({ length: count }, (_, i) => i).filter((i) => !known.has(place(i)))
  }
  if ((await missing()).length === 0) return
  await writeTransaction(connection, async () => {
    for (const i of await missing()) await connection.exec(`ALTER TABLE ${images} ADD COLUMN ${place(i)}`)
  })
}

/** What the column is called that has the value at this place of an image. */
export function place(i: number): string {
  return `x${i}`
}

async function noteVersion(connection: SqliteConnection, { meta }: ImageTables): Promise<void> {
  await connection.run(
    `INSERT INTO ${meta} (name, value) VALUES ('before_images', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
    [String(upgrades.length)],
  )
}

function create({ images, shapes }: ImageTables): string {
  return `
    CREATE TABLE IF NOT EXISTS ${images} (ordinal INTEGER PRIMARY KEY, shape INTEGER NOT NULL, inserted INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS ${shapes} (
      id INTEGER PRIMARY KEY,
      run TEXT NOT NULL,
      shape TEXT NOT NULL,
      kept_at INTEGER NOT NULL,
      begun_at INTEGER,
      undone_at INTEGER
    );`
}
