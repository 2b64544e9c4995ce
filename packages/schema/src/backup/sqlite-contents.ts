import { setImmediate as breathe } from 'node:timers/promises'
import type { Row } from '@drover/core'
import type { Read } from '../catalog/read-catalog.js'
import type { Catalog, CatalogTable } from '../contracts/catalog.js'
import { quoteName } from '../sql/quote.js'
import type { TableContents } from './backup-manifest.js'
import { RowSum } from './contents.js'

/** Bytes of rows that are in memory at once, about. */
const pageBytes = 4 * 1024 * 1024
const mostRows = 5000

/** What all tables of a SQLite database hold. */
export async function sqliteContents(read: Read, { tables }: Catalog): Promise<TableContents[]> {
  const contents: TableContents[] = []
  for (const table of tables) contents.push(await tableContents(read, table))
  return contents
}

async function tableContents(read: Read, table: CatalogTable): Promise<TableContents> {
  const { key, columns, query } = pages(table)
  const sum = new RowSum()
  let after: unknown[] = []
  let limit = 100
  for (;;) {
    const rows = await read(query(after.length > 0), [...after, limit])
    let bytes = 0
    for (const row of rows) {
      const line = encoded(row, columns)
      bytes += line.length
      sum.add(line)
    }
    const last = rows.at(-1)
    if (last === undefined || rows.length < limit) return sum.contents(table.name)
    after = key.map((_, at) => last[`k${at}`])
    limit = Math.max(1, Math.min(mostRows, Math.floor((pageBytes / Math.max(1, bytes)) * rows.length)))
    await breathe()
  }
}

function pages({ name, columns, primaryKey, isWithoutRowid }: CatalogTable): {
  readonly key: readonly string[]
  readonly columns: number
  readonly query: (isFollowing: boolean) => string
} {
  const names = new Set(columns.map((column) => column.name.toLowerCase()))
  const rowid = ['rowid', '_rowid_', 'oid'].find((each) => !names.has(each))
  // Without a name for the rowid left, the primary key has to do.
  const key = isWithoutRowid === true || rowid === undefined ? primaryKey.map(quoteName) : [rowid]
  const stored = columns.filter(({ generated }) => generated === undefined).map((column) => quoteName(column.name))
  const selected = [
    ...key.map((each, at) => `${each} AS k${at}`),
    // An INTEGER and a REAL of the same value, a text and its bytes are different things.
    `${stored.map((column) => `substr(typeof(${column}), 1, 1)`).join(' || ')} AS types`,
    ...stored.map(
      (column, at) => `CASE typeof(${column}) WHEN 'text' THEN CAST(${column} AS BLOB) ELSE ${column} END AS c${at}`,
    ),
  ]
  const marks = key.map(() => '?').join(', ')
  return {
    key,
    columns: stored.length,
    query: (isFollowing) =>
      `SELECT ${selected.join(', ')} FROM main.${quoteName(name)}${
        isFollowing ? ` WHERE (${key.join(', ')}) > (${marks})` : ''
      } ORDER BY ${key.join(', ')} LIMIT ?`,
  }
}

/** The values of a row one behind the other, each with its length. The words of SQL for them differ between releases of SQLite; these do not. */
function encoded(row: Row, columns: number): Buffer {
  const types = String(row.types)
  const parts: Uint8Array[] = [Buffer.from(types)]
  for (let at = 0; at < columns; at++) {
    const bytes = bytesOf(row[`c${at}`], types[at])
    const length = Buffer.alloc(4)
    length.writeUInt32LE(bytes.length)
    parts.push(length, bytes)
  }
  return Buffer.concat(parts)
}

function bytesOf(value: unknown, type: string | undefined): Uint8Array {
  if (value instanceof Uint8Array) return value
  if (value === null || value === undefined) return new Uint8Array()
  if (type !== 'r') return Buffer.from(String(value))
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(Number(value))
  return bytes
}
