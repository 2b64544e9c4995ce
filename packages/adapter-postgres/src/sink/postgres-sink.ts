import {
  checkChoice,
  checkFlag,
  checkNames,
  checkOnConflict,
  checkOptionNames,
  checkText,
  checkUndo,
  checkWholeNumber,
  type ExactSink,
  type OnConflict,
  type UndoOptions,
  undoOptions,
} from '@drover/core'
import { checkLocation, locationName, locationOptions, type PostgresLocation } from '../connection/postgres-location.js'
import { postgresStateStore } from '../state/postgres-state-store.js'
import { checkStateLocation, type StateLocation, stateLocationOptions, stateTables } from '../state/state-tables.js'
import { connectJournaled } from '../undo/journal.js'
import type { InvalidText } from '../wire/codecs/text-codec.js'
import { type IndexPolicy, indexPolicies } from './indexes/target-indexes.js'
import { type NewColumnsPolicy, newColumnsPolicies } from './new-columns.js'
import { pick } from './pick.js'
import { remover } from './remover.js'
import { TableTarget } from './table-target.js'

/** Options of {@link postgresSink}. */
export interface PostgresSinkOptions extends PostgresLocation, StateLocation, UndoOptions {
  /** One of `search_path`, or with its schema in front: `chat.messages`. As it is called, not as SQL quotes it. */
  readonly table: string
  /**
   * The column, or the columns in order, that identify a row; a primary key or unique index must be over exactly these.
   *
   * @default the table's primary key; of a table that is created, the key of the records
   */
  readonly key?: string | readonly string[]
  /**
   * What becomes of a row whose key is there already: its record is refused, the row is left alone, or it replaces all
   * other columns, or those named by `merge`.
   *
   * @default 'error'
   */
  readonly onConflict?: OnConflict
  /**
   * Create the table if it is not there: with the fields of the records, those from Postgres with the types that they have there, or by these
   * statements, where a library has its own.
   *
   * @default true
   */
  readonly createTable?: boolean | readonly string[]
  /** Fields that may be converted to the type of their column, as an assignment in SQL would, though values change by it. @default [] */
  readonly coerce?: readonly string[]
  /** U+0000 and halves of surrogate pairs, which Postgres cannot keep in texts: refuse the record, or write an escape. @default 'refuse' */
  readonly invalidText?: InvalidText
  /**
   * What a string is for a json or jsonb column: a JSON text, or a JSON string.
   *
   * @default a JSON text if the field holds texts, as in a store without a type for JSON; where nothing is known of the field, a string
   * that could be both is refused
   */
  readonly json?: 'text' | 'value'
  /**
   * What becomes of a field that the table has no column for: because a step sets it, or because the source's table got the column since,
   * also between a stop and the resume. `'fail'`: nothing is written (`SINK_NOT_READY`), or, where it comes up while the run goes on, the record
   * is refused. `'ignore'`: the field is left out, and the run warns once (`FIELD_LEFT_OUT`). `'add'`: the table gets a column that can
   * be null, of the type that the field has in Postgres, or else one that keeps its values; rows that are there have null in it. Then a value that
   * does not fit is refused with its record. Adding it needs the table's owner and the table alone, for a moment: `lockTimeoutMs`,
   * by default 5 seconds.
   *
   * @default 'fail'
   */
  readonly newColumns?: NewColumnsPolicy
  /**
   * What becomes of the table's secondary indexes while the run writes. With `'after'` those of a table that has no rows yet are dropped
   * before the first row, and built again once the run is complete, which is quicker for millions of rows. Unique indexes, and those of
   * constraints, stay: they refuse records. So do those of a table that has rows, unless it is `'after-always'`: its readers then do without.
   *
   * What they were like is stored in the transaction that drops them. A run that stops or fails leaves them off, warns (`INDEXES`), and
   * gives them back when it goes on and completes; {@link restoreIndexes} gives them back at once. While an index is built, others
   * can read the table and not write it.
   *
   * @default 'keep'
   */
  readonly indexes?: IndexPolicy
  /** Records of one batch, and transaction. @default 20000 */
  readonly batchSize?: number
}

