import {
  checkFlag,
  checkNames,
  checkOnConflict,
  checkOptionNames,
  checkText,
  checkUndo,
  type ExactSink,
  type OnConflict,
  type UndoOptions,
  undoOptions,
} from '@drover/core'
import { locationName, locationOptions } from '../connection/open-sqlite.js'
import { sqliteStateStore } from '../state/sqlite-state-store.js'
import { checkTablePrefix } from '../state/state-tables.js'
import { checkWritable, type WriterLocation } from '../writer/open-writer.js'
import { connectSink } from './connect-sink.js'
import { locationOf } from './location-of.js'
import { remover } from './remover.js'

/** Options of {@link sqliteSink}. */
export interface SqliteSinkOptions extends WriterLocation, UndoOptions {
  readonly table: string
  /**
   * The column, or the columns in order, that identify a row; a primary key or unique index must be over exactly these.
   *
   * @default the table's primary key; of a table that is created, the key of the records
   */
  readonly key?: string | readonly string[]
  /**
   * What becomes of a row whose key is there already: its record is refused, the row is left alone, or it replaces all
   * other columns, or those named by `merge`. Other rows are never deleted, whatever the table's own conflict clauses say.
   *
   * @default 'error'
   */
  readonly onConflict?: OnConflict
  /**
   * Create the table if it is not there: with the fields of the records, those from SQLite with the types they were declared with, or by these
   * statements, where a library has its own.
   *
   * @default true
   */
  readonly createTable?: boolean | readonly string[]
  /** Fields that SQLite may convert to the type of their column, though values change by it. @default [] */
  readonly coerce?: readonly string[]
  /** Check foreign keys, which SQLite does only if it is told to. @default true; with a knex instance as it is configured */
  readonly foreignKeys?: boolean
  /** What the names of the tables begin with that keep the positions. @default 'drover_' */
  readonly tablePrefix?: string
}

const optionNames = [
  ...locationOptions,
  'synchronous',
  'table',
  'key',
  'onConflict',
  'createTable',
  'coerce',
  'foreignKeys',
  'tablePrefix',
  ...undoOptions,
]

/**
 * Writes exactly once into a table of an SQLite database: the rows of a batch, its position and its fence are one
 * transaction. Nothing is locked while a batch is read and transformed, only while it is written.
 *
 * Values: integers and reals keep their storage class, objects and arrays become JSON text, `true` is 1, a `Date` ISO 8601 text. A
 * field that is missing or `undefined` gets the column's default. Generated columns compute themselves: their fields are
 * left out.
 *
 * @throws `OPTION_INVALID`; when it connects or writes `SINK_NOT_READY` (the table, a column, the key), `FIDELITY_LOSS` (a
 * column would convert values), `RECORD_REFUSED` with the row (a constraint, a value SQLite would change), `FENCED`,
 * `STORE_BUSY`, `STORE_FULL`, `STORE_DENIED`, `STATE_INVALID`.
 *
 * @example
 * const sink = sqliteSink({ filename: 'copy.db', table: 'messages', onConflict: 'update' })
 */
export function sqliteSink<R extends object = object>(options: SqliteSinkOptions): ExactSink<R> {
  const where = 'sqliteSink'
  checkOptionNames(where, options, optionNames)
  checkWritable(where, options)
  checkText(where, 'table', options.table)
  checkOnConflict(where, options.onConflict)
  checkTablePrefix(where, options.tablePrefix)
  checkUndo(where, options)
  checkNames(where, 'coerce', options.coerce)
  checkFlag(where, 'foreignKeys', options.foreignKeys)
  if (Array.isArray(options.createTable)) checkNames(where, 'createTable', options.createTable, 1)
  else checkFlag(where, 'createTable', options.createTable)
  const key = typeof options.key === 'string' ? [options.key] : options.key
  checkNames(where, 'key', key, 1)
  const { onConflict = 'error', synchronous, tablePrefix } = options
  const location = locationOf(options)
  const name = `sqlite ${locationName(options)} ${options.table}`
  return {
    specVersion: 1,
    name,
    ...(onConflict === 'error' ? {} : { version: JSON.stringify({ onConflict, ...(key && { key }) }) }),
    guarantee: 'exactly-once',
    keyed: onConflict !== 'error',
    batchSize: 10_000,
    connect: (operation) => connectSink<R>({ ...options, location, key, onConflict, undo: options }, operation),
    remover: (removing) => remover(options, name, removing),
    stateStore: () =>
      sqliteStateStore({
        ...location,
        ...(synchronous === undefined ? {} : { synchronous }),
        ...(tablePrefix === undefined ? {} : { tablePrefix }),
      }),
  }
}
