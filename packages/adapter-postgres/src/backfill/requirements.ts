import { DroverError, suggestNames } from '@drover/core'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import { readTable, tableNames } from '../schema/read-table.js'
import { findColumn } from '../schema/table.js'

/** Refuses a requirement that is not `table.column`. @throws `OPTION_INVALID` */
export function checkRequirements(where: string, requires: unknown): void {
  if (requires === undefined) return
  const isList = Array.isArray(requires) && requires.every((one) => typeof one === 'string' && /^.+\..+$/s.test(one))
  if (isList) return
  throw new DroverError('OPTION_INVALID', `${where}: requires is a list of columns such as ['messages.token_count'].`)
}

/** @throws `REQUIREMENT_MISSING` with the nearest names, for the first column that is not there. */
export async function requireColumns(
  connection: PostgresConnection,
  name: string,
  requires: readonly string[],
): Promise<void> {
  for (const required of requires) {
    const dot = required.lastIndexOf('.')
    const [tableName, column] = [required.slice(0, dot), required.slice(dot + 1)]
    const table = await readTable(connection, tableName)
    if (table !== null && findColumn(table.columns, column) !== undefined) continue
    const known = table?.columns.map((one) => one.name) ?? (await tableNames(connection))
    const said =
      table === null
        ? `there is no table "${tableName}"${suggestNames(tableName, known)}`
        : `"${table.name}" has no column "${column}"${suggestNames(column, known)}`
    throw new DroverError(
      'REQUIREMENT_MISSING',
      `${name} requires ${required} in ${connection.name}: ${said} Apply the migration that adds it first.`,
    )
  }
}
