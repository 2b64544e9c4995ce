import {
  checkFilter,
  checkFlag,
  checkNames,
  checkOptionNames,
  checkText,
  checkUndo,
  DroverError,
  type ExactSink,
  type Filter,
  type Row,
  type UndoOptions,
  undoOptions,
} from '@drover/core'
import { locationName, locationOptions } from '../connection/open-sqlite.js'
import type { SqliteConnection } from '../connection/sqlite-connection.js'
import { sameName } from '../schema/table.js'
import { connectExactWriter, type ExactWriterOptions } from '../sink/connect-sink.js'
import { locationOf } from '../sink/location-of.js'
import { stateStoreWithin } from '../state/sqlite-state-store.js'
import { checkTablePrefix } from '../state/state-tables.js'
import { checkWritable, type WriterLocation } from '../writer/open-writer.js'
import { resolvePlan, type UpdateSelection } from './resolve-plan.js'
import type { Computed, UpdatePlan } from './update-plan.js'
import { type UpdateRecords, UpdateTarget } from './update-target.js'

/** Options of {@link sqliteUpdateSink}. */
export interface SqliteUpdateSinkOptions extends WriterLocation, UndoOptions {
  readonly table: string
  /** The column, or the columns, that identify a row; records bring them. @default the table's primary key */
  readonly key?: string | readonly string[]
  /** Columns that records may set; a column whose field is missing stays as it is. */
  readonly sets: readonly string[]
  /**
   * What must still hold of a row when it is updated, as a filter or in SQL: a value that the application wrote meanwhile
   * stays. Of a filter that SQLite would decide otherwise than the engine, the values that were read must still be there. A
   * backfill takes the values of a filter for part of its identity: write a time that moves in SQL.
   */
  readonly where?: Filter | string
  /** Check foreign keys. @default true; with a knex instance as it is configured */
  readonly foreignKeys?: boolean
  /** What the names of the tables begin with that keep the positions. @default 'drover_' */
  readonly tablePrefix?: string
}

/**
 * Updates rows that are there, exactly once per batch. Records that no row fits any more are counted as skipped; nothing is
 * inserted.
 *
 * @throws `OPTION_INVALID`; when it connects or writes `SOURCE_NOT_FOUND` (the table), `NAME_UNKNOWN` (a column),
 * `RECORD_REFUSED` with the row, `FENCED`, `STORE_BUSY`, `STORE_FULL`, `STORE_DENIED`, `STATE_INVALID`.
 *
 * @example
 * const sink = sqliteUpdateSink({ filename: 'chat.db', table: 'messages', sets: ['token_count'], where: 'token_count = 0' })
 */
export function sqliteUpdateSink<R extends object = object>(options: SqliteUpdateSinkOptions): ExactSink<R> {
  const where = 'sqliteUpdateSink'
  checkOptionNames(where, options, [
    ...locationOptions,
    'synchronous',
    'table',
    'key',
    'sets',
    'where',
    'foreignKeys',
    'tablePrefix',
    ...undoOptions,
  ])
  const selection = checkedSelection(where, options)
  return updateSink<R>(options, selection, (plan) => ({ toComputed: splitter(plan), fused: null }))
}

/** Checks what the sink and the backfill have in common. @throws `OPTION_INVALID`, `NAME_UNKNOWN` */
export function checkedSelection(
  where: string,
  options: Omit<SqliteUpdateSinkOptions, 'sets'> & { readonly sets: readonly string[] },
): UpdateSelection {
  checkWritable(where, options)
  checkText(where, 'table', options.table)
  checkTablePrefix(where, options.tablePrefix)
  checkUndo(where, options)
  checkFlag(where, 'foreignKeys', options.foreignKeys)
  const key = typeof options.key === 'string' ? [options.key] : options.key
  checkNames(where, 'key', key, 1)
  if (options.sets === undefined || options.sets.length === 0) {
    throw new DroverError('OPTION_INVALID', `${where}: sets names the columns that are set, at least one.`)
  }
  checkNames(where, 'sets', options.sets)
  if (typeof options.where === 'string') checkText(where, 'where', options.where)
  else if (options.where !== undefined) checkFilter(options.where)
  const predicate = typeof options.where === 'string' ? closedSql(options.where) : options.where
  return { table: options.table, key, where: predicate, sets: options.sets }
}

/** SQL of the user's that can stand in parentheses: a comment at its end must not swallow what follows. */
export function closedSql(sql: string): string {
  return sql.includes('--') ? `${sql}\n` : sql
}

/** @param recordsOf How records say what is to be done, given the columns. */
export function updateSink<R extends object>(
  options: Omit<SqliteUpdateSinkOptions, 'sets' | 'where' | 'key'>,
  selection: UpdateSelection,
  recordsOf: (plan: UpdatePlan, connection: SqliteConnection) => UpdateRecords,
): ExactSink<R> {
  const location = locationOf(options)
  const { foreignKeys, tablePrefix } = options
  const writer: ExactWriterOptions = {
    location,
    create: false,
    undo: options,
    ...(foreignKeys === undefined ? {} : { foreignKeys }),
    ...(tablePrefix === undefined ? {} : { tablePrefix }),
  }
  return {
    specVersion: 1,
    name: `sqlite ${locationName(options)} ${options.table} (${selection.sets.join(', ')})`,
    guarantee: 'exactly-once',
    keyed: true,
    batchSize: 20_000,
    connect: (operation) => {
      const targetOf = async (connection: SqliteConnection): Promise<UpdateTarget> => {
        const plan = await resolvePlan(connection, selection)
        return UpdateTarget.of(connection, plan, recordsOf(plan, connection))
      }
      return connectExactWriter<R>(writer, targetOf, operation)
    },
    stateStore: () => stateStoreWithin({ ...location, ...(tablePrefix === undefined ? {} : { tablePrefix }) }),
  }
}

/** Tells a record's key from what it sets. Without a key it would fit no row, and be counted as one that is gone. */
function splitter({ table, key, seen }: UpdatePlan): (record: Row) => Computed {
  const isRead = [...key, ...seen]
  return (record) => {
    const row: Row = {}
    const set: Row = {}
    for (const [name, value] of Object.entries(record)) {
      const column = isRead.find((one) => sameName(one.name, name))
      if (column === undefined) set[name] = value
      else row[column.name] = value
    }
    const missing = key.find(({ name }) => row[name] === undefined || row[name] === null)
    if (missing === undefined) return { row, set }
    const what =
      row[missing.name] === null ? `the field "${missing.name}" is null` : `the record has no field "${missing.name}"`
    throw new DroverError('RECORD_REFUSED', `${what}, and it is part of the key of "${table}"`)
  }
}
