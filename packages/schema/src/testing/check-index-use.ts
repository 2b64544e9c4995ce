import { checkOptionNames, checkText, DroverError } from '@drover/core'
import { checkTestDatabase, type TestDatabase } from './test-database.js'

export interface IndexUseOptions {
  readonly database: TestDatabase
  /** A SELECT without placeholders. */
  readonly query: string
  /** The index that it must use. */
  readonly index: string
}

/**
 * Whether a query uses an index, by EXPLAIN. A table with a handful of rows is read from its beginning to its end whatever indexes it has, so PostgreSQL is asked
 * what it would do if that were dear.
 *
 * @throws `BASELINE_WORSE` with the plan
 */
export async function checkIndexUse(options: IndexUseOptions): Promise<void> {
  const where = 'checkIndexUse'
  checkOptionNames(where, options, ['database', 'query', 'index'])
  const { database, query, index } = options
  checkTestDatabase(where, database)
  checkText(where, 'query', query)
  checkText(where, 'index', index)
  const plan = await explain(database, query)
  const isUsed = plan.some((line) => line.split(/[^\w.]+/).includes(index) || line.includes(`"${index}"`))
  if (!isUsed) throw new DroverError('BASELINE_WORSE', `The query does not use ${index}:\n${plan.join('\n')}`)
}

async function explain(database: TestDatabase, query: string): Promise<string[]> {
  if (database.dialect === 'sqlite') {
    return (await database.query(`EXPLAIN QUERY PLAN ${query}`)).map(({ detail }) => String(detail))
  }
  await database.query('SET enable_seqscan = off')
  try {
    return (await database.query(`EXPLAIN ${query}`)).map((row) => String(row['QUERY PLAN']))
  } finally {
    await database.query('RESET enable_seqscan')
  }
}
