import {
  checkChoice,
  checkFilter,
  checkFlag,
  checkNames,
  checkOptionNames,
  checkText,
  checkWholeNumber,
  DroverError,
  type ExactSession,
  type ExactSink,
  type Filter,
  type FlowBackfill,
  from,
  type Operation,
  type Row,
  type Sink,
} from '@drover/core'
import { backfillSource } from '../backfill/backfill-source.js'
import { closedSql, pick } from '../backfill/postgres-update-sink.js'
import { checkRequirements, requireColumns } from '../backfill/requirements.js'
import type { UpdateSelection } from '../backfill/resolve-plan.js'
import type { PostgresDatabase } from '../connection/open-postgres.js'
import { checkLocation, locationName, locationOptions, type PostgresLocation } from '../connection/postgres-location.js'
import type { BatchTarget } from '../sink/batch-target.js'
import { connectExactWriter } from '../sink/connect-sink.js'
import { postgresStateStore } from '../state/postgres-state-store.js'
import { checkStateLocation, type StateLocation, stateLocationOptions } from '../state/state-tables.js'
import { type ArchivePlan, archivePlan } from './archive-plan.js'
import { arrivedSource, copyName } from './arrived-source.js'
import { MoveTarget } from './move-target.js'
import { overriding } from './overriding.js'
import { RemoveTarget } from './remove-target.js'
import { rowsSource } from './rows-source.js'

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
  /**
   * A table of the same database, as `table` is named; or a sink that can be read back: a table of another database with
   * `onConflict: 'update'`, files. What the destination holds stays: a file is continued.
   */
  readonly to: string | Sink<Row>
  /** Create the archive table if it is not there. @default true */
  readonly createTable?: boolean
  /** What json and jsonb columns are in another store: see `postgresSource`. @default 'value' */
  readonly json?: 'value' | 'text'
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
  'json',
  'requires',
  'skipLocked',
  'batchSize',
]

/** Whoever waits for a lock holds those that it has, and the application waits behind it. */
const defaultLockTimeoutMs = 5_000
const defaultBatchSize = 10_000
/** A batch of large rows ends earlier. */
const mostBatchBytes = 32 * 1024 * 1024

/**
 * Moves rows out of a table, batch by batch.
 *
 * Into a table of the same database: one transaction deletes the rows of a batch, inserts them there and stores the position, so that
 * each row is in exactly one place at any time. `counts.inserted` says how many were moved, `counts.skipped` how many stayed, because
 * they were changed or locked meanwhile.
 *
 * Into another store: first all rows are copied, by a run of its own that is called `<name> (copy)`. Then what stands in the destination
 * is read back, and each row is locked, compared with it and deleted in one transaction with the position: nothing is deleted that was
 * not found equal there. `counts.inserted` says how many were deleted, and `account` of the report what was copied, verified, deleted
 * and left, with keys.
 *
 * Killed at any moment, the same call goes on. Rows that others refer to are refused by key and stay.
 *
 * @throws `OPTION_INVALID`, `NAME_UNKNOWN` (a filter operator); when it runs `REQUIREMENT_MISSING`, `SOURCE_NOT_FOUND` (the table),
 * `SINK_NOT_READY` and `FIDELITY_LOSS` (the archive table), `KEY_INVALID`, `RECORD_REJECTED` (a row that is in the archive already, or
 * that a foreign key holds), `FENCED`, `STORE_BUSY`, `STORE_FULL`, `STORE_DENIED`, `STORE_UNAVAILABLE`, and what the destination throws.
 *
 * @example
 * await runBackfill({
 *   backfiller: postgresArchive({
 *     name: 'old-messages',
 *     connection: process.env.DATABASE_URL,
 *     table: 'messages',
 *     where: `created_at < now() - interval '90 days'`,
 *     to: 'messages_archive',
 *   }),
 * })
 */
export function postgresArchive(options: PostgresArchiveOptions): FlowBackfill {
  const where = `postgresArchive ${typeof options?.name === 'string' ? options.name : ''}`.trimEnd()
  checkOptionNames(where, options, optionNames)
  const selection = checkedSelection(where, options)
  const { name, batchSize = defaultBatchSize, to } = options
  const parts = typeof to === 'string' ? moving(options, selection, to) : removing(options, selection, to)
  return { name, batchSize, ...parts }
}

type Parts = Pick<FlowBackfill, 'source' | 'sink'>

/** Within one database. */
function moving(options: PostgresArchiveOptions, selection: UpdateSelection, to: string): Parts {
  const { name, requires = [], createTable = true } = options
  const location = pick(options, locationOptions)
  return {
    source: from(backfillSource({ name, location, selection, reads: [], requires })),
    sink: leavingSink(options, to, (operation, connect) =>
      connect(async (database) => {
        await using connection = await database.connect(operation)
        const plan = await archivePlan(connection, selection)
        return new MoveTarget({ database, plan, to, createTable })
      }),
    ),
  }
}

