import type { PostgresConnection } from '@drover/adapter-postgres'
import type { Read } from '../catalog/read-catalog.js'
import type { Catalog, CatalogTable } from '../contracts/catalog.js'
import { quoteName, quoteTable } from '../sql/quote.js'
import type { SequenceValue, TableContents } from './backup-manifest.js'
import { RowSum } from './contents.js'
import { copyOut } from './copy-stream.js'

/** As pg_dump writes values, whatever the role or the application has set. With no schema on the path, each name has its own. */
export const rowsAsText = {
  search_path: '',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  extra_float_digits: '3',
  row_security: 'off',
}

/** What all tables hold, as the transaction sees them. */
export async function postgresContents(postgres: PostgresConnection, { tables }: Catalog): Promise<TableContents[]> {
  const contents: TableContents[] = []
  for (const table of tables) contents.push(await copyRows(postgres, table, () => {}))
  return contents
}

/** Reads the rows of a table as COPY writes them. */
export async function copyRows(
  postgres: PostgresConnection,
  table: CatalogTable,
  take: (rows: readonly Uint8Array[]) => Promise<void> | void,
): Promise<TableContents> {
  const sum = new RowSum()
  await copyOut(postgres, `COPY (SELECT ${columnsOf(table)} FROM ${quoteTable(table.name)}) TO STDOUT`, (rows) => {
    for (const row of rows) sum.add(row.subarray(0, -1))
    return take(rows)
  })
  return sum.contents(table.name)
}

/** Those that are stored by themselves. */
export function columnsOf({ columns }: CatalogTable): string {
  return columns.flatMap(({ name, generated }) => (generated === undefined ? [quoteName(name)] : [])).join(', ')
}

export async function readSequences(read: Read, { sequences }: Catalog): Promise<SequenceValue[]> {
  const values: SequenceValue[] = []
  for (const { name } of sequences) {
    const [row] = await read(`SELECT last_value::text AS value, is_called AS "isCalled" FROM ${quoteTable(name)}`)
    values.push({ name, value: String(row?.value), isCalled: row?.isCalled === true })
  }
  return values
}