const optionNames = [
  ...locationOptions,
  ...stateLocationOptions,
  ...undoOptions,
  'table',
  'key',
  'onConflict',
  'createTable',
  'coerce',
  'invalidText',
  'json',
  'newColumns',
  'indexes',
  'batchSize',
]

/** With fewer rows of a few hundred bytes, transactions begin to count. */
const defaultBatchSize = 20_000
/** A batch of large rows ends earlier. */
const mostBatchBytes = 32 * 1024 * 1024

/**
 * Writes exactly once into a table of a PostgreSQL database: the rows of a batch, its position and its fence are one
 * transaction. Rows go through COPY: straight into the table, or, where `onConflict` is not 'error', into a temporary table that one
 * INSERT … ON CONFLICT takes them from. The transaction is open while the records of its batch are read.
 *
 * Values: see the table of types in the docs. A field that is missing or `undefined` gets the column's default. Generated columns compute
 * themselves: their fields are left out. Identity columns take the values of the records; sequences are set behind them in the end.
 *
 * @throws `OPTION_INVALID`; when it connects or writes `SINK_NOT_READY` (the table, a column, the key), `FIDELITY_LOSS` (a
 * column would change values), `RECORD_REFUSED` with the row where the server names it, `FENCED`, `STORE_BUSY`, `STORE_FULL`,
 * `STORE_DENIED`, `STORE_UNAVAILABLE`, `STATE_INVALID`.
 *
 * @example
 * const sink = postgresSink({ connection: process.env.DATABASE_URL, table: 'messages', onConflict: 'update' })
 */
export function postgresSink<R extends object = object>(options: PostgresSinkOptions): ExactSink<R> {
  const where = 'postgresSink'
  checkOptionNames(where, options, optionNames)
  checkLocation(where, options)
  checkStateLocation(where, options)
  checkUndo(where, options)
  checkText(where, 'table', options.table)
  checkOnConflict(where, options.onConflict)
  if (Array.isArray(options.createTable)) checkNames(where, 'createTable', options.createTable, 1)
  else checkFlag(where, 'createTable', options.createTable)
  checkNames(where, 'coerce', options.coerce)
  checkChoice(where, 'invalidText', options.invalidText, ['refuse', 'escape'])
  checkChoice(where, 'json', options.json, ['text', 'value'])
  checkChoice(where, 'newColumns', options.newColumns, newColumnsPolicies)
  checkChoice(where, 'indexes', options.indexes, indexPolicies)
  checkWholeNumber(where, 'batchSize', options.batchSize, 1)
  const key = typeof options.key === 'string' ? [options.key] : options.key
  checkNames(where, 'key', key, 1)
  const {
    onConflict = 'error',
    createTable = true,
    coerce = [],
    invalidText = 'refuse',
    json,
    table,
    newColumns = 'fail',
    indexes = 'keep',
  } = options
  const location = pick(options, locationOptions)
  const state = pick(options, stateLocationOptions)
  const target = {
    location,
    state: stateTables(state),
    table,
    key,
    onConflict,
    createTable,
    coerce,
    invalidText,
    json,
    newColumns,
    indexes,
  }
  const name = `postgres ${locationName(options)} ${table}`
  return {
    specVersion: 1,
    name,
    ...(onConflict === 'error' ? {} : { version: JSON.stringify({ onConflict, ...(key && { key }) }) }),
    guarantee: 'exactly-once',
    keyed: onConflict !== 'error',
    batchSize: options.batchSize ?? defaultBatchSize,
    limits: { bytes: mostBatchBytes },
    connect: (operation) =>
      connectJournaled<R>(
        { location, state, undo: options },
        (database, journal) => TableTarget.of(database, { ...target, journal }, operation),
        operation,
      ),
    remover: (removing) => remover(options, name, removing),
    stateStore: () => postgresStateStore({ ...location, ...state }),
  }
}