/** Across stores. */
function removing(options: PostgresArchiveOptions, selection: UpdateSelection, to: Sink<Row>): Parts {
  const { name, requires = [], batchSize, json = 'value' } = options
  const location = pick(options, locationOptions)
  const state = pick(options, stateLocationOptions)
  const planOf = async (database: PostgresDatabase, operation: Operation): Promise<ArchivePlan> => {
    await using connection = await database.connect(operation)
    await requireColumns(connection, name, requires)
    return await archivePlan(connection, selection)
  }
  const rows = rowsSource(location, selection)
  return {
    source: from(arrivedSource({ name, location, state, rows, to, batchSize, plan: planOf })),
    sink: leavingSink(options, to.name, async (operation, connect) => {
      let made: RemoveTarget | undefined
      const session = await connect(async (database) => {
        const plan = await planOf(database, operation)
        const copied = (how: Operation) => copiedRows(copyName(name), { ...location, ...state }, how)
        made = new RemoveTarget({ database, plan, where: selection.where, json, to, copied })
        return made
      })
      const target = made as RemoveTarget | undefined
      if (target === undefined) return session
      return overriding(session, {
        write: async (batch, how) => {
          await session.write(batch, how)
          if (how.mode === 'commit') target.settle()
        },
        account: () => target.account,
      })
    }),
  }
}

type Connect = (makeTarget: (database: PostgresDatabase) => Promise<BatchTarget>) => Promise<ExactSession<Row>>

/** A sink by which rows leave a table. */
function leavingSink(
  options: PostgresArchiveOptions,
  to: string,
  connected: (operation: Operation, connect: Connect) => Promise<ExactSession<Row>>,
): ExactSink<Row> {
  const given = pick(options, locationOptions)
  const location = { lockTimeoutMs: defaultLockTimeoutMs, ...given }
  const state = pick(options, stateLocationOptions)
  return {
    specVersion: 1,
    name: `postgres ${locationName(options)} ${options.table} → ${to}`,
    guarantee: 'exactly-once',
    keyed: true,
    batchSize: defaultBatchSize,
    limits: { bytes: mostBatchBytes },
    connect: (operation) =>
      connected(operation, (makeTarget) => connectExactWriter<Row>({ location, state }, makeTarget, operation)),
    stateStore: () => postgresStateStore({ ...given, ...state }),
  }
}

/** How many rows the newest run of that name has written; its sink keeps the positions, and the store what they were in the end. */
async function copiedRows(
  name: string,
  options: PostgresLocation & StateLocation,
  operation: Operation,
): Promise<number | undefined> {
  await using store = postgresStateStore(options)
  const run = await store.load(name, operation)
  const positions = run?.lastOutcome?.positions ?? run?.positions
  return positions?.reduce((sum, { counts }) => sum + counts.written, 0)
}

function checkedSelection(where: string, options: PostgresArchiveOptions): UpdateSelection {
  checkText(where, 'name', options.name)
  checkLocation(where, options)
  checkStateLocation(where, options)
  checkText(where, 'table', options.table)
  checkTo(where, options.to)
  checkChoice(where, 'json', options.json, ['value', 'text'])
  checkFlag(where, 'createTable', options.createTable)
  checkFlag(where, 'skipLocked', options.skipLocked)
  checkWholeNumber(where, 'batchSize', options.batchSize, 1)
  checkRequirements(where, options.requires)
  const key = typeof options.key === 'string' ? [options.key] : options.key
  checkNames(where, 'key', key, 1)
  if (typeof options.where !== 'object') checkText(where, 'where', options.where)
  else checkFilter(options.where)
  const { table, skipLocked = false, json = 'value' } = options
  const isLocking = skipLocked || typeof options.to !== 'string'
  return {
    table,
    key,
    where: typeof options.where === 'string' ? closedSql(options.where) : options.where,
    sets: [],
    skipLocked,
    json,
    invalidText: 'refuse',
    isOrdered: true,
    rights: isLocking ? ['SELECT', 'UPDATE', 'DELETE'] : ['SELECT', 'DELETE'],
  }
}

function checkTo(where: string, to: unknown): void {
  if (typeof to !== 'object' || to === null) {
    checkText(where, 'to', to)
    return
  }
  const { connect, name, guarantee } = to as Partial<Sink>
  const isSink = typeof connect === 'function' && typeof name === 'string'
  if (isSink && (guarantee === 'exactly-once' || guarantee === 'idempotent')) return
  const what = isSink
    ? `${name} may write a row twice; archive to a sink with a key`
    : 'to is the name of a table of the same database, or a sink'
  throw new DroverError('OPTION_INVALID', `${where}: ${what}.`)
}
