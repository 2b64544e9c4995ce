import { allOf, DroverError, type Filter, suggestNames } from '@drover/core'
import { quoteName } from '../connection/quote-name.js'
import type { SqliteConnection } from '../connection/sqlite-connection.js'
import { sqliteCode } from '../errors/sqlite-error.js'
import { requireTable } from '../schema/read-table.js'
import { type Column, findColumn, type Table } from '../schema/table.js'
import { filterFields, filterSql, pushDown } from '../source/push-down.js'
import { readColumn, rowidColumn } from '../source/relation.js'
import { allOfSql } from '../source/sql.js'
import type { UpdatePlan } from './update-plan.js'

/** What a user says about an update, as far as it is the same for the sink and the backfill. */
export interface UpdateSelection {
  readonly table: string
  readonly key: readonly string[] | undefined
  readonly where: Filter | string | undefined
  readonly sets: readonly string[]
  readonly reads?: readonly string[]
  readonly expressions?: Readonly<Record<string, string>>
}

/**
 * Finds the columns that an update names.
 *
 * @throws `SOURCE_NOT_FOUND`, `NAME_UNKNOWN`, `KEY_INVALID`, `OPTION_INVALID`
 */
export async function resolvePlan(
  connection: SqliteConnection,
  { table: name, key, where, sets, reads = [], expressions }: UpdateSelection,
): Promise<UpdatePlan> {
  const table = await requireTable(connection, name)
  const place = `${connection.name}, table "${table.name}"`
  if (table.kind === 'view') throw new DroverError('OPTION_INVALID', `${place} is a view; name the table behind it.`)
  const keyed = keyOf(table, key, place)
  const columns = sets.map((set) => columnOf(table, set, place))
  for (const column of columns) {
    const reason = column.isGenerated ? 'computes itself' : keyed.includes(column) ? 'is part of the key' : null
    if (reason !== null)
      throw new DroverError('OPTION_INVALID', `${place}: "${column.name}" cannot be set, it ${reason}.`)
  }
  if (typeof where === 'string') await checkSql(connection, table, where, place)
  return {
    table: table.name,
    key: keyed,
    isByRowid: !keyed.every((column) => table.columns.includes(column)),
    sets: columns,
    isOverruling: table.hasConflictClauses,
    reads: reads.map((read) => columnOf(table, read, place)),
    ...(expressions === undefined ? {} : { expressions }),
    ...predicateOf(table, where, place),
  }
}

/** Only a key that one row can have: an update of several rows could not be counted as one. */
function keyOf(table: Table, wanted: readonly string[] | undefined, place: string): readonly Column[] {
  const names = wanted ?? table.primaryKey
  if (names.length === 0 && table.rowid !== null) return [rowidColumn(table.rowid)]
  const key = names.map((name) => columnOf(table, name, place))
  const isKey = (other: readonly string[]): boolean =>
    other.length > 0 && other.every((name) => key.some((column) => column.name === name))
  if ([table.primaryKey, ...table.uniqueKeys].some(isKey)) return key
  const said = key.map(({ name }) => name).join(', ')
  throw new DroverError(
    'KEY_INVALID',
    `${place}: ${said === '' ? 'it has no key' : `no primary key, and no unique index over columns that cannot be null, is within (${said})`}; name the columns that identify a row in the option key.`,
  )
}

/** Lets SQLite compile what the user wrote, before anything is written. */
async function checkSql(connection: SqliteConnection, table: Table, where: string, place: string): Promise<void> {
  try {
    await connection.all(`SELECT 1 AS one FROM main.${quoteName(table.name)} WHERE (${where}) LIMIT 0`)
  } catch (error) {
    const { cause } = error as Error
    if (sqliteCode(cause) !== 'SQLITE_ERROR') throw error
    const said = (cause as Error).message.replace(/^SQLITE_ERROR: /, '')
    const code = /no such (?:table|column)/.test(said) ? 'SOURCE_NOT_FOUND' : 'OPTION_INVALID'
    throw new DroverError(code, `${place}: the SQL of where cannot be run: ${said}.`, { cause })
  }
}

function predicateOf(
  table: Table,
  where: Filter | string | undefined,
  place: string,
): Pick<UpdatePlan, 'predicate' | 'seen'> {
  if (where === undefined) return { predicate: allOfSql([]), seen: [] }
  if (typeof where === 'string') return { predicate: { sql: where, values: [] }, seen: [] }
  const columns = table.columns.map((column) => readColumn(column, table.rowidAlias))
  for (const field of filterFields(where)) columnOf(table, field, place)
  const { pushed, rest } = pushDown(where, columns)
  const others = allOf(rest)
  return {
    predicate: allOfSql(pushed.map((part) => filterSql(part, columns))),
    // What SQL would decide otherwise than the engine is not asked again: the values it was decided by must still be there.
    seen: others === undefined ? [] : filterFields(others).map((field) => columnOf(table, field, place)),
  }
}

function columnOf(table: Table, name: string, place: string): Column {
  const column = findColumn(table.columns, name)
  if (column !== undefined) return column
  const known = table.columns.map((one) => one.name)
  throw new DroverError('NAME_UNKNOWN', `${place} has no column "${name}"${suggestNames(name, known)}`)
}
