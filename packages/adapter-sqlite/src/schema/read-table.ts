import { DroverError, suggestNames } from '@drover/core'
import type { SqliteConnection, SqliteValue } from '../connection/sqlite-connection.js'
import { affinityOf } from './affinity.js'
import { logicalType } from './logical-type.js'
import { type Column, sameName, type Table } from './table.js'

/**
 * Reads how a table or view of the main database is declared; null if there is none of that name.
 *
 * @param schema `temp` for a view of our own.
 */
export async function readTable(
  connection: SqliteConnection,
  name: string,
  schema: 'main' | 'temp' = 'main',
): Promise<Table | null> {
  const [found] = await connection.all(
    `SELECT name, type, wr, strict, (SELECT sql FROM main.sqlite_master AS m WHERE m.name = l.name AND l.schema = 'main') AS ddl
     FROM pragma_table_list AS l WHERE schema = ? AND name = ? COLLATE NOCASE`,
    [schema, name],
  )
  if (!found) return null
  const [real, kind, withoutRowid, strict, ddl] = found as [string, string, number, number, string | null]
  const isStrict = strict === 1
  const isWithoutRowid = withoutRowid === 1
  const declared = await readColumns(connection, real, schema)
  const primaryKey = declared
    .filter(({ place }) => place > 0)
    .sort((a, b) => a.place - b.place)
    .map((column) => column.name)
  const indexes = kind === 'table' ? await readUniqueIndexes(connection, real) : []
  // Only the alias of the rowid is a primary key that needs no index: INTEGER PRIMARY KEY DESC, for one, is no alias.
  const isAlias =
    kind === 'table' && primaryKey.length === 1 && !isWithoutRowid && !indexes.some((index) => index.origin === 'pk')
  const rowidAlias = isAlias ? (primaryKey[0] as string) : null
  const columns = declared.map((column): Column => {
    const affinity = affinityOf(column.declared, isStrict)
    const isNullable = !column.isNotNull && column.name !== rowidAlias && !(isWithoutRowid && column.place > 0)
    const type = logicalType(column.declared, affinity, isStrict)
    return {
      name: column.name,
      declared: withCollation(column, indexes),
      affinity,
      type,
      isNullable,
      isGenerated: column.isGenerated,
    }
  })
  const neverNull = (name: string | null): boolean =>
    columns.some((column) => column.name === name && !column.isNullable)
  return {
    name: real,
    kind: kind === 'view' || kind === 'virtual' ? kind : 'table',
    columns,
    primaryKey,
    rowidAlias,
    rowid: kind === 'view' || isWithoutRowid ? null : rowidName(columns),
    isWithoutRowid,
    isStrict,
    hasConflictClauses: kind === 'table' && ddl !== null && /\bCONFLICT\b/i.test(ddl),
    uniqueKeys: indexes
      .map((index) => index.columns)
      .filter((names): names is string[] => names.length > 0 && names.every(neverNull)),
  }
}

/**
 * The table or view of that name.
 *
 * @throws `SOURCE_NOT_FOUND` with the nearest names.
 */
export async function requireTable(connection: SqliteConnection, name: string): Promise<Table> {
  const table = await readTable(connection, name)
  if (table) return table
  throw new DroverError(
    'SOURCE_NOT_FOUND',
    `${connection.name}: there is no table or view "${name}"${suggestNames(name, await tableNames(connection))}`,
  )
}

/** All tables and views of the main database but SQLite's own. */
export async function tableNames(connection: SqliteConnection): Promise<string[]> {
  const rows = await connection.all(
    `SELECT name FROM pragma_table_list WHERE schema = 'main' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND type <> 'shadow' ORDER BY name`,
  )
  return rows.map(([name]) => String(name))
}

interface DeclaredColumn {
  readonly name: string
  readonly declared: string
  readonly isNotNull: boolean
  readonly place: number
  readonly isGenerated: boolean
}

async function readColumns(
  connection: SqliteConnection,
  table: string,
  schema: SqliteValue,
): Promise<readonly DeclaredColumn[]> {
  // hidden: 1 is a column that a virtual table keeps to itself, 2 and 3 are generated ones.
  const rows = await connection.all(
    'SELECT name, type, "notnull", pk, hidden FROM pragma_table_xinfo(?, ?) WHERE hidden <> 1 ORDER BY cid',
    [table, schema],
  )
  return (rows as [string, string | null, number, number, number][]).map(([name, type, notNull, place, hidden]) => ({
    name,
    declared: (type ?? '').replace(/\s*GENERATED ALWAYS$/i, ''),
    isNotNull: notNull === 1,
    place,
    isGenerated: hidden > 1,
  }))
}

interface UniqueIndex {
  readonly origin: string
  /** Null stands for an expression. */
  readonly columns: readonly (string | null)[]
  /** Parallel to `columns`. */
  readonly collations: readonly string[]
}

/** The index of the primary key decides, before others: it is what tells keys apart. */
function withCollation({ name, declared }: DeclaredColumn, indexes: readonly UniqueIndex[]): string {
  const byKeyFirst = [...indexes].sort((a, b) => Number(b.origin === 'pk') - Number(a.origin === 'pk'))
  for (const { columns, collations } of byKeyFirst) {
    const collation = collations[columns.indexOf(name)]
    if (collation !== undefined) return collation === 'BINARY' ? declared : `${declared} COLLATE ${collation}`.trim()
  }
  return declared
}

async function readUniqueIndexes(connection: SqliteConnection, table: string): Promise<readonly UniqueIndex[]> {
  const rows = await connection.all(
    `SELECT i.seq, i.origin, c.name, c.coll FROM pragma_index_list(?) AS i, pragma_index_xinfo(i.name) AS c
     WHERE i."unique" = 1 AND i.partial = 0 AND c.key = 1 ORDER BY i.seq, c.seqno`,
    [table],
  )
  const indexes = new Map<SqliteValue, { origin: string; columns: (string | null)[]; collations: string[] }>()
  for (const [place, origin, column, collation] of rows as [number, string, string | null, string][]) {
    const index = indexes.get(place) ?? { origin, columns: [], collations: [] }
    index.columns.push(column)
    index.collations.push(collation)
    indexes.set(place, index)
  }
  return [...indexes.values()]
}

/** A column of that name hides the rowid, unless it is the rowid. */
function rowidName(columns: readonly Column[]): string | null {
  const names = ['rowid', '_rowid_', 'oid']
  return names.find((name) => !columns.some((column) => sameName(column.name, name))) ?? null
}
