import {
  checkFlag,
  checkOptionNames,
  checkText,
  checkWholeNumber,
  DroverError,
  type ExactSink,
  type MaybePromise,
  type Operation,
  type Outcome,
  type Source,
} from '@drover/core'
import { locationName, locationOptions } from '../connection/open-sqlite.js'
import type { SqliteChange, SqliteValue } from '../connection/sqlite-connection.js'
import { stateStoreWithin } from '../state/sqlite-state-store.js'
import { checkTablePrefix } from '../state/state-tables.js'
import { checkWritable, type WriterLocation } from '../writer/open-writer.js'
import { CallbackTarget } from './callback-target.js'
import { connectExactWriter } from './connect-sink.js'
import { locationOf } from './location-of.js'

/** The transaction of a batch. Failures are `DroverError`s. Of values, `bigint` is INTEGER and `number` is REAL. */
export interface SqliteBatch {
  all(sql: string, values?: readonly SqliteValue[]): MaybePromise<SqliteValue[][]>
  run(sql: string, values?: readonly SqliteValue[]): MaybePromise<SqliteChange>
  /** Several statements, without values. */
  exec(sql: string): MaybePromise<void>
}

/** What becomes of records, written by hand. */
export interface SqliteBatchSinkOptions<R> extends WriterLocation {
  /** What is written, behind the file's name: names the sink in reports and in the run's fingerprint. */
  readonly name: string
  /** Part of the run's fingerprint. */
  readonly version?: string
  /** Writing a record again leaves what writing it once leaves. @default false */
  readonly keyed?: boolean
  /** Creates what is missing. In a transaction; idempotent. */
  readonly prepare: (batch: SqliteBatch) => Promise<void>
  /**
   * Writes the records of one page through the transaction of its batch.
   *
   * @throws `RECORD_REFUSED`, with `row` counted from the first record it was given.
   */
  readonly write: (records: readonly R[], batch: SqliteBatch, operation: Operation) => Promise<Outcome>
  /** What is there now, for a verification. */
  readonly readBack?: () => Source
  /** @default 1000 */
  readonly batchSize?: number
  /** What the names of the tables begin with that keep the positions. @default 'drover_' */
  readonly tablePrefix?: string
}

/** A batch of large records ends earlier. */
const mostBatchBytes = 32 * 1024 * 1024

/**
 * Writes exactly once what one table does not hold: rows of several, or statements of one's own. The transaction that `write` is given
 * holds the batch's position and fence, too; it never commits or rolls back itself.
 *
 * @throws `OPTION_INVALID`; when it connects or writes what `prepare` and `write` throw, `FENCED`, `STORE_BUSY`, `STORE_FULL`,
 * `STORE_DENIED`, `STATE_INVALID`.
 */
export function sqliteBatchSink<R extends object>(options: SqliteBatchSinkOptions<R>): ExactSink<R> {
  const where = 'sqliteBatchSink'
  const known = ['name', 'version', 'keyed', 'prepare', 'write', 'readBack', 'batchSize', 'tablePrefix']
  checkOptionNames(where, options, [...locationOptions, 'synchronous', ...known])
  checkWritable(where, options)
  checkTablePrefix(where, options.tablePrefix)
  checkText(where, 'name', options.name)
  if (options.version !== undefined) checkText(where, 'version', options.version)
  checkFlag(where, 'keyed', options.keyed)
  checkWholeNumber(where, 'batchSize', options.batchSize, 1)
  for (const name of ['prepare', 'write', ...(options.readBack === undefined ? [] : ['readBack' as const])] as const) {
    if (typeof options[name] !== 'function') throw new DroverError('OPTION_INVALID', `${where}: ${name} is a function.`)
  }
  const location = locationOf(options)
  const prefix = options.tablePrefix === undefined ? {} : { tablePrefix: options.tablePrefix }
  const name = `sqlite ${locationName(options)} ${options.name}`
  return {
    specVersion: 1,
    name,
    ...(options.version === undefined ? {} : { version: options.version }),
    guarantee: 'exactly-once',
    keyed: options.keyed ?? false,
    batchSize: options.batchSize ?? 1000,
    limits: { bytes: mostBatchBytes },
    connect: (operation) =>
      connectExactWriter<R>(
        { location, ...prefix },
        async (connection) => new CallbackTarget(connection, name, options),
        operation,
      ),
    stateStore: () => stateStoreWithin({ ...location, ...prefix }),
  }
}
