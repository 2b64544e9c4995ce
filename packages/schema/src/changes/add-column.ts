import type { ColumnDefinition } from '../contracts/schema-changes.js'
import type { Steps } from '../contracts/steps.js'
import { quoteTable } from '../sql/quote.js'
import { columnSql } from './column-sql.js'
import { rebuildTable } from './helpers/rebuild-table.js'
import { addColumnByRebuild } from './sqlite-limits.js'

/** Adds a column; SQLite makes the table anew for what its ADD COLUMN refuses. */
export async function addColumn(
  steps: Steps,
  table: string,
  name: string,
  definition: ColumnDefinition,
  by = `addColumn ${table}.${name}`,
): Promise<void> {
  const { dialect } = steps
  if (dialect === 'sqlite' && addColumnByRebuild(definition)) {
    return rebuildTable(steps, table, { columns: { [name]: definition } })
  }
  const sql = `ALTER TABLE ${quoteTable(table, dialect)} ADD COLUMN ${columnSql(name, definition, dialect)}`
  await steps.run(sql, { by })
}
