import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { checkOptionNames, checkText, type Operation, outputError } from '@drover/core'
import { placeText } from '../backup/durable-file.js'
import { withDatabase } from '../backup/with-database.js'
import { readCatalog } from '../catalog/read-catalog.js'
import type { SchemaDatabase } from '../contracts/database.js'
import type { SchemaLocation } from '../contracts/migrator.js'
import type { Baseline, BaselineQuery } from './baseline-file.js'
import { measureQuery } from './measure-query.js'
import { readQueries } from './named-queries.js'
import { planOf } from './query-plan.js'
import { onReadingConnection } from './reading-connection.js'

export interface RecordBaselineOptions extends Partial<Operation> {
  /** @default the variable DATABASE_URL */
  readonly connection?: SchemaLocation | SchemaDatabase
  /** A file with queries, each below a line `-- name: recent_calls`. They only read, and take no parameters. */
  readonly queries: string
  /** Where the baseline is written. */
  readonly to: string
  /** How long one run of a query may take, in milliseconds. PostgreSQL. @default 60000 */
  readonly timeoutMs?: number
}

/**
 * Notes how queries fare on a database: which indexes they use, and how long they take. Taken before a migration, {@link compareBaseline} says behind it whether it made any of them worse.
 *
 * @throws `OPTION_INVALID`, `SOURCE_NOT_FOUND`
 *
 * @example
 * await recordBaseline({ connection: 'app.db', queries: 'queries.sql', to: 'baseline.json' })
 */
export async function recordBaseline(options: RecordBaselineOptions): Promise<Baseline> {
  const where = 'recordBaseline'
  checkOptionNames(where, options, ['connection', 'queries', 'to', 'timeoutMs', 'signal'])
  checkText(where, 'queries', options.queries)
  checkText(where, 'to', options.to)
  const { signal = new AbortController().signal, timeoutMs = 60_000 } = options
  return withDatabase(options.connection, where, async (database) => {
    const queries = await readQueries(options.queries, database.dialect)
    const baseline = await onReadingConnection(
      database,
      timeoutMs,
      { signal },
      async (connection): Promise<Baseline> => {
        const catalog = await readCatalog((sql, values) => connection.query(sql, values), connection.dialect)
        const measured: BaselineQuery[] = []
        for (const query of queries) {
          signal.throwIfAborted()
          const plan = await planOf(connection, catalog, query.sql)
          measured.push({ ...query, plan, ...(await measureQuery(connection, query.sql)) })
        }
        return {
          drover: 'baseline',
          format: 1,
          at: new Date().toISOString(),
          database: database.name,
          dialect: database.dialect,
          version: connection.version,
          queries: measured,
        }
      },
    )
    try {
      await mkdir(dirname(options.to), { recursive: true })
      await placeText(options.to, `${JSON.stringify(baseline, null, 1)}\n`)
    } catch (error) {
      throw outputError(error, options.to)
    }
    return baseline
  })
}
