import type { Dialect } from '../contracts/migration.js'
import type { ColumnDefinition, IndexDefinition, TableDefinition } from '../contracts/schema-changes.js'
import { type SchemaModels, type TableModel, viewModel } from '../models/define-models.js'
import { tableDefinition } from '../models/model-sql.js'
import { keyOf } from './comparison.js'

/** The wanted schema in the words of its author, where there is one. Of another database there are none. */
export class Declared {
  constructor(
    private readonly models: SchemaModels | undefined,
    private readonly dialect: Dialect,
  ) {}

  table(name: string): TableDefinition | undefined {
    const model = this.#model(name)
    return model === undefined || this.models === undefined
      ? undefined
      : tableDefinition(model, this.models, this.dialect)
  }

  /** Without what is a constraint of the table. */
  column(table: string, name: string): ColumnDefinition | undefined {
    return entry(this.table(table)?.columns, name, this.dialect)
  }

  /** With the constraints that are written at the column. */
  wholeColumn(table: string, name: string): ColumnDefinition | undefined {
    const column = entry(this.#model(table)?.columns, name, this.dialect)
    if (column === undefined) return undefined
    const { renamedFrom, ...rest } = column
    const values = this.dialect === 'sqlite' ? this.models?.enums?.[column.type] : undefined
    return values === undefined ? rest : { ...rest, values }
  }

  index(table: string, name: string): IndexDefinition | undefined {
    return this.#model(table)?.indexes?.find((index) => keyOf(index.name, this.dialect) === keyOf(name, this.dialect))
  }

  /** The SELECT of a view that is one in both databases. */
  view(name: string): string | undefined {
    const found = entry(this.models?.views, name, this.dialect)
    if (found === undefined) return undefined
    const { sql, materialized = false } = viewModel(found)
    return materialized && this.dialect === 'postgres' ? undefined : sql
  }

  /** What a table, or a column of it, was called before. */
  renamedFrom(table: string, column?: string): string | undefined {
    const model = this.#model(table)
    return column === undefined ? model?.renamedFrom : entry(model?.columns, column, this.dialect)?.renamedFrom
  }

  /** Whether its author chose the constraint's name. */
  isNamed(table: string, constraint: string): boolean {
    if (this.models === undefined) return true
    const { uniques = [], checks = [], foreignKeys = [] } = this.table(table) ?? {}
    return [...uniques, ...checks, ...foreignKeys].some(
      ({ name }) => name !== undefined && keyOf(name, this.dialect) === keyOf(constraint, this.dialect),
    )
  }

  #model(name: string): TableModel | undefined {
    return entry(this.models?.tables, name, this.dialect)
  }
}

function entry<T>(of: Readonly<Record<string, T>> | undefined, name: string, dialect: Dialect): T | undefined {
  return Object.entries(of ?? {}).find(([key]) => keyOf(key, dialect) === keyOf(name, dialect))?.[1]
}
