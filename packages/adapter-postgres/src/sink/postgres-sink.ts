import {
  checkChoice,
  checkFlag,
  checkNames,
  checkOnConflict,
  checkOptionNames,
  checkText,
  checkWholeNumber,
  type ExactSink,
  type OnConflict,
} from '@drover/core'
import { checkLocation, locationName, locationOptions, type PostgresLocation } from '../connection/postgres-location.js'
import { postgresStateStore } from '../state/postgres-state-store.js'
import { checkStateLocation, type StateLocation, stateLocationOptions } from '../state/state-tables.js'
import type { InvalidText } from '../wire/codecs/text-codec.js'
import { connectExactWriter } from './connect-sink.js'
import { TableTarget } from './table-target.js'

/** Options of {@link postgresSink}. */
export interface PostgresSinkOptions extends PostgresLocation, StateLocation {
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
  /** Create the table if it is not there. Fields from Postgres keep the types that they have there. @default true */
  readonly createTable?: boolean
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
  /** Records of one batch, and transaction. @default 20000 */
  readonly batchSize?: number
}

const optionNames = [
  ...locationOptions,
  ...stateLocationOptions,
  'table',
  'key',
  'onConflict',
  'createTable',
  'coerce',
  'invalidText',
  'json',
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
  checkText(where, 'table', options.table)
  checkOnConflict(where, options.onConflict)
  checkFlag(where, 'createTable', options.createTable)
  checkNames(where, 'coerce', options.coerce)
  checkChoice(where, 'invalidText', options.invalidText, ['refuse', 'escape'])
  checkChoice(where, 'json', options.json, ['text', 'value'])
  checkWholeNumber(where, 'batchSize', options.batchSize, 1)
  const key = typeof options.key === 'string' ? [options.key] : options.key
  checkNames(where, 'key', key, 1)
  const { onConflict = 'error', createTable = true, coerce = [], invalidText = 'refuse', json, table } = options
  const location = pick(options, locationOptions)
  const state = pick(options, stateLocationOptions)
  const target = { location, table, key, onConflict, createTable, coerce, invalidText, json }
  return {
    specVersion: 1,
    name: `postgres ${locationName(options)} ${table}`,
    ...(onConflict === 'error' ? {} : { version: JSON.stringify({ onConflict, ...(key && { key }) }) }),
    guarantee: 'exactly-once',
    keyed: onConflict !== 'error',
    batchSize: options.batchSize ?? defaultBatchSize,
    limits: { bytes: mostBatchBytes },
    connect: (operation) =>
      connectExactWriter<R>({ location, state }, (database) => TableTarget.of(database, target, operation), operation),
    stateStore: () => postgresStateStore({ ...location, ...state }),
  }
}

/** Those of the options that were given. */
function pick<T extends object, N extends keyof T>(options: T, names: readonly N[]): Pick<T, N> {
  const given = names.filter((name) => options[name] !== undefined)
  return Object.fromEntries(given.map((name) => [name, options[name]])) as Pick<T, N>
}
