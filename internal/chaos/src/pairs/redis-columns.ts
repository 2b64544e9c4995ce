import { join } from 'node:path'
import { postgresSink, postgresSource } from '@drover/adapter-postgres'
import { type RedisRecord, redisSink, redisSource } from '@drover/adapter-redis'
import { encodeJson, type Row } from '@drover/core'
import { parquetSink } from '@drover/export-parquet'
import { herd, walk } from '../herd.js'
import { rowsInParquet } from '../parquet-files.js'
import { beginTrial, headsAt, placeOf, prepareHerd, rowsAt } from '../postgres-place.js'
import { keysAt } from '../redis-keys.js'
import { beginRedis, redisAt } from '../redis-place.js'
import { pipelinePair } from './pipeline-pair.js'
import { columnsOf, fromRedis, parsed, ride } from './redis-pipelines.js'

/** A trial that lives in two servers. */
async function beginBoth(directory: string): Promise<AsyncDisposable> {
  const begun = [await beginTrial(directory), await beginRedis(directory)]
  return {
    async [Symbol.asyncDispose]() {
      for (const one of begun) await one[Symbol.asyncDispose]()
    },
  }
}

/** Readers of Parquet give a Date. */
const instant = (row: Row): Row => ({
  ...row,
  expires_at: row.expires_at instanceof Date ? row.expires_at.toISOString() : row.expires_at,
})

/** Rows as JSON texts under their ids. */
const jsonText = (row: Row): Row => ({ key: `arrived:${row.id}:${row.part}`, value: JSON.parse(encodeJson(row)) })

export const redisColumns = {
  'redis-to-parquet': pipelinePair<RedisRecord>({
    ...fromRedis,
    sink: (directory) => parquetSink({ outputPath: join(directory, 'keys.parquet'), rowGroupRows: 300 }),
    // As they come: strings are poured into columns.
    source: (directory) => redisSource({ connection: redisAt(directory), types: 'string' }),
    rows: async (directory) => (await rowsInParquet(join(directory, 'keys.parquet'))).map(instant),
    journey: { ...ride, arrived: (keys) => keys.filter(({ type }) => type === 'string') },
    parallel: 2,
  }),
}

export const redisPostgresColumns = {
  'redis-to-postgres': pipelinePair<RedisRecord>({
    ...fromRedis,
    prepare: async (directory, random) => {
      await prepareHerd(directory, [])
      await fromRedis.prepare(directory, random)
    },
    begin: beginBoth,
    sink: (directory) => {
      const { connection, schema } = placeOf(directory)
      return postgresSink({ connection, table: `${schema}.arrived`, stateSchema: schema })
    },
    rows: async (directory) => (await rowsAt(directory, 'SELECT * FROM arrived')).map(instant).map(parsed),
    journey: columnsOf,
    parallel: 2,
  }),
  'postgres-to-redis': pipelinePair({
    prepare: (directory, random) => prepareHerd(directory, herd(random)),
    begin: beginBoth,
    heads: headsAt,
    source: (directory) => {
      const { connection, schema } = placeOf(directory)
      return postgresSource({ connection, table: `${schema}.heads` })
    },
    sink: (directory) => redisSink({ connection: redisAt(directory), key: 'arrived:{id}:{part}', as: 'string' }),
    rows: async (directory) =>
      (await keysAt(redisAt(directory), 'arrived:')).map(({ key, value }) => ({
        key,
        value: JSON.parse(String(value)),
      })),
    journey: { ...walk, arrived: (heads) => walk.arrived(heads).map(jsonText) },
    parallel: 2,
  }),
}
