import { join } from 'node:path'
import { postgresSource } from '@drover/adapter-postgres'
import { memorySource, runPipeline } from '@drover/core'
import { type ParquetSinkOptions, parquetSink, parquetSource } from '@drover/export-parquet'
import { type Head, herd, ride } from '../herd.js'
import { rowsInDataSet, rowsInParquet } from '../parquet-files.js'
import { beginTrial, headsAt, placeOf, prepareHerd } from '../postgres-place.js'
import { type PipelineStores, pipelinePair } from './pipeline-pair.js'
import { fromSqlite, toSqlite } from './pipelines.js'

/** What the sample would say of the first heads alone is not true of all. */
const types = { id: 'int32', text: 'text', big: 'int64', score: 'float64', payload: 'bytes' } as const

/** Several row groups, so that some are in the file when a process ends, and some rows in none. */
const rowGroupRows = 300

function toFile(options: Partial<ParquetSinkOptions> = {}) {
  const file = (directory: string): string => join(directory, 'out', 'herd.parquet')
  return {
    sink: (directory: string) => parquetSink({ outputPath: file(directory), rowGroupRows, ...options }),
    rows: (directory: string) => rowsInParquet(file(directory)),
  }
}

/** A folder for each pen, of which few are kept in memory. */
function toDataSet(options: Partial<ParquetSinkOptions> = {}) {
  const folder = (directory: string): string => join(directory, 'set')
  return {
    sink: (directory: string) =>
      parquetSink({
        outputPath: folder(directory),
        partitionBy: ['pen'],
        rowGroupRows: 100,
        openFolders: 2,
        fileBytes: 8_000,
        compression: 'zstd',
        ...options,
      }),
    rows: (directory: string) => rowsInDataSet(folder(directory)),
  }
}

/** Pages that are poured into columns. */
const fromPostgres = {
  prepare: (directory, random) => prepareHerd(directory, herd(random)),
  heads: headsAt,
  source: (directory) => {
    const { connection, schema } = placeOf(directory)
    return postgresSource({ connection, table: `${schema}.heads` })
  },
  journey: ride,
  parallel: 2,
} satisfies Partial<PipelineStores>

const pens = `
  ALTER TABLE heads ADD COLUMN pen text;
  UPDATE heads SET pen = (ARRAY['a/b', '', NULL, 'ü = 100%', 'plain'])[id % 5 + 1]`

const fromParquet = {
  prepare: async (directory, random) => {
    const path = join(directory, 'herd.parquet')
    await runPipeline({
      name: 'prepare',
      source: memorySource<Head>({ records: herd(random), key: 'id' }),
      sink: parquetSink({ outputPath: path, rowGroupRows, types }),
    })
  },
  heads: async (directory) => (await rowsInParquet(join(directory, 'herd.parquet'))) as Head[],
  source: (directory) => parquetSource({ path: join(directory, 'herd.parquet'), key: 'id' }),
} satisfies Partial<PipelineStores>

export const parquetPipelines = {
  'sqlite-to-parquet': pipelinePair({ ...fromSqlite, ...toFile({ types: { ...types, part: 'int32' } }), parallel: 2 }),
  'parquet-to-sqlite': pipelinePair({ ...fromParquet, ...toSqlite('copy.db'), parallel: 2 }),
}

export const postgresParquetPipelines = {
  'postgres-to-parquet': pipelinePair({ ...fromPostgres, ...toFile(), begin: beginTrial }),
  'postgres-to-parquet-set': pipelinePair({
    ...fromPostgres,
    ...toDataSet(),
    begin: (directory) => beginTrial(directory, pens),
  }),
}
