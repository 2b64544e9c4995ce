import {
  checkFlag,
  checkOptionNames,
  checkText,
  checkWholeNumber,
  DroverError,
  type ExactSink,
  type Operation,
  type Outcome,
  type Source,
} from '@drover/core'
import { checkLocation, locationName, locationOptions, type PostgresLocation } from '../connection/postgres-location.js'
import { postgresStateStore } from '../state/postgres-state-store.js'
import { checkStateLocation, type StateLocation, stateLocationOptions } from '../state/state-tables.js'
import { CallbackTarget } from './callback-target.js'
import { connectExactWriter } from './connect-sink.js'
import { pick } from './pick.js'

/** The transaction of a batch. Failures are `DroverError`s. */
export interface PostgresBatch {
  query<R = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
    options?: { readonly doing?: string },
  ): Promise<{ readonly rows: readonly R[]; readonly count: number }>
}

/** What becomes of records, written by hand. */
export interface PostgresBatchSinkOptions<R> extends PostgresLocation, StateLocation {
  /** What is written, behind the database's name: names the sink in reports and in the run's fingerprint. */
  readonly name: string
  /** Part of the run's fingerprint. */
  readonly version?: string
  /** Writing a record again leaves what writing it once leaves. @default false */
  readonly keyed?: boolean
  /** Creates what is missing, and says what that was: `table "messages"`. In a transaction; idempotent. */
  readonly prepare: (batch: PostgresBatch, operation: Operation) => Promise<readonly string[]>
  /**
   * Writes the records of one page through the transaction of its batch.
   *
   * @throws `RECORD_REFUSED`, with `row` counted from the first record it was given.
   */
  readonly write: (records: readonly R[], batch: PostgresBatch, operation: Operation) => Promise<Outcome>
  /** What is there now, for a verification. */
  readonly readBack?: () => Source
  /** @default 1000 */
  readonly batchSize?: number
}

/** A batch of large records ends earlier. */
const mostBatchBytes = 32 * 1024 * 1024

/**
 * Writes exactly once what one table does not hold: rows of several, or statements of one's own. The transaction that `write` is given
 * holds the batch's position and fence, too; it never commits or rolls back itself.
 *
 * @throws `OPTION_INVALID`; when it connects or writes what `prepare` and `write` throw, `FENCED`, `STORE_BUSY`, `STORE_FULL`,
 * `STORE_DENIED`, `STORE_UNAVAILABLE`, `STATE_INVALID`.
 */
export function postgresBatchSink<R extends object>(options: PostgresBatchSinkOptions<R>): ExactSink<R> {
  const where = 'postgresBatchSink'
  const known = ['name', 'version', 'keyed', 'prepare', 'write', 'readBack', 'batchSize']
  checkOptionNames(where, options, [...locationOptions, ...stateLocationOptions, ...known])
  checkLocation(where, options)
  checkStateLocation(where, options)
  checkText(where, 'name', options.name)
  if (options.version !== undefined) checkText(where, 'version', options.version)
  checkFlag(where, 'keyed', options.keyed)
  checkWholeNumber(where, 'batchSize', options.batchSize, 1)
  for (const name of ['prepare', 'write', ...(options.readBack === undefined ? [] : ['readBack' as const])] as const) {
    if (typeof options[name] !== 'function') throw new DroverError('OPTION_INVALID', `${where}: ${name} is a function.`)
  }
  const location = pick(options, locationOptions)
  const state = pick(options, stateLocationOptions)
  const name = `postgres ${locationName(options)} ${options.name}`
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
        { location, state },
        async (database) => new CallbackTarget(database, name, options),
        operation,
      ),
    stateStore: () => postgresStateStore({ ...location, ...state }),
  }
}
