import type { CrashPair } from '@drover/conformance/crash'
import { parquetPipelines, postgresParquetPipelines } from './pairs/parquet-pipelines.js'

/** Columns, which take their time to load. */
export const pairs: Readonly<Record<string, CrashPair>> = { ...parquetPipelines, ...postgresParquetPipelines }

export const needPostgres: readonly string[] = Object.keys(postgresParquetPipelines)
