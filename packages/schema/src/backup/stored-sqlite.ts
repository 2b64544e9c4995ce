import type { SqliteConnection, SqliteDriver } from '@drover/adapter-sqlite'
import { DroverError } from '@drover/core'
import { type Read, readCatalog } from '../catalog/read-catalog.js'
import { loadAdapter } from '../database/load-adapter.js'
import { sqliteValue } from '../database/sqlite-values.js'
import type { TableContents } from './backup-manifest.js'
import { contentDifferences } from './contents.js'
import { sqliteContents } from './sqlite-contents.js'

/** Opens a file that is a backup, or becomes a database. */
export async function openStored(
  filename: string,
  driver: SqliteDriver | undefined,
  { isReadonly }: { readonly isReadonly: boolean },
): Promise<SqliteConnection> {
  const { openSqlite } = await loadAdapter('sqlite')
  return openSqlite({ filename, create: false, readonly: isReadonly, ...(driver === undefined ? {} : { driver }) })
}

export function readOf(sqlite: SqliteConnection): Read {
  return async (sql, values = []) => (await sqlite.objects(sql, values.map(sqliteValue))).rows
}

/** What a file holds, and what is wrong with it. */
export interface Whole {
  readonly tables: readonly TableContents[]
  /** Rows that refer to nothing. */
  readonly brokenKeys: number
  readonly problems: readonly string[]
}

/** Reads all of a database: its pages and indexes, its keys, and the rows of each table against what they should be. */
export async function readWhole(sqlite: SqliteConnection, should: readonly TableContents[]): Promise<Whole> {
  const read = readOf(sqlite)
  try {
    const checked = (await read('PRAGMA integrity_check(3)')).flatMap((row) => Object.values(row).map(String))
    const damage = checked.filter((said) => said !== 'ok')
    if (damage.length > 0) return { tables: [], brokenKeys: 0, problems: damage }
    // integrity_check does not look at foreign keys.
    const brokenKeys = (await read('SELECT count(*) AS n FROM pragma_foreign_key_check'))[0]?.n
    const tables = await sqliteContents(read, await readCatalog(read, 'sqlite'))
    return { tables, brokenKeys: Number(brokenKeys), problems: contentDifferences(should, tables) }
  } catch (error) {
    if (!DroverError.isInstance(error, 'SOURCE_INVALID')) throw error
    return { tables: [], brokenKeys: 0, problems: [error.message] }
  }
}
