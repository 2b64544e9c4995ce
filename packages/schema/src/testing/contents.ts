import type { Row } from '@drover/core'
import { quoteName, quoteTable } from '../sql/quote.js'
import { type TestDatabase, testCatalog } from './test-database.js'

/** All rows of all tables, with the columns that a table had when they were read. */
export type Contents = ReadonlyMap<
  string,
  { readonly columns: readonly string[]; readonly key: readonly string[]; readonly rows: readonly Row[] }
>

/** Reads everything: a test's database is small. */
export async function contentsOf(database: TestDatabase): Promise<Contents> {
  const { tables } = await testCatalog(database)
  const contents = new Map<string, { columns: string[]; key: readonly string[]; rows: readonly Row[] }>()
  for (const { name, columns, primaryKey } of tables) {
    const rows = await database.query(`SELECT * FROM ${quoteTable(name, database.dialect)}${order(primaryKey)}`)
    contents.set(name, { columns: columns.map((column) => column.name), key: primaryKey, rows })
  }
  return contents
}

function order(key: readonly string[]): string {
  return key.length === 0 ? '' : ` ORDER BY ${key.map(quoteName).join(', ')}`
}

/**
 * In which rows and columns the contents differ, as sentences. Of tables and columns that only one side has, it says nothing: they are what a revision
 * is for.
 */
export function differences(before: Contents, now: Contents): string[] {
  const said: string[] = []
  for (const [table, { columns, key, rows }] of before) {
    const other = now.get(table)
    if (other === undefined) {
      if (rows.length > 0) said.push(`${table} is gone, with ${rows.length} rows`)
      continue
    }
    const shared = columns.filter((column) => other.columns.includes(column))
    const name = (row: Row): string =>
      JSON.stringify((key.length > 0 ? key : shared).map((column) => plain(row[column])))
    const there = new Map(other.rows.map((row) => [name(row), row]))
    for (const row of rows) {
      const found = there.get(name(row))
      there.delete(name(row))
      if (found === undefined) said.push(`the row ${name(row)} of ${table} is gone`)
      else {
        const differing = shared.filter((column) => plain(row[column]) !== plain(found[column]))
        for (const column of differing)
          said.push(`${table}.${column} of ${name(row)} was ${plain(row[column])} and is ${plain(found[column])}`)
      }
    }
    for (const added of there.keys()) said.push(`the row ${added} of ${table} is new`)
  }
  return said
}

/** Bytes, dates and large integers too; NaN is itself. */
function plain(value: unknown): string {
  if (value instanceof Uint8Array) return `x'${Buffer.from(value).toString('hex')}'`
  if (typeof value === 'bigint') return `${value}`
  if (value instanceof Date) return value.toISOString()
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
