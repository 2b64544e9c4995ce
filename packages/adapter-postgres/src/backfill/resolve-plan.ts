import { allOf, DroverError, type Filter } from '@drover/core'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import { sqlState } from '../errors/postgres-error.js'
import { requireRights, requireTable } from '../schema/read-table.js'
import { type Column, requireColumn, shownTable, type Table, type TableRight } from '../schema/table.js'
import { filterFields, filterSql, pushDown } from '../source/push-down.js'
import { readColumn } from '../source/relation.js'
import { allOfSql } from '../source/sql.js'
import { type BindingOptions, boundTo } from './bound-column.js'
import { columnSql, type UpdatePlan } from './update-plan.js'

/** What a user says about an update, as far as it is the same for the sink and the backfill. */
export interface UpdateSelection extends BindingOptions {
  readonly table: string
  readonly key: readonly string[] | undefined
  readonly where: Filter | string | undefined
  readonly sets: readonly string[]
  readonly skipLocked: boolean
  readonly reads?: readonly string[]
  readonly expressions?: Readonly<Record<string, string>>
  /** Records come in the order of the key. @default false */
  readonly isOrdered?: boolean
  /** What the user must be allowed to do. @default SELECT and UPDATE */
  readonly rights?: readonly TableRight[]
}

/**
 * Finds the columns that an update names.
 *
 * @throws `SOURCE_NOT_FOUND`, `NAME_UNKNOWN`, `KEY_INVALID`, `OPTION_INVALID`, `STORE_DENIED`
 */
export async function resolvePlan(
  connection: PostgresConnection,
  {
    table: name,
    key,
    where,
    sets,
    reads = [],
    expressions,
    skipLocked,
    isOrdered = false,
    rights = ['SELECT', 'UPDATE'],
    ...binding
  }: UpdateSelection,
): Promise<UpdatePlan> {
  const table = await requireTable(connection, name)
  const place = `${connection.name}, ${shownTable(table)}`
  if (table.kind !== 'table' && table.kind !== 'partitioned table')
    throw new DroverError('OPTION_INVALID', `${place} is a ${table.kind}; name the table behind it.`)
  await requireRights(connection, table, rights)
  const keyed = keyOf(table, key, place)
  const columns = sets.map((set) => requireColumn(table.columns, set, place))
  for (const column of columns) {
    const reason = reasonNotToSet(column, keyed)
    if (reason !== null)
      throw new DroverError('OPTION_INVALID', `${place}: "${column.name}" cannot be set, it ${reason}.`)
  }
  for (const read of reads) requireColumn(table.columns, read, place)
  const { predicate, seen } = await predicateOf(connection, table, where, place)
  if (typeof where === 'string') await checkSql(connection, table, { where: predicate, selected: [], place })
  if (expressions !== undefined) {
    const selected = Object.values(expressions)
    await checkSql(connection, table, { where: 'true', selected, place })
  }
  const bound = await boundTo(connection, [...keyed, ...columns, ...seen], binding)
  const isReferred = table.uniqueIndexes.some((index) => columns.some(({ name: set }) => index.columns.includes(set)))
  // What other tables may refer to needs the stronger lock.
  const lock = isReferred ? 'FOR UPDATE' : 'FOR NO KEY UPDATE'
  return {
    table,
    where: `${shownTable(table)} of ${connection.name}`,
    key: bound.slice(0, keyed.length),
    sets: bound.slice(keyed.length, keyed.length + columns.length),
    seen: bound.slice(keyed.length + columns.length),
    ...(expressions === undefined ? {} : { expressions }),
    predicate,
    isOrdered,
    lock,
    skipLocked: skipLocked ? lock : null,
  }
}

function reasonNotToSet(column: Column, key: readonly Column[]): string | null {
  if (column.isGenerated || column.identity === 'always') return 'computes itself'
  return key.includes(column) ? 'is part of the key' : null
}

/** Only a key that one row can have: an update of several rows could not be counted as one. */
function keyOf(table: Table, wanted: readonly string[] | undefined, place: string): readonly Column[] {
  const names = wanted ?? (table.primaryKey.length > 0 ? table.primaryKey : (table.uniqueKeys[0] ?? []))
  const key = names.map((name) => requireColumn(table.columns, name, place))
  const isWithin = (unique: readonly string[]): boolean => unique.every((name) => names.includes(name))
  if (table.uniqueKeys.some(isWithin)) return key
  const said =
    names.length === 0
      ? 'it has no key'
      : `no primary key, and no unique index over columns that cannot be null, is within (${names.join(', ')})`
  throw new DroverError('KEY_INVALID', `${place}: ${said}; name the columns that identify a row in the option key.`)
}

interface WrittenSql {
  readonly where: string
  readonly selected: readonly string[]
  readonly place: string
}

/** Lets PostgreSQL plan what the user wrote, before anything is written. */
async function checkSql(
  connection: PostgresConnection,
  table: Table,
  { where, selected, place }: WrittenSql,
): Promise<void> {
  const list = selected.map((sql) => `(${sql})`).join(', ')
  const option = selected.length > 0 ? 'set' : 'where'
  try {
    await connection.query(`SELECT ${list} FROM ${table.sql} WHERE (${where}) LIMIT 0`)
  } catch (error) {
    const { cause } = error as Error
    const state = sqlState(cause)
    if (!state.startsWith('42') || state === '42501') throw error
    const code = ['42703', '42P01', '42883'].includes(state) ? 'SOURCE_NOT_FOUND' : 'OPTION_INVALID'
    const said = (cause as Error).message
    throw new DroverError(code, `${place}: the SQL of ${option} cannot be run: ${said}.`, { cause })
  }
}

async function predicateOf(
  connection: PostgresConnection,
  table: Table,
  where: Filter | string | undefined,
  place: string,
): Promise<{ readonly predicate: string; readonly seen: readonly Column[] }> {
  if (where === undefined) return { predicate: 'true', seen: [] }
  if (typeof where === 'string') return { predicate: where, seen: [] }
  for (const field of filterFields(where)) requireColumn(table.columns, field, place)
  const { rows } = await connection.query<{ encoding: string }>(`SELECT current_setting('server_encoding') AS encoding`)
  const of = {
    columns: table.columns.map((column) => ({ ...readColumn(column), sql: columnSql(table, column) })),
    isUtf8: rows[0]?.encoding === 'UTF8',
  }
  const { pushed, rest } = pushDown(where, of)
  const others = allOf(rest)
  return {
    predicate: allOfSql(pushed.map((part) => filterSql(part, of))),
    // What SQL would decide otherwise than the engine is not asked again: the values it was decided by must still be there.
    seen: others === undefined ? [] : filterFields(others).map((field) => requireColumn(table.columns, field, place)),
  }
}
