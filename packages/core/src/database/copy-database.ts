import type { Database } from '../contracts/database.js'
import type { Report } from '../contracts/report.js'
import type { Row } from '../contracts/values.js'
import type { LiveRun } from '../engine/live-run.js'
import type { PipelineOptions } from '../engine/options.js'
import { invalid, runOptionNames } from '../engine/run-options.js'
import { runPipeline, startPipeline } from '../engine/run-pipeline.js'
import { checkChoice, checkFlag, checkNames, checkOptionNames, checkText, shown } from '../errors/check-options.js'
import { globPattern } from '../filters/pattern.js'
import { tablesSink } from './tables-sink.js'
import { tablesSource } from './tables-source.js'

/** Options of {@link copyDatabase}: those of a pipeline, with databases for its source and sink. */
export interface CopyDatabaseOptions
  extends Omit<PipelineOptions<Row>, 'name' | 'source' | 'sink' | 'allowDuplicates' | 'deletes'> {
  /** The run's identity. @default both names: `copy of sqlite chat.db to postgres localhost/chat` */
  readonly name?: string
  readonly from: Database
  readonly to: Database
  /** Patterns of the names of tables: `*` any run of characters, `?` one, `[abc]`. @default ['*'] */
  readonly include?: readonly string[]
  /** Patterns of tables that are left out; they go before `include`. @default [] */
  readonly exclude?: readonly string[]
  /**
   * What becomes of a row whose key is in the table already: the copy is refused, the row is left alone, or it is replaced.
   * @default 'error'
   */
  readonly onConflict?: 'error' | 'skip' | 'update'
  /** Make the foreign keys in the copy, and check them when all rows are there. @default true */
  readonly foreignKeys?: boolean
  /** Tables that are copied side by side. @default 1 */
  readonly parallel?: number
}

/**
 * Copies the tables of a database into another one, of the same kind or not, in one run with one report: each table is a partition of
 * it. Tables that are missing are created with their keys. Those that others refer to come first; foreign keys are made, or
 * checked, when all rows are there. Called again it goes on where it stands; a completed copy does nothing again.
 *
 * ```ts
 * const report = await copyDatabase({
 *   from: sqliteDatabase({ filename: 'chat.db' }),
 *   to: postgresDatabase({ connection: process.env.DATABASE_URL }),
 *   exclude: ['cache_*'],
 * })
 * ```
 *
 * @throws what `runPipeline` throws; `NAME_UNKNOWN` for a table that is not there; `TABLES_REFUSED` before the first write, with all
 * that stands in the way of any table; `FOREIGN_KEY_BROKEN` when all rows are there and some refer to rows that are not.
 */
export async function copyDatabase(options: CopyDatabaseOptions): Promise<Report> {
  return runPipeline(databaseCopy(options))
}

/** Starts a copy and returns at once, to be watched, slowed, paused and stopped. */
export function startDatabaseCopy(options: CopyDatabaseOptions): LiveRun {
  return startPipeline(databaseCopy(options))
}

const optionNames = [
  ...runOptionNames,
  'name',
  'from',
  'to',
  'include',
  'exclude',
  'onConflict',
  'foreignKeys',
  'parallel',
  'maxInFlightBytes',
  'deadLetters',
  'redact',
]

/** A copy as a pipeline: for `pipelineTask` and `dryRun`. @throws `OPTION_INVALID` */
export function databaseCopy(options: CopyDatabaseOptions): PipelineOptions<Row> {
  const where = 'copyDatabase'
  if (typeof options !== 'object' || options === null)
    throw invalid(where, `options is an object, not ${shown(options)}`)
  checkOptionNames(where, options, optionNames)
  const { from, to, include, exclude, onConflict = 'error', foreignKeys = true, ...run } = options
  for (const [name, database] of Object.entries({ from, to })) checkDatabase(where, name, database)
  if (from.name === to.name) throw invalid(where, `from and to are both ${from.name}`)
  const { name = `copy of ${from.name} to ${to.name}` } = options
  checkText(where, 'name', name)
  checkPatterns(where, 'include', include, 1)
  checkPatterns(where, 'exclude', exclude, 0)
  checkChoice(where, 'onConflict', onConflict, ['error', 'skip', 'update'])
  checkFlag(where, 'foreignKeys', foreignKeys)
  const selection = { ...(include === undefined ? {} : { include }), ...(exclude === undefined ? {} : { exclude }) }
  const { again = 'nothing', state } = options
  return {
    ...run,
    name,
    source: tablesSource(from, selection),
    sink: tablesSink({ name, from, to, selection, onConflict, foreignKeys, again, state }),
  }
}

function checkDatabase(where: string, option: string, database: unknown): void {
  const { connect, name, stateStore } = Object(database) as Partial<Database>
  if (typeof connect === 'function' && typeof name === 'string' && typeof stateStore === 'function') return
  throw invalid(where, `${option} is a database, such as sqliteDatabase({ filename }), not ${shown(database)}`)
}

function checkPatterns(where: string, option: string, patterns: unknown, least: number): void {
  checkNames(where, option, patterns, least)
  for (const pattern of (patterns ?? []) as readonly string[]) globPattern(pattern, `${where}: ${option}`)
}
