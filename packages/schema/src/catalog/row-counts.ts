import type { Dialect } from '../contracts/migration.js'
import { quoteTable } from '../sql/quote.js'
import type { Read } from './read-catalog.js'

/** How many rows each table has, counted in one statement: at one moment. */
export async function rowCounts(read: Read, tables: readonly string[], dialect: Dialect): Promise<Map<string, number>> {
  if (tables.length === 0) return new Map()
  const counts = tables.map(
    (table, place) => `SELECT ${place} AS place, count(*) AS rows FROM ${quoteTable(table, dialect)}`,
  )
  const rows = await read(counts.join(' UNION ALL '))
  return new Map(rows.map((row) => [tables[Number(row.place)] ?? '', Number(row.rows)]))
}
