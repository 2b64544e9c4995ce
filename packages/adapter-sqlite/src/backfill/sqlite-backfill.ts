import {
  checkOptionNames,
  checkText,
  checkWholeNumber,
  DroverError,
  type Flow,
  type FlowBackfill,
  from,
  type MaybePromise,
  type Row,
  type TransformContext,
  transformer,
  undoOptions,
} from '@drover/core'
import { locationOptions } from '../connection/open-sqlite.js'
import { locationOf } from '../sink/location-of.js'
import { type BackfillReads, backfillSource, isList } from './backfill-source.js'
import { checkRequirements } from './requirements.js'
import { Setter } from './setter.js'
import { checkedSelection, closedSql, type SqliteUpdateSinkOptions, updateSink } from './sqlite-update-sink.js'
import type { Computed } from './update-plan.js'

/** Options of {@link sqliteBackfill}. */
export interface SqliteBackfillOptions<R extends object = Row> extends SqliteUpdateSinkOptions {
  /** The run's identity: called again under the same name, it goes on where it stands. */
  readonly name: string
  /** Part of the run's fingerprint: raise it when `set` computes something else. */
  readonly version?: string
  /**
   * Columns that `set` is given beside the key; or names with SQL, such as
   * `{ messages: '(SELECT count(*) FROM messages WHERE messages.call_id = calls.call_id)' }`. @default none
   */
  readonly reads?: BackfillReads
  /**
   * Computes the new values of a row; null leaves it as it is, and so does a column that is not mentioned. Or SQL that
   * computes them, by column: then no row leaves the database.
   */
  readonly set: ((row: R, context: TransformContext) => MaybePromise<object | null>) | Readonly<Record<string, string>>
  /** Columns that must be there, as `table.column`: else it does not begin. @default none */
  readonly requires?: readonly string[]
  /** Rows that are updated in one transaction. @default 20000 */
  readonly batchSize?: number
}

const optionNames = [
  ...locationOptions,
  'synchronous',
  'table',
  'key',
  'sets',
  'where',
  'foreignKeys',
  'tablePrefix',
  ...undoOptions,
  'name',
  'version',
  'reads',
  'set',
  'requires',
  'batchSize',
]

/**
 * Changes rows of a table where they stand, batch by batch: rows and position are one transaction, so each batch happens
 * once. It reads by the key, so no row is passed over while rows leave the predicate, and it ends where computed values
 * equal the old ones. Each UPDATE repeats the predicate: what the application wrote meanwhile stays, and counts as skipped.
 *
 * @throws `OPTION_INVALID`, `NAME_UNKNOWN` (a filter operator); when it runs `REQUIREMENT_MISSING`, `SOURCE_NOT_FOUND` (the
 * table), `NAME_UNKNOWN` (a column), `KEY_INVALID`, and what `sqliteUpdateSink` throws.
 *
 * @example
 * await runBackfill({
 *   backfiller: sqliteBackfill({
 *     name: 'message-tokens',
 *     filename: 'chat.db',
 *     table: 'messages',
 *     where: { token_count: { eq: 0 }, content: { ne: '' } },
 *     reads: ['content'],
 *     sets: ['token_count'],
 *     set: ({ content }) => ({ token_count: countTokens(String(content)) }),
 *   }),
 * })
 */
export function sqliteBackfill<R extends object = Row>(options: SqliteBackfillOptions<R>): FlowBackfill {
  const where = `sqliteBackfill ${typeof options?.name === 'string' ? options.name : ''}`.trimEnd()
  checkOptionNames(where, options, optionNames)
  checkText(where, 'name', options.name)
  if (options.version !== undefined) checkText(where, 'version', options.version)
  checkWholeNumber(where, 'batchSize', options.batchSize, 1)
  checkRequirements(where, options.requires)
  checkReads(where, options.reads)
  const { name, version, batchSize, requires = [], set } = options
  const reads = closedReads(options.reads)
  const expressions = typeof set === 'function' ? undefined : checkedExpressions(where, set, options.sets)
  const selection = {
    ...checkedSelection(where, options),
    reads: isList(reads) ? reads : [],
    ...(expressions === undefined ? {} : { expressions }),
  }
  const { synchronous: _, ...location } = locationOf(options)
  const about = {
    name,
    ...(version === undefined ? {} : { version }),
    ...(batchSize === undefined ? {} : { batchSize }),
  }
  if (typeof set !== 'function') {
    const source = from(backfillSource({ name, location, selection, reads, requires, fusion: null }))
    return { ...about, source, sink: updateSink<Row>(options, selection, () => ({ toComputed: keyOnly, fused: null })) }
  }
  const setter = new Setter(where, set as (row: Row, context: TransformContext) => unknown, options.sets, reads)
  return {
    ...about,
    source: from(backfillSource({ name, location, selection, reads, requires, fusion: setter.fusion })).pipe(
      transformer({ name: 'set', transform: (row: Row, context) => setter.step(row, context) }),
    ) as Flow<object> as Flow<Row>,
    sink: updateSink<Row>(options, selection, (plan, connection) => setter.recordsFor(plan, connection)),
  }
}

function keyOnly(row: Row): Computed {
  return { row, set: {} }
}

function checkedExpressions(
  where: string,
  set: Readonly<Record<string, string>>,
  sets: readonly string[],
): Readonly<Record<string, string>> {
  const isObject = typeof set === 'object' && set !== null
  const names = isObject ? Object.keys(set) : []
  const isComplete = names.length === sets?.length && names.every((name) => sets.includes(name))
  if (isObject && isComplete && names.every((name) => typeof set[name] === 'string' && set[name] !== '')) {
    return mapValues(set, closedSql)
  }
  throw new DroverError(
    'OPTION_INVALID',
    `${where}: set is a function, or an object with SQL for each column of sets (${String(sets)}).`,
  )
}

function closedReads(reads: BackfillReads = []): BackfillReads {
  return isList(reads) ? reads : mapValues(reads, closedSql)
}

function mapValues(
  object: Readonly<Record<string, string>>,
  change: (value: string) => string,
): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, change(value)]))
}

function checkReads(where: string, reads: unknown): void {
  if (reads === undefined) return
  const values = typeof reads === 'object' && reads !== null ? Object.values(reads) : [undefined]
  if (values.every((value) => typeof value === 'string' && value !== '')) return
  throw new DroverError('OPTION_INVALID', `${where}: reads is a list of columns, or an object of names and SQL.`)
}
