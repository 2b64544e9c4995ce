import { checkOptionNames, DroverError } from '@drover/core'
import type { Dialect } from '../contracts/migration.js'
import type { ColumnDefinition, ForeignKeyDefinition, TableDefinition } from '../contracts/schema-changes.js'
import { quoteName, quoteTable } from '../sql/quote.js'
import { columnSql, columnType } from './column-sql.js'

export const tableOptions = [
  'columns',
  'primaryKey',
  'uniques',
  'checks',
  'foreignKeys',
  'strict',
  'withoutRowid',
] as const satisfies readonly (keyof TableDefinition)[]

/** CREATE TABLE. */
export function tableSql(name: string, definition: TableDefinition, dialect: Dialect): string {
  const where = `createTable ${name}`
  checkOptionNames(where, definition, tableOptions)
  const { columns, primaryKey = [], uniques = [], checks = [], foreignKeys = [], strict, withoutRowid } = definition
  const unknown = primaryKey.filter((column) => !Object.hasOwn(columns, column))
  if (unknown.length > 0) {
    throw new DroverError('NAME_UNKNOWN', `${where}: the primary key names ${unknown.join(', ')}, which is no column.`)
  }
  const isCounted = ([, { identity }]: [string, ColumnDefinition]): boolean =>
    dialect === 'sqlite' && identity === 'autoincrement'
  const hasKey = primaryKey.length > 0 && !Object.entries(columns).some(isCounted)
  const parts = [
    ...Object.entries(columns).map(([column, given]) =>
      columnSql(column, withoutNull(column, given, primaryKey, dialect), dialect),
    ),
    ...(hasKey ? [`PRIMARY KEY (${names(primaryKey)})`] : []),
    ...uniques.map((unique) => `${named(unique.name)}UNIQUE (${names(unique.columns)})`),
    ...checks.map((check) => `${named(check.name)}CHECK (${check.expression})`),
    ...foreignKeys.map((key) => foreignKeyOf(key, dialect)),
  ]
  const options = [...(strict === true ? ['STRICT'] : []), ...(withoutRowid === true ? ['WITHOUT ROWID'] : [])]
  const tail = dialect === 'sqlite' && options.length > 0 ? ` ${options.join(', ')}` : ''
  return `CREATE TABLE ${quoteTable(name, dialect)} (\n  ${parts.join(',\n  ')}\n)${tail}`
}

/** The constraint, as CREATE TABLE and ADD take it. */
export function foreignKeyOf(key: ForeignKeyDefinition, dialect: Dialect): string {
  const { name, columns, references, onDelete, onUpdate, deferrable } = key
  return [
    `${named(name)}FOREIGN KEY (${names(columns)}) REFERENCES ${quoteTable(references.table, dialect)} (${names(references.columns)})`,
    ...(isSaid(onDelete) ? [`ON DELETE ${onDelete.toUpperCase()}`] : []),
    ...(isSaid(onUpdate) ? [`ON UPDATE ${onUpdate.toUpperCase()}`] : []),
    ...(deferrable === undefined ? [] : [`DEFERRABLE INITIALLY ${deferrable.toUpperCase()}`]),
  ].join(' ')
}

/** SQLite takes NULL in a primary key unless it is told not to; in its INTEGER PRIMARY KEY, NULL asks for a number. */
function withoutNull(
  name: string,
  column: ColumnDefinition,
  primaryKey: readonly string[],
  dialect: Dialect,
): ColumnDefinition {
  if (dialect === 'postgres' || !primaryKey.includes(name)) return column
  const isRowid = primaryKey.length === 1 && columnType(column.type, dialect).toUpperCase() === 'INTEGER'
  return isRowid ? column : { ...column, nullable: false }
}

function isSaid(action: string | undefined): action is string {
  return action !== undefined && action !== 'no action'
}

function named(name: string | undefined): string {
  return name === undefined ? '' : `CONSTRAINT ${quoteName(name)} `
}

function names(columns: readonly string[]): string {
  return columns.map(quoteName).join(', ')
}
