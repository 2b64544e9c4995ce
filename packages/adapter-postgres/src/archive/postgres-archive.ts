import {
  checkFilter,
  checkFlag,
  checkNames,
  checkOptionNames,
  checkText,
  checkWholeNumber,
  type ExactSink,
  type Filter,
  type FlowBackfill,
  from,
  type Row,
} from '@drover/core'
import { backfillSource } from '../backfill/backfill-source.js'
import { closedSql, pick } from '../backfill/postgres-update-sink.js'
import { checkRequirements } from '../backfill/requirements.js'
import type { UpdateSelection } from '../backfill/resolve-plan.js'
import { checkLocation, locationName, locationOptions, type PostgresLocation } from '../connection/postgres-location.js'
import { connectExactWriter } from '../sink/connect-sink.js'
import { postgresStateStore } from '../state/postgres-state-store.js'
import { checkStateLocation, type StateLocation, stateLocationOptions } from '../state/state-tables.js'
import { archivePlan } from './archive-plan.js'
import { MoveTarget } from './move-target.js'

/** Options of {@link postgresArchive}. */
export interface PostgresArchiveOptions extends PostgresLocation, StateLocation {
  /** The run's identity: called again under the same name, it goes on where it stands. */
  readonly name: string
  /** The table that rows leave: one of `search_path`, or with its schema in front, `chat.messages`. */
  readonly table: string
  /** The column, or the columns, that identify a row. @default the primary key, else a unique index that has no nulls */
  readonly key?: string | readonly string[]
  /**
   * Which rows leave, as a filter or in SQL. The values of a filter are part of the run's identity: write a time that moves in SQL,
   * `created_at < now() - interval '90 days'`.
   */
  readonly where: Filter | string
  /** A table of the same database. */
  readonly to: string
  /** Create the archive table if it is not there. @default true */
  readonly createTable?: boolean
  /** Columns that must be there, as `table.column`: else it does not begin. @default none */
  readonly requires?: readonly string[]
  /** Leave rows alone that somebody else has locked, instead of waiting for them: they count as skipped. @default false */
  readonly skipLocked?: boolean
  /** How long a statement may wait for a lock, in milliseconds, before the batch is rolled back and tried again; 0 is without end. @default 5000 */
  readonly lockTimeoutMs?: number
  /** Rows that leave in one transaction. @default 10000 */
  readonly batchSize?: number
}

const optionNames = [
  ...locationOptions,
  ...stateLocationOptions,
  'name',
  'table',
  'key',
  'where',
  'to',
  'createTable',
  'requires',
  'skipLocked',
  'batchSize',
]

/** Whoever waits for a lock holds those that it has, and the application waits behind it. */
const defaultLockTimeoutMs = 5_000
const defaultBatchSize = 10_000

export function postgresArchive(options: PostgresArchiveOptions): FlowBackfill {
  const where = `postgresArchive ${typeof options?.name === 'string' ? options.name : ''}`.trimEnd()
  checkOptionNames(where, options, optionNames)
  const selection = checkedSelection(where, options)
  const { name, batchSize = defaultBatchSize, requires = [], to, createTable = true } = options
  const given = pick(options, locationOptions)
  const location = { lockTimeoutMs: defaultLockTimeoutMs, ...given }
  const state = pick(options, stateLocationOptions)
  const sink: ExactSink<Row> = {
    specVersion: 1,
    name: `postgres ${locationName(options)} ${options.table} → ${to}`,
    guarantee: 'exactly-once',
    keyed: true,
    batchSize: defaultBatchSize,
    connect: (operation) =>
      connectExactWriter<Row>(
        { location, state },
        async (database) => {
          await using connection = await database.connect(operation)
          const plan = await archivePlan(connection, selection)
          return new MoveTarget({ database, plan, to, createTable })
        },
        operation,
      ),
    stateStore: () => postgresStateStore({ ...given, ...state }),
  }
  return {
    name,
    batchSize,
    source: from(backfillSource({ name, location: given, selection, reads: [], requires })),
    sink,
  }
}

function checkedSelection(where: string, options: PostgresArchiveOptions): UpdateSelection {
  checkText(where, 'name', options.name)
  checkLocation(where, options)
  checkStateLocation(where, options)
  checkText(where, 'table', options.table)
  checkText(where, 'to', options.to)
  checkFlag(where, 'createTable', options.createTable)
  checkFlag(where, 'skipLocked', options.skipLocked)
  checkWholeNumber(where, 'batchSize', options.batchSize, 1)
  checkRequirements(where, options.requires)
  const key = typeof options.key === 'string' ? [options.key] : options.key
  checkNames(where, 'key', key, 1)
  if (typeof options.where !== 'object') checkText(where, 'where', options.where)
  else checkFilter(options.where)
  const { table, skipLocked = false } = options
  return {
    table,
    key,
    where: typeof options.where === 'string' ? closedSql(options.where) : options.where,
    sets: [],
    skipLocked,
    json: 'value',
    invalidText: 'refuse',
    isOrdered: true,
    rights: skipLocked ? ['SELECT', 'UPDATE', 'DELETE'] : ['SELECT', 'DELETE'],
  }
}
