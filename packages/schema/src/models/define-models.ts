import { checkOptionNames, DroverError } from '@drover/core'
import { tableOptions } from '../changes/table-sql.js'
import type { ColumnDefinition, IndexDefinition, TableDefinition } from '../contracts/schema-changes.js'

/** A column, and what it was called before. */
export interface ColumnModel extends ColumnDefinition {
  /** So that nobody has to be asked whether it was renamed. It does no harm when that is done. */
  readonly renamedFrom?: string
}

/** A table as it should be. */
export interface TableModel extends TableDefinition {
  readonly columns: Readonly<Record<string, ColumnModel>>
  readonly indexes?: readonly IndexDefinition[]
  readonly renamedFrom?: string
}

/** The SELECT of a view. */
export type ViewModel = string | { readonly sql: string; readonly materialized?: boolean }

/** A schema as it should be. */
export interface SchemaModels {
  readonly tables: Readonly<Record<string, TableModel>>
  /** Values by name; a column has the name for its type. In SQLite that is a text with a CHECK of that name. @default nobody asks for enums */
  readonly enums?: Readonly<Record<string, readonly string[]>>
  /** In an order in which they can be made. @default nobody asks for views */
  readonly views?: Readonly<Record<string, ViewModel>>
}

const columnOptions = [
  'type',
  'nullable',
  'default',
  'references',
  'check',
  'values',
  'unique',
  'collation',
  'identity',
  'generated',
  'renamedFrom',
] as const satisfies readonly (keyof ColumnModel)[]
const indexOptions = [
  'name',
  'columns',
  'unique',
  'where',
  'using',
  'include',
] as const satisfies readonly (keyof IndexDefinition)[]

/**
 * Declares the schema that an application works with, for PostgreSQL and SQLite: what `draft` compares a database with, and `checkDrift` checks.
 *
 * @throws `OPTION_INVALID`, `NAME_UNKNOWN`: a key, constraint or index names a column that the table does not have
 *
 * @example
 * export const models = defineModels({
 *   tables: {
 *     calls: {
 *       columns: {
 *         id: { type: 'bigint', nullable: false, identity: 'by-default' },
 *         status: { type: 'call_status', nullable: false, default: 'open' },
 *         priority: { type: 'integer', nullable: false, default: 0 },
 *       },
 *       primaryKey: ['id'],
 *       indexes: [{ name: 'calls_priority', columns: ['priority'], where: "status = 'open'" }],
 *     },
 *   },
 *   enums: { call_status: ['open', 'done'] },
 * })
 */
export function defineModels(models: SchemaModels): SchemaModels {
  const where = 'defineModels'
  checkOptionNames(where, models, ['tables', 'enums', 'views'])
  if (typeof models.tables !== 'object' || models.tables === null) {
    throw new DroverError('OPTION_INVALID', `${where}: tables is an object, a table by each name.`)
  }
  for (const [name, table] of Object.entries(models.tables)) checkTable(`${where}, table ${name}`, table)
  for (const [name, values] of Object.entries(models.enums ?? {})) {
    if (!Array.isArray(values) || values.length === 0 || values.some((value) => typeof value !== 'string'))
      throw new DroverError('OPTION_INVALID', `${where}, enum ${name}: give its values, a list of texts.`)
  }
  for (const [name, view] of Object.entries(models.views ?? {})) {
    const { sql } = viewModel(view)
    if (typeof sql !== 'string' || !/^\s*(?:select|with|values|\()/i.test(sql))
      throw new DroverError('OPTION_INVALID', `${where}, view ${name}: give its SELECT.`)
  }
  return Object.freeze({ ...models })
}

export function viewModel(view: ViewModel): { readonly sql: string; readonly materialized?: boolean } {
  return typeof view === 'string' ? { sql: view } : view
}

function checkTable(where: string, table: TableModel): void {
  checkOptionNames(where, table, [...tableOptions, 'indexes', 'renamedFrom'])
  const columns = Object.entries(table.columns ?? {})
  if (columns.length === 0) throw new DroverError('OPTION_INVALID', `${where}: give its columns.`)
  for (const [name, column] of columns) {
    checkOptionNames(`${where}, column ${name}`, column, columnOptions)
    if (typeof column.type !== 'string')
      throw new DroverError('OPTION_INVALID', `${where}, column ${name}: give its type, such as 'text'.`)
  }
  const { primaryKey = [], uniques = [], foreignKeys = [], indexes = [] } = table
  const named: [string, readonly string[]][] = [
    ['the primary key', primaryKey],
    ...uniques.map((unique): [string, readonly string[]] => ['a unique constraint', unique.columns]),
    ...foreignKeys.map((key): [string, readonly string[]] => ['a foreign key', key.columns]),
    ...indexes.map((index): [string, readonly string[]] => [
      `the index ${index.name}`,
      [...index.columns.flatMap((column) => (typeof column === 'string' ? [column] : [])), ...(index.include ?? [])],
    ]),
  ]
  for (const [what, names] of named) {
    const unknown = names.filter((name) => !Object.hasOwn(table.columns, name))
    if (unknown.length > 0)
      throw new DroverError('NAME_UNKNOWN', `${where}: ${what} names ${unknown.join(', ')}, which is no column of it.`)
  }
  for (const index of indexes) checkOptionNames(`${where}, index ${index.name}`, index, indexOptions)
}
