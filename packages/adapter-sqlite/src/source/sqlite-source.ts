import { createHash } from 'node:crypto'
import { checkFilter, checkOptionNames, checkText, DroverError, type Filter, type Row, type Source } from '@drover/core'
import { checkLocation, locationName, locationOptions, type SqliteLocation } from '../connection/open-sqlite.js'
import type { SqliteIntegers } from '../connection/sqlite-connection.js'
import { connectSource } from './source-session.js'

/** Options of {@link sqliteSource}. */
export interface SqliteSourceOptions extends SqliteLocation {
  /** The table to read; a view may be named here as well. */
  readonly table?: string
  /** The view to read; it needs `key`. */
  readonly view?: string
  /** A SELECT to read; it needs `key`. It is wrapped, so it can be neither several statements nor one that writes. */
  readonly query?: string
  /**
   * The column, or the columns in order, that identify a record. One that no unique index backs is checked while it is read.
   * @default the primary key, else the rowid, which VACUUM may change: such a run should not be resumed across one
   */
  readonly key?: string | readonly string[]
  /** The columns to read, in this order. @default all, generated ones too */
  readonly columns?: readonly string[]
  /** Which records to read. SQLite does what it does with the same result, the rest is done here. */
  readonly where?: Filter
  /**
   * How INTEGER is read: as `number` while it is safe and else as `bigint`, or always as `bigint`, as it always is in columns
   * without affinity. @default 'auto'
   */
  readonly integers?: SqliteIntegers
  /**
   * Read everything as it stood when the session began, in one read transaction. Meanwhile a write-ahead log cannot be
   * cleared and grows with each write. @default false: each page is as it stood when it was read
   */
  readonly snapshot?: boolean
  /** Names the source in reports and in the run's fingerprint. @default the file's and the table's name */
  readonly name?: string
}

/**
 * Reads a table, a view or a query of an SQLite database in the order of its key, read-only.
 *
 * Values come as they are stored: INTEGER as `number` or `bigint`, REAL as `number`, TEXT as text, BLOB as `Uint8Array`; a column
 * declared BOOLEAN or DATE is no exception. A record with a text that is no UTF-8 is rejected as `RECORD_UNREADABLE`.
 *
 * @throws `OPTION_INVALID`, `NAME_UNKNOWN` (a filter operator); when it is opened or read `SOURCE_NOT_FOUND` (the file, table or a
 * table of the query), `SOURCE_INVALID` (no database), `NAME_UNKNOWN` (a column), `KEY_INVALID` (nulls or duplicates in the
 * key), `STORE_BUSY`, `STORE_DENIED`.
 *
 * @example
 * const messages = sqliteSource({ filename: 'chat.db', table: 'messages', where: { role: { ne: 'debug' } } })
 */
export function sqliteSource<R extends object = Row>(options: SqliteSourceOptions): Source<R> {
  const where = 'sqliteSource'
  checkOptionNames(where, options, [
    ...locationOptions,
    'table',
    'view',
    'query',
    'key',
    'columns',
    'where',
    'integers',
    'snapshot',
    'name',
  ])
  checkLocation(where, options)
  checkSelection(where, options)
  const { integers = 'auto', snapshot = false } = options
  if (integers !== 'auto' && integers !== 'bigint') throw invalid(where, `integers is 'auto' or 'bigint'`)
  if (typeof snapshot !== 'boolean') throw invalid(where, 'snapshot is true or false')
  if (options.name !== undefined) checkText(where, 'name', options.name)
  const version = selectionVersion(options)
  return {
    specVersion: 1,
    name: options.name ?? defaultName(options),
    ...(version === undefined ? {} : { version }),
    connect: () => connectSource<R>({ ...options, integers, snapshot }),
  }
}

function checkSelection(where: string, options: SqliteSourceOptions): void {
  const given = (['table', 'view', 'query'] as const).filter((name) => options[name] !== undefined)
  const [only] = given
  if (only === undefined || given.length > 1) throw invalid(where, 'give one of table, view and query')
  checkText(where, only, options[only])
  if (only !== 'table' && options.key === undefined) {
    throw invalid(where, `a ${only} needs key, the columns that identify a record`)
  }
  if (options.key !== undefined) checkNames(where, 'key', typeof options.key === 'string' ? [options.key] : options.key)
  if (options.columns !== undefined) checkNames(where, 'columns', options.columns)
  if (options.where !== undefined) checkFilter(options.where)
}

function checkNames(where: string, option: string, names: readonly string[]): void {
  if (!Array.isArray(names) || names.length === 0) throw invalid(where, `${option} is a list of names of columns`)
  for (const name of names) checkText(where, option, name)
  if (new Set(names).size < names.length) throw invalid(where, `${option} names a column twice`)
}

function defaultName(options: SqliteSourceOptions): string {
  const what = options.table ?? options.view ?? `query ${digest(options.query as string)}`
  return `sqlite ${locationName(options)} ${what}`
}

/** What else decides which records are read, as a fingerprint takes it. */
function selectionVersion({ key, columns, where, integers }: SqliteSourceOptions): string | undefined {
  const parts = { key, columns, where, integers }
  if (Object.values(parts).every((part) => part === undefined)) return undefined
  return digest(JSON.stringify(parts, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value)))
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12)
}

function invalid(where: string, what: string): DroverError {
  return new DroverError('OPTION_INVALID', `${where}: ${what}.`)
}
