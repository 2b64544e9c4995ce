import { type BrokenKey, type DatabaseTable, foreignKeysBroken } from '@drover/core'
import { quoteName } from '../connection/quote-name.js'
import type { SqliteConnection } from '../connection/sqlite-connection.js'
import { readTable } from '../schema/read-table.js'
import type { Table } from '../schema/table.js'
import { type DeclaredKey, declaredKeys } from './foreign-keys.js'

const mostExamples = 3

/** @throws `FOREIGN_KEY_BROKEN` with each foreign key of these tables that rows break */
export async function refuseBrokenKeys(connection: SqliteConnection, tables: readonly DatabaseTable[]): Promise<void> {
  const declared: Table[] = []
  for (const { name } of tables) {
    const table = await readTable(connection, name)
    if (table !== null) declared.push(table)
  }
  const broken: BrokenKey[] = []
  for (const table of declared) broken.push(...(await brokenKeysOf(connection, table, declared)))
  if (broken.length > 0) throw foreignKeysBroken(connection.name, broken)
}

async function brokenKeysOf(
  connection: SqliteConnection,
  table: Table,
  all: readonly Table[],
): Promise<readonly BrokenKey[]> {
  const rows = await connection.all(
    'SELECT fkid, count(*) AS n FROM pragma_foreign_key_check(?) GROUP BY fkid ORDER BY fkid',
    [table.name],
  )
  if (rows.length === 0) return []
  const keys = await declaredKeys(connection, table, all)
  const broken: BrokenKey[] = []
  for (const [id, count] of rows) {
    const key = keys.find((one) => one.id === Number(id))
    if (key === undefined) continue
    const { columns, references } = key
    const examples = await examplesOf(connection, table, key)
    broken.push({ table: table.name, columns, references, rows: Number(count), examples })
  }
  return broken
}

async function examplesOf(connection: SqliteConnection, { name }: Table, key: DeclaredKey): Promise<string[]> {
  const children = key.columns.map((column) => `c.${quoteName(column)}`)
  // The column that is referred to stands first: its collation says what is equal.
  const equal = key.referencedColumns.map((column, i) => `p.${quoteName(column)} = ${children[i]}`)
  const rows = await connection.all(
    `SELECT ${children.map((child, i) => `quote(${child}) AS v${i}`).join(', ')} FROM ${quoteName(name)} AS c
     WHERE ${children.map((child) => `${child} IS NOT NULL`).join(' AND ')}
       AND NOT EXISTS (SELECT 1 FROM ${quoteName(key.references)} AS p WHERE ${equal.join(' AND ')})
     LIMIT ${mostExamples}`,
  )
  return rows.map((row) => row.map((value) => String(value)).join(', '))
}
