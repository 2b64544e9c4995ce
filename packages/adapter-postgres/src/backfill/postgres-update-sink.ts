import {
  checkChoice,
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
import { checkLocation, locationName, locationOptions, type PostgresLocation } from '../connection/postgres-location.js'
import { postgresStateStore } from '../state/postgres-state-store.js'
import { checkStateLocation, type StateLocation, stateLocationOptions } from '../state/state-tables.js'
import { connectJournaled } from '../undo/journal.js'
import { keptImages } from '../undo/kept-images.js'
import type { InvalidText } from '../wire/codecs/text-codec.js'
import { resolvePlan, type UpdateSelection } from './resolve-plan.js'
import type { Computed, UpdatePlan } from './update-plan.js'
import { type ToComputed, UpdateTarget } from './update-target.js'

/** Options of {@link postgresUpdateSink}. */
export interface PostgresUpdateSinkOptions extends PostgresLocation, StateLocation, UndoOptions {
  /** One of `search_path`, or with its schema in front: `chat.messages`. */
  readonly table: string
  /** The column, or the columns, that identify a row; records bring them. @default the primary key, else a unique index that has no nulls */
  readonly key?: string | readonly string[]
  /** Columns that records may set; a column whose field is missing stays as it is. */
  readonly sets: readonly string[]
  /**
   * What must still hold of a row when it is updated, as a filter or in SQL: a value that the application wrote meanwhile stays. Of a
   * filter that PostgreSQL would decide otherwise than the engine, the values that were read must still be there. A backfill takes
   * the values of a filter for part of its identity: write a time that moves in SQL.
   */
  readonly where?: Filter | string
  /** Leave rows alone that somebody else has locked, instead of waiting for them: they count as skipped. @default false */
  readonly skipLocked?: boolean
  /** What a string is for a json or jsonb column: a JSON string, or a JSON text. @default 'value' */
  readonly json?: 'value' | 'text'
  /** U+0000 and halves of surrogate pairs, which Postgres cannot keep in texts: refuse the record, or write an escape. @default 'refuse' */
  readonly invalidText?: InvalidText
  /** How long a statement may wait for a lock, in milliseconds, before the batch is rolled back and tried again; 0 is without end. @default 5000 */
  readonly lockTimeoutMs?: number
}

export const updateSinkOptions = [
  ...locationOptions,
  ...stateLocationOptions,
  ...undoOptions,
  'table',
  'key',
  'sets',
  'where',
  'skipLocked',
  'json',
  'invalidText',
] as const

/** Whoever waits for a lock holds those that it has, and the application waits behind it. */
const defaultLockTimeoutMs = 5_000
/** Rows are locked until their batch ends, and the application waits for them: docs/decisions/0010-small-backfill-batches.md */
const defaultBatchSize = 2_000
/** A batch of large rows ends earlier. */
const mostBatchBytes = 32 * 1024 * 1024

/**
 * Updates rows that are there, exactly once per batch: one UPDATE for each page. Records that no row fits any more are counted as
 * skipped; nothing is inserted.
 *
 * @throws `OPTION_INVALID`; when it connects or writes `SOURCE_NOT_FOUND` (the table), `NAME_UNKNOWN` (a column), `KEY_INVALID`,
 * `RECORD_REFUSED`, `FENCED`, `STORE_BUSY`, `STORE_FULL`, `STORE_DENIED`, `STORE_UNAVAILABLE`, `STATE_INVALID`.
 *
 * @example
 * const sink = postgresUpdateSink({ table: 'messages', sets: ['token_count'], where: 'token_count = 0' })
 */
export function postgresUpdateSink<R extends object = object>(options: PostgresUpdateSinkOptions): ExactSink<R> {
  const where = 'postgresUpdateSink'
  checkOptionNames(where, options, updateSinkOptions)
  return updateSink<R>(options, checkedSelection(where, options), splitter)
}

/** Checks what the sink and the backfill have in common. @throws `OPTION_INVALID`, `NAME_UNKNOWN` */
export function checkedSelection(where: string, options: PostgresUpdateSinkOptions): UpdateSelection {
  checkLocation(where, options)
  checkStateLocation(where, options)
  checkUndo(where, options)
  checkText(where, 'table', options.table)
  checkFlag(where, 'skipLocked', options.skipLocked)
  checkChoice(where, 'json', options.json, ['value', 'text'])
  checkChoice(where, 'invalidText', options.invalidText, ['refuse', 'escape'])
  const key = typeof options.key === 'string' ? [options.key] : options.key
  checkNames(where, 'key', key, 1)
  checkNames(where, 'sets', options.sets)
  if (options.sets === undefined || options.sets.length === 0) {
    throw new DroverError('OPTION_INVALID', `${where}: sets names the columns that are set, at least one.`)
  }
  if (typeof options.where === 'string') checkText(where, 'where', options.where)
  else if (options.where !== undefined) checkFilter(options.where)
  const { table, sets, skipLocked = false, json = 'value', invalidText = 'refuse' } = options
  const predicate = typeof options.where === 'string' ? closedSql(options.where) : options.where
  return { table, key, where: predicate, sets, skipLocked, json, invalidText }
}

/** SQL of the user's that can stand in parentheses: a comment at its end must not swallow what follows. */
export function closedSql(sql: string): string {
  return sql.includes('--') ? `${sql}\n` : sql
}

/** @param computedBy How records say what is to be done, given the columns. */
export function updateSink<R extends object>(
  options: PostgresUpdateSinkOptions,
  selection: UpdateSelection,
  computedBy: (plan: UpdatePlan) => ToComputed,
): ExactSink<R> {
  const given = pick(options, locationOptions)
  const location = { lockTimeoutMs: defaultLockTimeoutMs, ...given }
  const state = pick(options, stateLocationOptions)
  return {
    specVersion: 1,
    name: `postgres ${locationName(options)} ${options.table} (${selection.sets.join(', ')})`,
    guarantee: 'exactly-once',
    keyed: true,
    batchSize: defaultBatchSize,
    limits: { bytes: mostBatchBytes },
    connect: (operation) =>
      connectJournaled<R>(
        { location, state, undo: options },
        async (database, journal) => {
          await using connection = await database.connect(operation)
          const plan = await resolvePlan(connection, selection)
          const kept = journal === null ? undefined : await keptImages(connection, plan, journal)
          return new UpdateTarget(plan, computedBy(plan), kept)
        },
        operation,
      ),
    stateStore: () => postgresStateStore({ ...given, ...state }),
  }
}

/** Those of the options that were given. */
export function pick<T extends object, N extends keyof T>(options: T, names: readonly N[]): Pick<T, N> {
  const given = names.filter((name) => options[name] !== undefined)
  return Object.fromEntries(given.map((name) => [name, options[name]])) as Pick<T, N>
}

/** Tells a record's key from what it sets. Without a key it would fit no row, and be counted as one that is gone. */
function splitter({ table, key, seen }: UpdatePlan): ToComputed {
  const isRead = new Set([...key, ...seen].map(({ name }) => name))
  return (record): Computed => {
    const row: Row = {}
    const set: Row = {}
    for (const [name, value] of Object.entries(record)) (isRead.has(name) ? row : set)[name] = value
    const missing = key.find(({ name }) => row[name] === undefined || row[name] === null)
    if (missing === undefined) return { row, set }
    const what =
      row[missing.name] === null ? `the field "${missing.name}" is null` : `the record has no field "${missing.name}"`
    throw new DroverError('RECORD_REFUSED', `${what}, and it is part of the key of "${table.name}"`)
  }
}
