import { DuckDBInstance } from '@duckdb/node-api'

/** What the file has of a type of keys. */
export interface OfType {
  readonly type: string
  readonly keys: number
  /** Of these, how many expire. */
  readonly expire: number
}

/** What the file has of a thread. */
export interface Thread {
  readonly thread: string
  readonly steps: number
  readonly tokens: number
}

/** How many keys of each type there are in the file. */
export function keysByType(file: string): Promise<OfType[]> {
  return ask(`
    SELECT type, count(*)::int AS keys, count(expires_at)::int AS expire
    FROM read_parquet('${quoted(file)}') GROUP BY type ORDER BY type`)
}

/**
 * The longest threads. A string of Redis is a JSON text in the column `value`; what stands in it is JSON of the application's own. The
 * thread is taken from there: names of keys are not cut, because a thread's name may have a colon in it.
 */
export function longestThreads(file: string): Promise<Thread[]> {
  return ask(`
    WITH checkpoints AS (
      SELECT (value ->> '$')::json AS checkpoint FROM read_parquet('${quoted(file)}') WHERE type = 'string'
    )
    SELECT checkpoint ->> '$.thread_id' AS thread, count(*)::int AS steps,
      sum(list_sum((checkpoint -> '$.channel_values.messages[*].tokens')::int[]))::int AS tokens
    FROM checkpoints GROUP BY thread ORDER BY tokens DESC, thread LIMIT 5`)
}

async function ask<T>(query: string): Promise<T[]> {
  const duckdb = await DuckDBInstance.create()
  const connection = await duckdb.connect()
  try {
    return (await connection.runAndReadAll(query)).getRowObjectsJS() as unknown as T[]
  } finally {
    connection.closeSync()
    duckdb.closeSync()
  }
}

function quoted(path: string): string {
  return path.replaceAll('\\', '/').replaceAll("'", "''")
}
