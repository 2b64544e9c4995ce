import { postgresSource, postgresStateStore } from '@drover/adapter-postgres'
import { type Report, runPipeline } from '@drover/core'
import { parquetSink } from '@drover/export-parquet'

export interface ExportOptions {
  /** Of the database with the table `messages`, which keeps the state of the run too. */
  readonly connection: string
  /** The data set. */
  readonly folder: string
}

/**
 * Every day that is over and not yet exported, in UTC. PostgreSQL computes the day, so that its rows go into columns without having been
 * records; and what it leaves out is not read.
 */
const query = `
  SELECT *, (created_at AT TIME ZONE 'UTC')::date AS day
  FROM messages
  WHERE created_at < date_trunc('day', now(), 'UTC')`

/**
 * The nightly export. The first call exports everything, each later one what came since; called again after it was killed it goes on
 * behind the last row group.
 */
export function exportMessages({ connection, folder }: ExportOptions): Promise<Report> {
  return runPipeline({
    name: 'messages-to-parquet',
    source: postgresSource({ connection, query, key: ['created_at', 'id'], name: 'messages' }),
    sink: parquetSink({ outputPath: folder, partitionBy: ['day'], compression: 'zstd' }),
    again: 'incremental',
    state: postgresStateStore({ connection }),
  })
}
