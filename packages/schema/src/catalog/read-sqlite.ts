import type { Row } from '@drover/core'
import type {
  Catalog,
  CatalogAction,
  CatalogColumn,
  CatalogForeignKey,
  CatalogIndex,
  CatalogTable,
  CatalogTrigger,
  CatalogView,
} from '../contracts/catalog.js'
import { tokensOf } from '../sql/tokens.js'
import { type SqliteTableSql, sqliteTableSql } from './sqlite-table-sql.js'

/** A reading statement on the connection whose schema is asked for. */
export type Read = (sql: string, values?: readonly unknown[]) => Promise<readonly Row[]>

interface Entry {
  readonly type: string
  readonly name: string
  readonly table: string
  readonly sql: string | null
}

/** Reads the schema `main`; SQLite's own tables, and those of virtual tables, are left out or named under `others`. */
export async function readSqliteCatalog(read: Read): Promise<Catalog> {
  const entries = (await read(
    `SELECT type, name, tbl_name AS "table", sql FROM main.sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid`,
  )) as readonly object[] as readonly Entry[]
  const kinds = new Map(
    (await read(`SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = 'main'`)).map((row) => [
      String(row.name),
      row,
    ]),
  )
  const of = (type: string): Entry[] => entries.filter((entry) => entry.type === type)
  const tables: CatalogTable[] = []
  const others: { kind: string; name: string; sql?: string }[] = []
  for (const entry of of('table')) {
    const kind = String(kinds.get(entry.name)?.type ?? 'table')
    if (kind === 'table') tables.push(await readTable(read, entry, kinds.get(entry.name)))
    // A shadow table is made by its virtual table.
    else if (kind === 'virtual') others.push({ kind: 'virtual table', name: entry.name, sql: entry.sql ?? '' })
  }
  const names = [...tables.map(({ name }) => name), ...of('view').map(({ name }) => name)]
  return {
    dialect: 'sqlite',
    tables,
    views: of('view').map(
      ({ name, sql }): CatalogView => ({
        name,
        sql: sql ?? '',
        isMaterialized: false,
        reads: namesIn(sql ?? '', names).filter((each) => each !== name),
      }),
    ),
    triggers: of('trigger').map(({ name, table, sql }): CatalogTrigger => ({ name, table, sql: sql ?? '' })),
    enums: [],
    sequences: [],
    others,
  }
}

/** Which of the names SQL speaks of. SQLite keeps no account of what a view reads. */
export function namesIn(sql: string, names: readonly string[]): string[] {
  const words = new Set(
    tokensOf(sql, 'sqlite').flatMap(({ kind, value }) =>
      kind === 'word' || kind === 'name' ? [value.toLowerCase()] : [],
    ),
  )
  return names.filter((name) => words.has(name.toLowerCase()))
}

async function readTable(read: Read, { name, sql }: Entry, kind: Row | undefined): Promise<CatalogTable> {
  const written = sqliteTableSql(sql ?? '')
  const columns = await read(
    'SELECT name, type, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo(?) WHERE hidden <> 1',
    [name],
  )
  const primaryKey = columns
    .filter(({ pk }) => Number(pk) > 0)
    .sort((a, b) => Number(a.pk) - Number(b.pk))
    .map((column) => String(column.name))
  return {
    name,
    columns: columns.map((row) => column(row, written, primaryKey)),
    primaryKey,
    ...(written.primaryKeyName === undefined ? {} : { primaryKeyName: written.primaryKeyName }),
    uniques: written.uniques,
    checks: written.checks.map((check) => ({ ...check, isValid: true })),
    foreignKeys: await readForeignKeys(read, name, written),
    indexes: await readIndexes(read, name),
    sql: sql ?? '',
    ...(Number(kind?.strict) === 1 ? { isStrict: true } : {}),
    ...(Number(kind?.wr) === 1 ? { isWithoutRowid: true } : {}),
  }
}

