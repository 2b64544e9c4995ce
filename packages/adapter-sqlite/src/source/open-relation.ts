import { randomUUID } from 'node:crypto'
import { allOf, compileFilter, DroverError, type Filter, suggestNames } from '@drover/core'
import { quoteName } from '../connection/quote-name.js'
import type { SqliteConnection } from '../connection/sqlite-connection.js'
import { sqliteCode } from '../errors/sqlite-error.js'
import { readTable, requireTable } from '../schema/read-table.js'
import { findColumn, sameName, type Table } from '../schema/table.js'
import { filterFields, filterSql, pushDown } from './push-down.js'
import { type ReadColumn, type Relation, readColumn, rowidColumn } from './relation.js'
import { allOfSql } from './sql.js'

/** Which records to read. */
export interface Selection {
  readonly table?: string
  readonly view?: string
  readonly query?: string
  readonly key?: string | readonly string[]
  readonly columns?: readonly string[]
  readonly where?: Filter
  /** The key is known to be one, though SQLite does not say so of a query. */
  readonly isKeyed?: boolean
}

/**
 * Finds the table, view or query with its columns and key.
 *
 * @throws `SOURCE_NOT_FOUND`, `NAME_UNKNOWN`, `KEY_INVALID`, `OPTION_INVALID`
 */
export async function openRelation(connection: SqliteConnection, selection: Selection): Promise<Relation> {
  const { query, where } = selection
  const table = query === undefined ? await findTable(connection, selection) : await viewOf(connection, query)
  const shown = query === undefined ? `${table.kind === 'view' ? 'view' : 'table'} "${table.name}"` : 'the query'
  const place = `${connection.name}, ${shown}`
  const all = table.columns.map((column) => readColumn(column, table.rowidAlias))
  const fields = selection.columns?.map((name) => known(all, name, place)) ?? all
  const key = keyOf(table, all, selection.key, place)
  const { pushed, rest } = where === undefined ? { pushed: [], rest: [] } : pushDown(where, all)
  for (const field of where === undefined ? [] : filterFields(where)) {
    if (!all.some(({ name }) => name === field)) throw unknown(all, field, place)
  }
  const needed = rest.flatMap(filterFields).flatMap((field) => all.filter(({ name }) => name === field))
  const reads = [...fields]
  for (const column of [...key, ...needed]) if (!reads.includes(column)) reads.push(column)
  const rule = allOf(rest)
  return {
    sql: query === undefined ? quoteName(table.name) : `temp.${quoteName(table.name)}`,
    shown: place,
    reads,
    fields: fields.length,
    key: key.map((column) => reads.indexOf(column)),
    doubts: doubtsOf(table, key, selection.isKeyed === true),
    where: pushed.length === 0 ? null : allOfSql(pushed.map((filter) => filterSql(filter, all))),
    keep: rule === undefined ? null : compileFilter(rule),
    isTable: table.kind === 'table',
    isStored: query === undefined && connection.path !== null,
  }
}

/** Drops what was made for a query. */
export async function closeRelation(connection: SqliteConnection, relation: Relation): Promise<void> {
  if (relation.sql.startsWith('temp.')) await changeTemporary(connection, `DROP VIEW ${relation.sql}`)
}

async function findTable(connection: SqliteConnection, { table, view }: Selection): Promise<Table> {
  const found = await requireTable(connection, (table ?? view) as string)
  if (view !== undefined && found.kind !== 'view') {
    throw new DroverError('OPTION_INVALID', `${connection.name}: "${view}" is a table; give it as table, not as view.`)
  }
  return found
}

/** A query is given a name, because SQLite then says which columns it has; nothing is written into the user's file. */
async function viewOf(connection: SqliteConnection, query: string): Promise<Table> {
  const name = `drover query ${randomUUID()}`
  try {
    await changeTemporary(connection, `CREATE TEMP VIEW ${quoteName(name)} AS ${query.trim().replace(/;+$/, '')}`)
    const table = await readTable(connection, name, 'temp')
    if (table) return table
  } catch (error) {
    const cause = (error as Error).cause
    if (sqliteCode(cause) !== 'SQLITE_ERROR') throw error
    const said = (cause as Error).message.replace(/^SQLITE_ERROR: /, '')
    const code = /no such (?:table|column)/.test(said) ? 'SOURCE_NOT_FOUND' : 'OPTION_INVALID'
    throw new DroverError(code, `${connection.name}: the query cannot be run: ${said}.`, { cause })
  }
  throw new DroverError('OPTION_INVALID', `${connection.name}: the query gives no columns.`)
}

async function changeTemporary(connection: SqliteConnection, sql: string): Promise<void> {
  // A database in memory is shared with those who write to it.
  const [isReadonly] = (await connection.get('SELECT query_only FROM pragma_query_only')) as [number]
  if (isReadonly === 1) await connection.exec('PRAGMA query_only = OFF')
  try {
    // One statement only: whatever stands behind a semicolon is not run.
    await connection.run(sql)
  } finally {
    if (isReadonly === 1) await connection.exec('PRAGMA query_only = ON')
  }
}

function keyOf(
  table: Table,
  all: readonly ReadColumn[],
  declared: string | readonly string[] | undefined,
  place: string,
): readonly ReadColumn[] {
  if (declared !== undefined) {
    const names = typeof declared === 'string' ? [declared] : declared
    return names.map((name) => {
      const column = findColumn(all, name)
      if (column) return column as ReadColumn
      if (table.rowid !== null && ['rowid', '_rowid_', 'oid'].some((other) => sameName(other, name))) {
        return rowidColumn(table.rowid)
      }
      throw unknown(all, name, place)
    })
  }
  if (table.primaryKey.length > 0) return table.primaryKey.map((name) => findColumn(all, name) as ReadColumn)
  if (table.rowid !== null) return [rowidColumn(table.rowid)]
  throw new DroverError(
    'KEY_INVALID',
    `${place} has no key of its own: name the columns that identify a record in the option key, such as key: ['id'].`,
  )
}

function doubtsOf(table: Table, key: readonly ReadColumn[], isKeyed: boolean): Relation['doubts'] {
  const names = key.map(({ name }) => name)
  const sameSet = (other: readonly string[]): boolean => other.length > 0 && other.every((name) => names.includes(name))
  const isRowid = key.length === 1 && key[0]?.sql === table.rowid
  if (isKeyed || isRowid || [table.primaryKey, ...table.uniqueKeys].some(sameSet)) {
    return key.some(({ isNullable }) => isNullable) ? 'nulls' : 'none'
  }
  return 'nulls and duplicates'
}

function known(all: readonly ReadColumn[], name: string, place: string): ReadColumn {
  const column = findColumn(all, name)
  if (!column) throw unknown(all, name, place)
  return column as ReadColumn
}

function unknown(all: readonly ReadColumn[], name: string, place: string): DroverError {
  const names = all.map((column) => column.name)
  return new DroverError('NAME_UNKNOWN', `${place} has no column "${name}"${suggestNames(name, names)}`)
}
