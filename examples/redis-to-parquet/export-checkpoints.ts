import { redisSource } from '@drover/adapter-redis'
import { type Report, runPipeline } from '@drover/core'
import { parquetSink } from '@drover/export-parquet'

export interface ExportOptions {
  readonly connection: string
  /** The file. */
  readonly outputPath: string
  /** End the call after so many keys; the next one goes on. @default at the end */
  readonly stopAfter?: number | undefined
}

/** Every key that begins with `checkpoint:`, as a row of a Parquet file. Called again after it was stopped or killed it goes on where it was. */
export function exportCheckpoints({ connection, outputPath, stopAfter }: ExportOptions): Promise<Report> {
  return runPipeline({
    name: 'checkpoints-to-parquet',
    source: redisSource({ connection, keyPrefix: 'checkpoint:', decodeResponses: true }),
    sink: parquetSink({ outputPath, compression: 'snappy' }),
    ...(stopAfter === undefined ? {} : { stopAfter: { records: stopAfter } }),
  })
}
