import type { Dialect } from '../contracts/migration.js'
import type { IndexDefinition } from '../contracts/schema-changes.js'
import { closing } from '../sql/groups.js'
import { quoteName, quoteTable } from '../sql/quote.js'
import { tokensOf } from '../sql/tokens.js'

/** CREATE INDEX. What only PostgreSQL has is left out for SQLite. */
export function indexSql(
  table: string,
  { name, columns, unique = false, where, using, include }: IndexDefinition,
  dialect: Dialect,
  options: { readonly concurrently?: boolean } = {},
): string {
  const isPostgres = dialect === 'postgres'
  const keys = columns.map((column) =>
    typeof column === 'string' ? quoteName(column) : expression(column.sql, dialect),
  )
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

/** `lower(name)`, `"Created at" DESC` and `payload jsonb_path_ops` stand as they are; other expressions need parentheses. */
function expression(sql: string, dialect: Dialect): string {
  const tokens = tokensOf(sql, dialect)
  const isName = (at: number): boolean => tokens[at]?.kind === 'word' || tokens[at]?.kind === 'name'
  let at = 0
  while (isName(at) && tokens[at + 1]?.value === '.') at += 2
  if (isName(at)) at++
  if (tokens[at]?.value === '(' && tokens[at]?.kind === 'symbol') at = closing(tokens, at) + 1
  const next = tokens[at]
  const isWhole =
    at > 0 &&
    (next === undefined ||
      (next.kind === 'word' && (/^(?:collate|asc|desc|nulls)$/.test(next.value) || next.value.endsWith('_ops'))))
  return isWhole ? sql : `(${sql})`
}
