import type { Dialect } from '../contracts/migration.js'
import type { ColumnDefinition } from '../contracts/schema-changes.js'
import { quoteName, quoteTable } from '../sql/quote.js'
import { literal } from '../steps/inline-values.js'

/** A column as CREATE TABLE and ADD COLUMN write it, its name in front. */
export function columnSql(
  name: string,
  definition: ColumnDefinition,
  dialect: Dialect,
  type = numberedType(definition, dialect),
): string {
  const { nullable = true, default: initial, references, check, unique = false, collation, identity } = definition
  const parts = [quoteName(name), type]
  if (collation !== undefined) parts.push(`COLLATE ${collationSql(collation, dialect)}`)
  if (initial !== undefined) parts.push(`DEFAULT ${defaultSql(initial, dialect)}`)
  if (definition.generated !== undefined) parts.push(generatedSql(definition.generated, dialect))
  if (dialect === 'postgres' && identity !== undefined && identity !== 'serial')
    parts.push(`GENERATED ${identity === 'always' ? 'ALWAYS' : 'BY DEFAULT'} AS IDENTITY`)
  if (!nullable) parts.push('NOT NULL')
  // SQLite takes the word nowhere else.
  if (dialect === 'sqlite' && identity === 'autoincrement') parts.push('PRIMARY KEY AUTOINCREMENT')
  if (dialect === 'sqlite' && definition.values !== undefined)
    parts.push(enumCheck(definition.type, name, definition.values))
  if (check !== undefined) parts.push(`CHECK (${check})`)
  if (unique) parts.push('UNIQUE')
  if (references !== undefined) {
    const { table, column, onDelete, onUpdate } = references
    parts.push(`REFERENCES ${quoteTable(table, dialect)} (${quoteName(column)})`)
    if (onDelete !== undefined) parts.push(`ON DELETE ${onDelete.toUpperCase()}`)
    if (onUpdate !== undefined) parts.push(`ON UPDATE ${onUpdate.toUpperCase()}`)
  }
  return parts.join(' ')
}

/** How a column of an enum is known in SQLite: by a CHECK that bears the enum's name. */
export function enumCheck(type: string, column: string, values: readonly string[]): string {
  const list = values.map((value) => literal(value, 'sqlite')).join(', ')
  return `CONSTRAINT ${quoteName(type)} CHECK (${quoteName(column)} IN (${list}))`
}

/** PostgreSQL's serial is a type that makes a sequence. */
function numberedType({ type, identity, values }: ColumnDefinition, dialect: Dialect): string {
  if (dialect === 'sqlite' && values !== undefined) return 'TEXT'
  const known = columnType(type, dialect)
  if (dialect === 'sqlite') return identity === 'autoincrement' ? 'INTEGER' : known
  if (identity !== 'serial') return known
  return /big|int8/i.test(known) ? 'bigserial' : /small|int2/i.test(known) ? 'smallserial' : 'serial'
}

function generatedSql(
  { sql, stored = false }: Exclude<ColumnDefinition['generated'], undefined>,
  dialect: Dialect,
): string {
  return `GENERATED ALWAYS AS (${sql}) ${stored || dialect === 'postgres' ? 'STORED' : 'VIRTUAL'}`
}

/** Words for both, in the database's own; SQLite's are such that its affinity changes no value: `json` is TEXT, or '45' would become a number. */
const types: Readonly<Record<string, Readonly<Record<Dialect, string>>>> = {
  text: { postgres: 'text', sqlite: 'TEXT' },
  integer: { postgres: 'integer', sqlite: 'INTEGER' },
  bigint: { postgres: 'bigint', sqlite: 'INTEGER' },
  boolean: { postgres: 'boolean', sqlite: 'BOOLEAN' },
  double: { postgres: 'double precision', sqlite: 'REAL' },
  decimal: { postgres: 'numeric', sqlite: 'DECIMAL' },
  varchar: { postgres: 'varchar', sqlite: 'VARCHAR' },
  timestamp: { postgres: 'timestamp', sqlite: 'TIMESTAMP' },
  timestamptz: { postgres: 'timestamptz', sqlite: 'TIMESTAMP' },
  date: { postgres: 'date', sqlite: 'DATE' },
  uuid: { postgres: 'uuid', sqlite: 'TEXT' },
  json: { postgres: 'jsonb', sqlite: 'TEXT' },
  bytes: { postgres: 'bytea', sqlite: 'BLOB' },
}

/** A type as the database has it. */
export function columnType(type: string, dialect: Dialect): string {
  const [, word = '', rest = ''] = /^\s*(\w+)\s*(\(.*\))?\s*$/.exec(type) ?? []
  const known = types[word.toLowerCase()]?.[dialect]
  return known === undefined ? type : `${known}${rest.replace(/\s+/g, '')}`
}

/** A default as a column has it. SQLite wants an expression in parentheses. */
export function defaultSql(value: Exclude<ColumnDefinition['default'], undefined>, dialect: Dialect): string {
  if (value === null) return 'NULL'
  if (typeof value === 'string') return literal(value, dialect)
  if (typeof value === 'boolean') return dialect === 'postgres' ? String(value) : value ? '1' : '0'
  if (typeof value === 'number') return String(value)
  const { sql } = value
  return dialect === 'postgres' || isConstant(sql) ? sql : `(${sql})`
}

/** SQL that SQLite takes for a default without parentheses. */
function isConstant(sql: string): boolean {
  return /^\s*(?:'(?:[^']|'')*'|"(?:[^"]|"")*"|[+-]?[\d.]+(?:e[+-]?\d+)?|null|true|false|current_(?:time|date|timestamp)|\((?:[^()]|\([^()]*\))*\))\s*$/i.test(
    sql,
  )
}

/** What an existing row gets at once when the column is added: SQLite adds no column whose default it would have to compute. */
export function isComputed(value: ColumnDefinition['default']): boolean {
  if (typeof value !== 'object' || value === null) return false
  return !/^\s*(?:'(?:[^']|'')*'|[+-]?[\d.]+(?:e[+-]?\d+)?|null|true|false)\s*$/i.test(value.sql)
}

function collationSql(collation: string, dialect: Dialect): string {
  return dialect === 'sqlite' && /^\w+$/.test(collation) ? collation : quoteTable(collation, dialect)
}
