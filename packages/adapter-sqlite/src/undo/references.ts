import { quoteName, quoteText } from '../connection/quote-name.js'
import type { SqliteConnection } from '../connection/sqlite-connection.js'
import { sameName, type Table } from '../schema/table.js'

/** A foreign key by which rows of some table refer to the one that is undone. */
export interface Reference {
  readonly table: string
  readonly columns: readonly string[]
  readonly refersTo: readonly string[]
}

export async function referencesTo(connection: SqliteConnection, table: Table): Promise<readonly Reference[]> {
  const rows = await connection.all(
    `SELECT m.name AS name, f.id AS id, f."from" AS source, f."to" AS target FROM sqlite_master AS m, pragma_foreign_key_list(m.name) AS f
     WHERE m.type = 'table' AND f."table" = ? COLLATE NOCASE ORDER BY m.name, f.id, f.seq`,
    [table.name],
  )
  const found = new Map<string, { table: string; columns: string[]; refersTo: string[] }>()
  for (const [name, id, from, to] of rows) {
    const key = `${String(id)} ${String(name)}`
    const reference = found.get(key) ?? { table: String(name), columns: [], refersTo: [] }
    found.set(key, reference)
    // Without a column it is the primary key.
    reference.refersTo.push(String(to ?? table.primaryKey[reference.columns.length] ?? table.rowid ?? 'rowid'))
    reference.columns.push(String(from))
  }
  return [...found.values()]
}

/**
 * The table from which some row refers to the row `of`, as SQL; null if none does.
 *
 * @param leaving Gives the keys of rows of the table itself that leave with it: they do not count.
 */
export function referrerSql(
  references: readonly Reference[],
  { name, key }: { readonly name: string; readonly key: readonly string[] },
  of: string,
  leaving: string,
): string {
  const found = references.map(({ table, columns, refersTo }) => {
    const equal = columns.map(
      (column, i) => `drover_f.${quoteName(column)} = ${of}.${quoteName(refersTo[i] as string)}`,
    )
    const own = `(${key.map((column) => `drover_f.${quoteName(column)}`).join(', ')}) NOT IN (${leaving})`
    const conditions = [...equal, ...(sameName(table, name) ? [own] : [])].join(' AND ')
    return `WHEN EXISTS (SELECT 1 FROM main.${quoteName(table)} AS drover_f WHERE ${conditions}) THEN ${quoteText(table)}`
  })
  return found.length === 0 ? 'NULL' : `CASE ${found.join(' ')} END`
}
