import { type DatabaseContents, type DatabaseTable, DroverError, type LeftOut } from '@drover/core'
import type { SqliteConnection } from '../connection/sqlite-connection.js'
import { requireTable } from '../schema/read-table.js'
import { sameName, type Table } from '../schema/table.js'
import { refuseNullKeys } from '../source/check-key.js'
import { openRelation } from '../source/open-relation.js'
import { schemaOf } from '../source/relation.js'
import { readForeignKeys } from './foreign-keys.js'

const whats: Readonly<Record<string, string>> = { view: 'a view', virtual: 'a virtual table' }

/** All tables of the main database but SQLite's own and Drover's. */
export async function readContents(connection: SqliteConnection, tablePrefix = 'drover_'): Promise<DatabaseContents> {
  const rows = await connection.all(
    `SELECT name, type FROM pragma_table_list WHERE schema = 'main' AND type <> 'shadow' ORDER BY name`,
  )
  const named = (rows as [string, string][]).filter(
    ([name]) => !beginsWith(name, 'sqlite_') && !beginsWith(name, tablePrefix),
  )
  const declared: Table[] = []
  const leftOut: LeftOut[] = []
  for (const [name, type] of named) {
    const what = whats[type]
    if (what === undefined) declared.push(await requireTable(connection, name))
    else leftOut.push({ name, what })
  }
  const tables: DatabaseTable[] = []
  for (const table of declared) tables.push(await readOne(connection, table, declared))
  return { tables, leftOut }
}

async function readOne(connection: SqliteConnection, table: Table, all: readonly Table[]): Promise<DatabaseTable> {
  const { name, primaryKey, rowidAlias } = table
  const { foreignKeys, note } = await readForeignKeys(connection, table, all)
  const notes = note === null ? [] : [note]
  if (primaryKey.length === 0)
    notes.push(
      'it has no primary key and is read by its rowid, which VACUUM may change: leave that until the copy is complete.',
    )
  const common = { name, uniqueKeys: await readUniqueKeys(connection, name), foreignKeys, notes }
  try {
    const relation = await openRelation(connection, { table: name })
    await refuseNullKeys(connection, relation)
    const counted = rowidAlias === null ? {} : { counted: rowidAlias }
    return { ...common, ...counted, schema: schemaOf(relation), key: primaryKey }
  } catch (error) {
    if (!DroverError.isInstance(error, 'KEY_INVALID')) throw error
    return { ...common, schema: { fields: [], key: [] }, key: [], problems: [error.message] }
  }
}

/** Columns of unique indexes over whole columns, but those of the primary key. */
async function readUniqueKeys(connection: SqliteConnection, table: string): Promise<string[][]> {
  const rows = await connection.all(
    `SELECT i.seq, c.name FROM pragma_index_list(?) AS i, pragma_index_xinfo(i.name) AS c
     WHERE i."unique" = 1 AND i.partial = 0 AND i.origin <> 'pk' AND c.key = 1 ORDER BY i.seq DESC, c.seqno`,
    [table],
  )
  const keys = new Map<number, (string | null)[]>()
  for (const [place, column] of rows as [number, string | null][]) keys.set(place, [...(keys.get(place) ?? []), column])
  return [...keys.values()].filter((key): key is string[] => key.every((column) => column !== null))
}

function beginsWith(name: string, prefix: string): boolean {
  return sameName(name.slice(0, prefix.length), prefix)
}
