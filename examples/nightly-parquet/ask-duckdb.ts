import { DuckDBInstance } from '@duckdb/node-api'

/** What the data set has of a day. */
export interface Day {
  readonly day: string
  readonly messages: number
  readonly threads: number
  readonly tokens: number
}

/**
 * A query over the files that the manifest names: a folder's reader would see the files of a night that is under way appear one by one.
 *
 * @param folder The data set.
 */
export async function tokensByDay(folder: string): Promise<Day[]> {
  const duckdb = await DuckDBInstance.create()
  const connection = await duckdb.connect()
  try {
    const root = folder.replaceAll('\\', '/').replaceAll("'", "''")
    await connection.run(`
      SET VARIABLE files = (
        SELECT list('${root}/' || file.path)
        FROM (SELECT unnest(files) AS file FROM read_json('${root}/_manifest.json'))
      )`)
    const reader = await connection.runAndReadAll(`
      SELECT day::text AS day, count(*)::int AS messages, count(DISTINCT thread_id)::int AS threads, sum(token_count)::int AS tokens
      FROM read_parquet(getvariable('files'), hive_partitioning = true)
      GROUP BY day ORDER BY day`)
    return reader.getRowObjectsJS() as unknown as Day[]
  } finally {
    connection.closeSync()
    duckdb.closeSync()
  }
}
