import type { Dialect } from '../contracts/migration.js'
import type { IndexDefinition } from '../contracts/schema-changes.js'
import { quoteName, quoteTable } from '../sql/quote.js'

/** CREATE INDEX. What only PostgreSQL has is left out for SQLite. */
export function indexSql(
  table: string,
  { name, columns, unique = false, where, using, include }: IndexDefinition,
  dialect: Dialect,
  options: { readonly concurrently?: boolean } = {},
): string {
  const isPostgres = dialect === 'postgres'
  const keys = columns.map((column) => (typeof column === 'string' ? quoteName(column) : expression(column.sql)))
  const parts = [
    'CREATE',
    ...(unique ? ['UNIQUE'] : []),
    'INDEX',
    ...(isPostgres && options.concurrently === true ? ['CONCURRENTLY'] : []),
    quoteName(name),
    `ON ${quoteTable(table, dialect)}`,
    ...(isPostgres && using !== undefined ? [`USING ${using}`] : []),
    `(${keys.join(', ')})`,
    ...(isPostgres && include !== undefined && include.length > 0
      ? [`INCLUDE (${include.map(quoteName).join(', ')})`]
      : []),
    ...(where === undefined ? [] : [`WHERE ${where}`]),
  ]
  return parts.join(' ')
}

/** `lower(name)`, `created_at DESC` and `payload jsonb_path_ops` stand as they are; other expressions need parentheses. */
function expression(sql: string): string {
  return /^[\w".]+(?:\s*\(.*\))?(?:\s+[\w\s]+)?$/s.test(sql.trim()) || /^\(.*\)/s.test(sql.trim()) ? sql : `(${sql})`
}
