import type { DatabaseTable, ForeignKey } from '@drover/core'
import { quoteName } from '../connection/quote-name.js'
import type { SqliteConnection } from '../connection/sqlite-connection.js'
import { collationOf, createTableSql } from '../sink/create-table.js'
import { writeTransaction } from '../writer/write-turn.js'

/**
 * Creates the tables that are missing. SQLite cannot add a foreign key later, and does not mind one to a table that is not there yet:
 * https://www.sqlite.org/foreignkeys.html#fk_schemacommands
 */
export async function createTables(
  connection: SqliteConnection,
  tables: readonly DatabaseTable[],
  foreignKeys: boolean,
): Promise<void> {
  const statements = tables.map((table) => {
    const where = `"${table.name}" of "${connection.name}"`
    const keys = foreignKeys ? table.foreignKeys.map(foreignKeySql) : []
    return createTableSql(table.name, table.schema, table.key, where, [...uniqueSql(table), ...keys])
  })
  await writeTransaction(connection, async () => {
    for (const sql of statements) await connection.exec(sql)
  })
}

function uniqueSql({ uniqueKeys, schema }: DatabaseTable): string[] {
  return uniqueKeys.map((columns) => {
    const parts = columns.map((name) => {
      const field = schema.fields.find((one) => one.name === name)
      return `${quoteName(name)} ${field === undefined ? '' : collationOf(field)}`.trim()
    })
    return `UNIQUE (${parts.join(', ')})`
  })
}

function foreignKeySql(key: ForeignKey): string {
  const { name, columns, references, referencedColumns, onDelete, onUpdate, isDeferred } = key
  const names = (list: readonly string[]): string => list.map(quoteName).join(', ')
  return [
    name === undefined ? '' : `CONSTRAINT ${quoteName(name)}`,
    `FOREIGN KEY (${names(columns)}) REFERENCES ${quoteName(references)} (${names(referencedColumns)})`,
    onDelete === undefined ? '' : `ON DELETE ${onDelete.toUpperCase()}`,
    onUpdate === undefined ? '' : `ON UPDATE ${onUpdate.toUpperCase()}`,
    isDeferred === true ? 'DEFERRABLE INITIALLY DEFERRED' : '',
  ]
    .filter((part) => part !== '')
    .join(' ')
}
