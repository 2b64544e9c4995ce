import { allOf, compileFilter, DroverError, type Filter } from '@drover/core'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import { readQuery } from '../schema/read-query.js'
import { requireRights, requireTable } from '../schema/read-table.js'
import { requireColumn, shownTable, type Table } from '../schema/table.js'
import { type Filterable, filterFields, filterSql, pushDown } from './push-down.js'
import { type ReadColumn, type Relation, readColumn } from './relation.js'
import { readShape } from './result-shape.js'
import { allOfSql } from './sql.js'

/** Which records to read. */
export interface Selection {
  readonly table?: string
  readonly query?: string
  readonly key?: string | readonly string[]
  readonly columns?: readonly string[]
  readonly where?: Filter
  /** The key is known to be one, though PostgreSQL does not say so of a query. */
  readonly isKeyed?: boolean
}

/**
 * Finds the table, view or query with its columns and key.
 *
 * @throws `SOURCE_NOT_FOUND`, `NAME_UNKNOWN`, `KEY_INVALID`, `OPTION_INVALID`, `STORE_DENIED`
 */
export async function openRelation(connection: PostgresConnection, selection: Selection): Promise<Relation> {
  const { query, where } = selection
  const table =
    query === undefined ? await requireTable(connection, selection.table as string) : await readQuery(connection, query)
  await requireRights(connection, table, ['SELECT'])
  const shown = `${connection.name}, ${shownTable(table)}`
  const columns = table.columns.map(readColumn)
  const known = (name: string): ReadColumn => requireColumn(columns, name, shown) as ReadColumn
  const fields = selection.columns?.map(known) ?? columns
  const key = keyOf(table, selection.key, shown).map(known)
  const isUtf8 = await storesUtf8(connection)
  const all: Filterable = { columns, isUtf8 }
  for (const field of where === undefined ? [] : filterFields(where)) known(field)
  const { pushed, rest } = where === undefined ? { pushed: [], rest: [] } : pushDown(where, all)
  const looked = [...new Set(rest.flatMap(filterFields))]
  const reads = [...new Set([...fields, ...key, ...looked.map(known)])]
  const rule = allOf(rest)
  const found = {
    sql: table.sql,
    kind: table.kind,
    shown,
    reads,
    fields: fields.length,
    key: key.map((column) => reads.indexOf(column)),
    doubts: await doubtsOf(connection, table, key, selection.isKeyed === true),
    where: pushed.length === 0 ? null : allOfSql(pushed.map((filter) => filterSql(filter, all))),
    keep: rule === undefined ? null : { fields: looked, test: compileFilter(rule) },
    isWhole: selection.columns === undefined,
    estimatedRows: table.estimatedRows,
    isUtf8,
  }
  return { ...found, shape: await readShape(connection, found) }
}

async function storesUtf8(connection: PostgresConnection): Promise<boolean> {
  const { rows } = await connection.query<{ encoding: string }>(`SELECT current_setting('server_encoding') AS encoding`)
  return rows[0]?.encoding === 'UTF8'
}

function keyOf(table: Table, declared: string | readonly string[] | undefined, shown: string): readonly string[] {
  if (declared !== undefined) return typeof declared === 'string' ? [declared] : declared
  if (table.primaryKey.length > 0) return table.primaryKey
  const [unique] = table.uniqueKeys
  if (unique !== undefined) return unique
  throw new DroverError(
    'KEY_INVALID',
    `${shown} has no primary key, nor a unique index of columns that are NOT NULL: name the columns that identify a record in ` +
      "the option key, such as key: ['id'].",
  )
}

async function doubtsOf(
  connection: PostgresConnection,
  table: Table,
  key: readonly ReadColumn[],
  isKeyed: boolean,
): Promise<Relation['doubts']> {
  const names = key.map(({ name }) => name)
  const isAmong = (columns: readonly (string | null)[]): boolean =>
    columns.every((column) => column !== null && names.includes(column))
  const indexes = table.uniqueIndexes.filter(({ isPartial }) => !isPartial)
  const isUnique = isKeyed || (indexes.some(({ columns }) => isAmong(columns)) && !(await hasHeirs(connection, table)))
  if (!isUnique) return 'nulls and duplicates'
  return key.some(({ isNullable }) => isNullable) ? 'nulls' : 'none'
}

/** The index of a table says nothing of the rows of tables that inherit from it: PostgreSQL's manual, "Inheritance", "Caveats". */
async function hasHeirs(connection: PostgresConnection, { kind, oid }: Table): Promise<boolean> {
  if (kind !== 'table') return false
  const { rows } = await connection.query('SELECT FROM pg_catalog.pg_inherits WHERE inhparent = $1 LIMIT 1', [oid])
  return rows.length > 0
}
