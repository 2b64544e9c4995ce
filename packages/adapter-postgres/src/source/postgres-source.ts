import { createHash } from 'node:crypto'
import {
  checkFilter,
  checkOptionNames,
  checkText,
  checkWholeNumber,
  DroverError,
  type Filter,
  type Row,
  type Source,
} from '@drover/core'
import { checkLocation, locationName, locationOptions, type PostgresLocation } from '../connection/postgres-location.js'
import { connectSource } from './source-session.js'

/** Options of {@link postgresSource}. */
export interface PostgresSourceOptions extends PostgresLocation {
  /** The table or view to read: one of `search_path`, else with its schema in front (`chat.messages`). A view needs `key`. */
  readonly table?: string
  /** A SELECT to read; it needs `key`. It is wrapped, so it can be neither several statements nor one that writes. */
  readonly query?: string
  /**
   * The column, or the columns in order, that identify a record. One that no unique index backs is checked while it is read.
   * @default the primary key, else the columns of a unique index that are all NOT NULL
   */
  readonly key?: string | readonly string[]
  /** The columns to read, in this order. @default all, generated ones too */
  readonly columns?: readonly string[]
  /** Which records to read. PostgreSQL does what it does with the same result, the rest is done here. */
  readonly where?: Filter
  /**
   * What json and jsonb columns are: `value` parses them, and rejects a record with a number that a JavaScript number would change;
   * `text` takes them as PostgreSQL prints them.
   * @default 'value'
   */
  readonly json?: 'value' | 'text'
  /**
   * Read everything as it stood when the session began, in all partitions. PostgreSQL keeps old rows for as long. If the connection
   * that holds the snapshot breaks off, or the run is resumed after something was written, it says that the snapshot is gone.
   * @default false: what is read is as it stood when its statement began
   */
  readonly snapshot?: boolean
  /**
   * Read at the end what was committed meanwhile behind the place where the run already was, in a second pass over the rows that
   * transactions wrote which were running or came later; and let a run with `again: 'incremental'` begin with what was written
   * since. Records may come twice, so the sink needs a key. For tables.
   * @default false
   */
  readonly catchUp?: boolean
  /** What happens if the table gets a column while all are read: stop with `SOURCE_INVALID`, or go on without it. @default 'fail' */
  readonly newColumns?: 'fail' | 'ignore'
  /** How the progress line's total is found: by counting, or by what ANALYZE saw last. @default 'exact' */
  readonly count?: 'exact' | 'estimate'
  /**
   * How long one statement reads before another one goes on behind it, in milliseconds; 0 is without end. While one is under way
   * the table cannot be altered and rows cannot be vacuumed. Does not apply to `snapshot`.
   * @default 60000
   */
  readonly longestReadMs?: number
  /** Names the source in reports and in the run's fingerprint. @default the database's and the table's name */
  readonly name?: string
}

/**
 * Reads a table, a view or a query of a PostgreSQL database in the order of its key, in read-only transactions; a replica will do.
 *
 * Values come exactly as they are stored: integers as `number` or `bigint`, a numeric as text, bytea as `Uint8Array`, times as text of
 * ISO 8601 to the microsecond, arrays as arrays, a vector as `Float32Array`, and what JavaScript has nothing for as the text that
 * PostgreSQL prints.
 *
 * @throws `OPTION_INVALID`, `NAME_UNKNOWN` (a filter operator); when it is opened or read `SOURCE_NOT_FOUND` (the database, table or
 * a table of the query), `NAME_UNKNOWN` (a column), `KEY_INVALID` (no key, or nulls or duplicates in it), `SOURCE_INVALID` (the table
 * was altered meanwhile), `STORE_DENIED`, `STORE_UNAVAILABLE`, `STORE_BUSY`.
 *
 * @example
 * const messages = postgresSource({ connection: process.env.DATABASE_URL, table: 'messages', where: { role: { ne: 'debug' } } })
 */
export function postgresSource<R extends object = Row>(options: PostgresSourceOptions): Source<R> {
  const where = 'postgresSource'
  checkOptionNames(where, options, [
    ...locationOptions,
    'table',
    'query',
    'key',
    'columns',
    'where',
    'json',
    'snapshot',
    'catchUp',
    'newColumns',
    'count',
    'longestReadMs',
    'name',
  ])
  checkLocation(where, options)
  checkSelection(where, options)
  checkReading(where, options)
  if (options.name !== undefined) checkText(where, 'name', options.name)
  const version = selectionVersion(options)
  return {
    specVersion: 1,
    name: options.name ?? defaultName(options),
    ...(version === undefined ? {} : { version }),
    ...(options.catchUp === true ? { repeats: true } : {}),
    connect: (operation) => connectSource<R>(options, operation),
  }
}

function checkSelection(where: string, options: PostgresSourceOptions): void {
  const given = (['table', 'query'] as const).filter((name) => options[name] !== undefined)
  const [only] = given
  if (only === undefined || given.length > 1) throw invalid(where, 'give either table or query')
  checkText(where, only, options[only])
  if (only === 'query' && options.key === undefined) {
    throw invalid(where, 'a query needs key, the columns that identify a record')
  }
  if (options.key !== undefined) checkNames(where, 'key', typeof options.key === 'string' ? [options.key] : options.key)
  if (options.columns !== undefined) checkNames(where, 'columns', options.columns)
  if (options.where !== undefined) checkFilter(options.where)
}

function checkReading(where: string, options: PostgresSourceOptions): void {
  checkOneOf(where, 'json', options.json, ['value', 'text'])
  checkOneOf(where, 'count', options.count, ['exact', 'estimate'])
  checkOneOf(where, 'newColumns', options.newColumns, ['fail', 'ignore'])
  checkWholeNumber(where, 'longestReadMs', options.longestReadMs, 0)
  for (const name of ['snapshot', 'catchUp'] as const) {
    const value: unknown = options[name]
    if (value !== undefined && typeof value !== 'boolean') throw invalid(where, `${name} is true or false`)
  }
  if (options.catchUp !== true) return
  if (options.snapshot === true)
    throw invalid(where, 'snapshot reads one moment, and catchUp what came after it; give one')
  if (options.query !== undefined) throw invalid(where, 'catchUp needs a table')
}

function checkOneOf(where: string, option: string, value: unknown, known: readonly string[]): void {
  if (value === undefined || known.includes(value as string)) return
  throw invalid(where, `${option} is ${known.map((one) => `'${one}'`).join(' or ')}`)
}

function checkNames(where: string, option: string, names: readonly string[]): void {
  if (!Array.isArray(names) || names.length === 0) throw invalid(where, `${option} is a list of names of columns`)
  for (const name of names) checkText(where, option, name)
  if (new Set(names).size < names.length) throw invalid(where, `${option} names a column twice`)
}

function defaultName(options: PostgresSourceOptions): string {
  return `postgres ${locationName(options)} ${options.table ?? `query ${digest(options.query as string)}`}`
}

/** What else decides which records are read, and what their cursors are, as a fingerprint takes it. */
function selectionVersion({ key, columns, where, json, snapshot, catchUp }: PostgresSourceOptions): string | undefined {
  const parts = { key, columns, where, json, snapshot, catchUp }
  if (Object.values(parts).every((part) => part === undefined)) return undefined
  return digest(JSON.stringify(parts, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value)))
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12)
}

function invalid(where: string, what: string): DroverError {
  return new DroverError('OPTION_INVALID', `${where}: ${what}.`)
}