function column(row: Row, written: SqliteTableSql, primaryKey: readonly string[]): CatalogColumn {
  const name = String(row.name)
  const { collation, generated } = written.columns.get(name.toLowerCase()) ?? {}
  const isAutoincrement = written.hasAutoincrement && primaryKey.length === 1 && primaryKey[0] === name
  const hidden = Number(row.hidden)
  return {
    name,
    type: String(row.type ?? ''),
    isNullable: Number(row.notnull) === 0,
    ...(row.dflt_value === null || row.dflt_value === undefined ? {} : { default: String(row.dflt_value) }),
    ...(isAutoincrement ? { identity: 'autoincrement' as const } : {}),
    ...(hidden === 2 || hidden === 3 ? { generated: { expression: generated ?? '', isStored: hidden === 3 } } : {}),
    ...(collation === undefined ? {} : { collation }),
  }
}

async function readForeignKeys(read: Read, table: string, written: SqliteTableSql): Promise<CatalogForeignKey[]> {
  const rows = await read(
    'SELECT id, seq, "table", "from", "to", on_update, on_delete FROM pragma_foreign_key_list(?) ORDER BY id, seq',
    [table],
  )
  const byId = new Map<number, Row[]>()
  for (const row of rows) byId.set(Number(row.id), [...(byId.get(Number(row.id)) ?? []), row])
  // The pragma counts from the last one that is written.
  const ids = [...byId.keys()].sort((a, b) => b - a)
  const keys: CatalogForeignKey[] = []
  for (const [place, id] of ids.entries()) {
    const parts = byId.get(id) ?? []
    const parent = String(parts[0]?.table)
    const said = written.foreignKeys[place]
    const references = parts.every(({ to }) => to === null)
      ? await keyOf(read, parent)
      : parts.map(({ to }) => String(to))
    keys.push({
      ...(said?.name === undefined ? {} : { name: said.name }),
      columns: parts.map(({ from }) => String(from)),
      table: parent,
      references,
      onDelete: action(parts[0]?.on_delete),
      onUpdate: action(parts[0]?.on_update),
      ...(said?.deferrable === undefined ? {} : { deferrable: said.deferrable }),
      isValid: true,
    })
  }
  return keys
}

/** A key that names no columns means the other table's primary key. */
async function keyOf(read: Read, table: string): Promise<string[]> {
  const rows = await read('SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk', [table])
  return rows.map(({ name }) => String(name))
}

function action(value: unknown): CatalogAction {
  return String(value ?? 'no action').toLowerCase() as CatalogAction
}

async function readIndexes(read: Read, table: string): Promise<CatalogIndex[]> {
  const rows = await read(
    `SELECT list.name, list."unique", made.sql FROM pragma_index_list(?) AS list JOIN main.sqlite_schema AS made ON made.type = 'index' AND made.name = list.name
WHERE list.origin = 'c' ORDER BY made.rowid`,
    [table],
  )
  return rows.map((row) => sqliteIndex(String(row.name), String(row.sql), Number(row.unique) === 1))
}

/** Keys and predicate as they are written: of expressions SQLite keeps only the statement. */
export function sqliteIndex(name: string, sql: string, isUnique: boolean): CatalogIndex {
  const tokens = tokensOf(sql, 'sqlite')
  const keys: string[] = []
  let depth = 0
  let from = 0
  let end = 0
  for (const [at, token] of tokens.entries()) {
    if (token.kind !== 'symbol') continue
    if (token.value === '(' && depth++ === 0) from = token.end
    const isLast = token.value === ')' && --depth === 0
    if ((token.value === ',' && depth === 1) || isLast) {
      keys.push(plainKey(sql.slice(from, token.start).trim()))
      from = token.end
    }
    if (isLast) {
      end = at
      break
    }
  }
  const where = tokens[end + 1]?.value === 'where' ? sql.slice(tokens[end + 1]?.end).trim() : undefined
  return { name, keys, isUnique, method: 'btree', ...(where === undefined ? {} : { where }), isValid: true, sql }
}

/** A column without its quotes; an expression, or a column with more behind it, as it stands. */
function plainKey(key: string): string {
  const tokens = tokensOf(key, 'sqlite')
  const [only] = tokens
  return tokens.length === 1 && (only?.kind === 'name' || only?.kind === 'word')
    ? only.kind === 'word'
      ? key
      : only.value
    : key
}
