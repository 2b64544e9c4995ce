import { checkOptionNames, checkText, DroverError, type Operation } from '@drover/core'
import { withDatabase } from '../backup/with-database.js'
import { readCatalog } from '../catalog/read-catalog.js'
import type { Catalog } from '../contracts/catalog.js'
import type { SchemaConnection, SchemaDatabase } from '../contracts/database.js'
import type { SchemaLocation } from '../contracts/migrator.js'
import { type BaselineQuery, readBaseline } from './baseline-file.js'
import { measureQuery, type Timing } from './measure-query.js'
import { planOf, type QueryPlan } from './query-plan.js'
import { onReadingConnection } from './reading-connection.js'

export interface CompareBaselineOptions extends Partial<Operation> {
  /** @default the variable DATABASE_URL */
  readonly connection?: SchemaLocation | SchemaDatabase
  /** The file that `recordBaseline` wrote. */
  readonly baseline: string
  /** A query is worse if it takes more than that many times as long. @default 2 */
  readonly factor?: number
  /** What it takes longer by may be noise up to this, in milliseconds. @default 5 */
  readonly floorMs?: number
  /** How long one run of a query may take, in milliseconds. PostgreSQL. @default 60000 */
  readonly timeoutMs?: number
}

/** How a query fares now. */
export interface ComparedQuery {
  readonly name: string
  readonly before: Timing & { readonly plan: QueryPlan }
  readonly now: Timing & { readonly plan: QueryPlan }
  /** Changes that make nothing worse: another index in the place of one. */
  readonly notes: readonly string[]
}

/** Measured again so often before a query counts as slower. */
const attempts = 3

/**
 * Runs the queries of a baseline again.
 *
 * @throws `BASELINE_WORSE` if one of them fails, does not use an index any more and no other one of that table either, or takes more than twice as long; all of them are named. `SOURCE_NOT_FOUND`, `SOURCE_INVALID`
 */
export async function compareBaseline(options: CompareBaselineOptions): Promise<readonly ComparedQuery[]> {
  const where = 'compareBaseline'
  checkOptionNames(where, options, ['connection', 'baseline', 'factor', 'floorMs', 'timeoutMs', 'signal'])
  checkText(where, 'baseline', options.baseline)
  const { signal = new AbortController().signal, timeoutMs = 60_000 } = options
  const { queries, dialect, at } = await readBaseline(options.baseline)
  return withDatabase(options.connection, where, async (database) => {
    if (dialect !== database.dialect)
      throw new DroverError(
        'OPTION_INVALID',
        `${where}: ${options.baseline} is of ${dialect}, and ${database.name} is not.`,
      )
    const compared: ComparedQuery[] = []
    const worse: string[] = []
    for (const query of queries) {
      // A query that fails would end a transaction that several have in common.
      await onReadingConnection(database, timeoutMs, { signal }, async (connection) => {
        const catalog = await readCatalog((sql, values) => connection.query(sql, values), dialect)
        try {
          const { result, problems } = await compare(query, connection, catalog, options)
          compared.push(result)
          worse.push(...problems)
        } catch (error) {
          if (signal.aborted || !DroverError.isInstance(error)) throw error
          worse.push(`${query.name} fails: ${error.message}`)
        }
      })
    }
    if (worse.length === 0) return compared
    throw new DroverError(
      'BASELINE_WORSE',
      `${database.name} is worse than its baseline of ${at}:\n${worse.join('\n')}\nMake the index again, or take the migration back.`,
    )
  })
}

async function compare(
  before: BaselineQuery,
  connection: SchemaConnection,
  catalog: Catalog,
  { factor = 2, floorMs = 5 }: CompareBaselineOptions,
): Promise<{ readonly result: ComparedQuery; readonly problems: readonly string[] }> {
  const { name, sql } = before
  const plan = await planOf(connection, catalog, sql)
  const used = new Set(plan.indexes.map(({ index }) => index))
  const problems: string[] = []
  const notes: string[] = []
  for (const { index, table } of before.plan.indexes) {
    if (used.has(index)) continue
    const instead = plan.indexes.filter((each) => each.table === table && table !== '').map((each) => each.index)
    if (instead.length > 0) notes.push(`${name} uses ${instead.join(', ')} instead of ${index}`)
    else
      problems.push(
        `${name} does not use the index ${index} any more: ${plan.lines.map((line) => line.trim()).join('; ')}`,
      )
  }
  let timing = await measureQuery(connection, sql)
  const isSlower = (): boolean =>
    timing.minMs > factor * before.minMs &&
    timing.medianMs > factor * before.medianMs &&
    timing.medianMs - before.medianMs > floorMs
  // The machine may have been busy with something else.
  for (let n = 1; n < attempts && isSlower(); n++) timing = await measureQuery(connection, sql)
  if (isSlower()) problems.push(`${name} takes ${timing.medianMs} ms instead of ${before.medianMs} ms`)
  return { result: { name, before, now: { ...timing, plan }, notes }, problems }
}
