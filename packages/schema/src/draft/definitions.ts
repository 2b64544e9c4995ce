import { foreignKeySql } from '../catalog/catalog-sql.js'
import { columnType } from '../changes/column-sql.js'
import type { CatalogColumn, CatalogForeignKey, CatalogIndex, CatalogTable } from '../contracts/catalog.js'
import type { Dialect } from '../contracts/migration.js'
import type {
  ColumnDefinition,
  ForeignKeyDefinition,
  IndexDefinition,
  TableDefinition,
} from '../contracts/schema-changes.js'
import { quoteTable } from '../sql/quote.js'
import { type Token, tokensOf } from '../sql/tokens.js'
import { type Call, schemaCall, sqlCall } from './call.js'

/** A column as a revision would write it. */
export function columnDefinition(column: CatalogColumn, dialect: Dialect): ColumnDefinition {
  const { isNullable, identity, generated, collation } = column
  return {
    type: ownType(column.type, dialect),
    ...(isNullable ? {} : { nullable: false }),
    ...(column.default === undefined || identity === 'serial' ? {} : { default: { sql: column.default } }),
    ...(collation === undefined ? {} : { collation }),
    ...(identity === undefined ? {} : { identity }),
    ...(generated === undefined ? {} : { generated: { sql: generated.expression, stored: generated.isStored } }),
  }
}

/** PostgreSQL's own `json` is not what the word `json` means in both. */
function ownType(type: string, dialect: Dialect): string {
  return dialect === 'postgres' && type === 'json' ? 'pg_catalog.json' : type
}

/** Whether a type of SQLite is one that `columnType` would take for a word of both, and translate. */
export function isTranslated({ type }: CatalogColumn): boolean {
  return columnType(type, 'sqlite').toUpperCase() !== type.toUpperCase()
}

/** Of PostgreSQL. */
export function tableDefinitionOf(table: CatalogTable): TableDefinition {
  const { columns, primaryKey, uniques, checks, foreignKeys } = table
  return {
    columns: Object.fromEntries(columns.map((column) => [column.name, columnDefinition(column, 'postgres')])),
    ...(primaryKey.length === 0 ? {} : { primaryKey }),
    ...(uniques.length === 0 ? {} : { uniques }),
    ...(checks.length === 0
      ? {}
      : {
          checks: checks.map(({ name, expression }) => ({ ...(name === undefined ? {} : { name }), expression })),
        }),
    ...(foreignKeys.length === 0 ? {} : { foreignKeys: foreignKeys.map(foreignKeyDefinition) }),
  }
}

export function foreignKeyDefinition(key: CatalogForeignKey): ForeignKeyDefinition & { readonly name: string } {
  const { name = `${key.columns.join('_')}_fkey`, columns, table, references, onDelete, onUpdate, deferrable } = key
  return {
    name,
    columns,
    references: { table, columns: references },
    ...(onDelete === 'no action' ? {} : { onDelete }),
    ...(onUpdate === 'no action' ? {} : { onUpdate }),
    ...(deferrable === undefined ? {} : { deferrable }),
  }
}

/** Adds a foreign key to a table of PostgreSQL that is there. */
export function foreignKeyCalls(table: string, key: CatalogForeignKey): Call[] {
  const { deferrable, ...definition } = foreignKeyDefinition(key)
  if (deferrable === undefined) return [schemaCall('addForeignKey', table, definition)]
  const on = `ALTER TABLE ${quoteTable(table)}`
  return [
    sqlCall(`${on} ADD ${foreignKeySql({ ...key, isValid: false })}`),
    sqlCall(`${on} VALIDATE CONSTRAINT ${quoteTable(definition.name)}`),
  ]
}

/** An index as a revision would write it; null where only its own statement says all of it. */
export function indexDefinition(index: CatalogIndex, dialect: Dialect): IndexDefinition | null {
  const { name, sql, isUnique, method, where, include } = index
  const tokens = tokensOf(sql, dialect)
  const isWord = ({ kind }: Token, word: string, value: string): boolean => kind === 'word' && value === word
  if (
    tokens.some(
      (token) =>
        isWord(token, 'with', token.value) || (isWord(token, 'nulls', token.value) && sql.includes('DISTINCT')),
    )
  )
    return null
  const start = tokens.findIndex((token) => isWord(token, dialect === 'postgres' ? 'using' : 'on', token.value))
  const open = tokens.findIndex(({ kind, value }, at) => at > start && kind === 'symbol' && value === '(')
  const keys = keysIn(sql, tokens, open)
  return {
    name,
    columns: keys.map((key) => keyDefinition(key, dialect)),
    ...(isUnique ? { unique: true } : {}),
    ...(where === undefined ? {} : { where: withoutParentheses(where, dialect) }),
    ...(dialect === 'sqlite' || method === 'btree' ? {} : { using: method }),
    ...(include === undefined ? {} : { include: include.map((column) => bareName(column, dialect) ?? column) }),
  }
}

export function indexCall(table: string, index: CatalogIndex, dialect: Dialect): Call {
  const definition = indexDefinition(index, dialect)
  return definition === null ? sqlCall(index.sql) : schemaCall('createIndex', table, definition)
}

function keysIn(sql: string, tokens: readonly Token[], open: number): string[] {
  const keys: string[] = []
  let depth = 0
  let from = tokens[open]?.end ?? 0
  for (const token of tokens.slice(open)) {
    if (token.kind !== 'symbol') continue
    if (token.value === '(') depth++
    const isLast = token.value === ')' && --depth === 0
    if (isLast || (token.value === ',' && depth === 1)) {
      keys.push(sql.slice(from, token.start).trim())
      from = token.end
    }
    if (isLast) break
  }
  return keys
}

function keyDefinition(key: string, dialect: Dialect): string | { readonly sql: string } {
  return bareName(key, dialect) ?? { sql: key }
}

/** A name without its quotes; undefined of what is more than a name. */
function bareName(text: string, dialect: Dialect): string | undefined {
  const tokens = tokensOf(text, dialect)
  const [only] = tokens
  if (tokens.length !== 1) return undefined
  if (only?.kind === 'name') return only.value
  return only?.kind === 'word' ? text.trim() : undefined
}

/** What writes it puts them where they are needed. */
function withoutParentheses(sql: string, dialect: Dialect): string {
  const tokens = tokensOf(sql, dialect)
  let depth = 0
  const isWrapped =
    tokens[0]?.value === '(' &&
    tokens.every(({ kind, value }, at) => {
      if (kind === 'symbol' && value === '(') depth++
      if (kind === 'symbol' && value === ')') depth--
      return depth > 0 || at === tokens.length - 1
    })
  return isWrapped ? sql.trim().slice(1, -1).trim() : sql
}
