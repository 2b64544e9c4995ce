import { indexSql } from '../changes/index-sql.js'
import { foreignKeyOf, tableSql } from '../changes/table-sql.js'
import type { Dialect } from '../contracts/migration.js'
import type { ColumnDefinition, ForeignKeyDefinition, TableDefinition } from '../contracts/schema-changes.js'
import { quoteTable, quoteText } from '../sql/quote.js'
import { type ColumnModel, type SchemaModels, type TableModel, viewModel } from './define-models.js'

/** The statements that make the declared schema in an empty place, each with what it is for. */
export function modelSql(models: SchemaModels, dialect: Dialect): { readonly what: string; readonly sql: string }[] {
  const isPostgres = dialect === 'postgres'
  const tables = Object.entries(models.tables).map(([name, model]) => ({
    name,
    model,
    definition: tableDefinition(model, models, dialect),
  }))
  return [
    ...(isPostgres
      ? Object.entries(models.enums ?? {}).map(([name, values]) => ({
          what: `the enum ${name}`,
          sql: `CREATE TYPE ${quoteTable(name)} AS ENUM (${values.map((value) => quoteText(value, dialect)).join(', ')})`,
        }))
      : []),
    ...tables.map(({ name, definition }) => {
      const { foreignKeys, ...rest } = definition
      return { what: `the table ${name}`, sql: tableSql(name, isPostgres ? rest : definition, dialect) }
    }),
    ...tables.flatMap(({ name, model }) =>
      (model.indexes ?? []).map((index) => ({ what: `the index ${index.name}`, sql: indexSql(name, index, dialect) })),
    ),
    // PostgreSQL wants the tables that they speak of to be there.
    ...(isPostgres ? tables : []).flatMap(({ name, definition }) =>
      (definition.foreignKeys ?? []).map((key) => ({
        what: `the foreign key of ${name} (${key.columns.join(', ')})`,
        sql: `ALTER TABLE ${quoteTable(name)} ADD ${foreignKeyOf(key, dialect)}`,
      })),
    ),
    ...Object.entries(models.views ?? {}).map(([name, view]) => {
      const { sql, materialized = false } = viewModel(view)
      const kind = materialized && isPostgres ? 'MATERIALIZED VIEW' : 'VIEW'
      return { what: `the view ${name}`, sql: `CREATE ${kind} ${quoteTable(name, dialect)} AS ${sql}` }
    }),
  ]
}

/** The table with the constraints of its columns among its own, and enums as the database has them. */
export function tableDefinition(model: TableModel, models: SchemaModels, dialect: Dialect): TableDefinition {
  const { indexes, renamedFrom, uniques = [], checks = [], foreignKeys = [], ...rest } = model
  const columns = Object.entries(model.columns)
  const own = {
    uniques: columns.flatMap(([name, { unique = false }]) => (unique ? [{ columns: [name] }] : [])),
    checks: columns.flatMap(([, { check }]) => (check === undefined ? [] : [{ expression: check }])),
    foreignKeys: columns.flatMap(([name, { references }]): ForeignKeyDefinition[] => {
      if (references === undefined) return []
      const { table, column, ...actions } = references
      return [{ columns: [name], references: { table, columns: [column] }, ...actions }]
    }),
  }
  return {
    ...rest,
    columns: Object.fromEntries(columns.map(([name, column]) => [name, plainColumn(column, models, dialect)])),
    ...listed('uniques', [...own.uniques, ...uniques]),
    ...listed('checks', [...own.checks, ...checks]),
    ...listed('foreignKeys', [...own.foreignKeys, ...foreignKeys]),
  }
}

/** The column without what is a constraint of the table; in SQLite an enum comes with its values. */
function plainColumn(column: ColumnModel, models: SchemaModels, dialect: Dialect): ColumnDefinition {
  const { renamedFrom, unique, check, references, ...rest } = column
  const values = dialect === 'sqlite' ? models.enums?.[column.type] : undefined
  return values === undefined ? rest : { ...rest, values }
}

function listed<Name extends string, T>(name: Name, list: readonly T[]): { readonly [Key in Name]?: readonly T[] } {
  return (list.length === 0 ? {} : { [name]: list }) as { readonly [Key in Name]?: readonly T[] }
}
