import { type ExactSinkHarnessFactory, exactSinkSuite } from '@drover/conformance'
import type { Row } from '@drover/core'
import { describeRedis, useRedis } from '@drover-internal/redis-server/vitest'
import { redisSource } from '../source/redis-source.js'
import { type RedisSinkOptions, redisSink } from './redis-sink.js'
import { readSink, readSource } from './testing/read-sink.js'
import { asRow, restoring } from './testing/restoring.js'

describeRedis('redisSink', () => {
  const database = useRedis()

  /** All rows go into one database, which is emptied for each store. */
  const harnessOf =
    (options: Partial<RedisSinkOptions>): ExactSinkHarnessFactory['create'] =>
    async ({ schema, onConflict = 'error' }) => {
      await database.client.flushdb()
      const open = () =>
        redisSink({
          connection: database.url,
          key: `row:${schema.key.map((name) => `{${name}}`).join(':')}`,
          onConflict: onConflict === 'merge' ? { merge: ['score'] } : onConflict,
          ...options,
        })
      return {
        open,
        contents: () => readSink(open(), schema),
        refusable: (row: Row) => ({ ...row, name: () => {} }),
        [Symbol.asyncDispose]: async () => {},
      }
    }

  const values = [
    'boolean',
    'int32',
    'int64',
    'float64',
    'negativeZero',
    'infinity',
    'nan',
    'text',
    'nulText',
    'bytes',
    'decimal',
    'json',
    'timestampMs',
    'timestampUs',
    'date',
    'uuid',
    'vector',
  ] as const

  exactSinkSuite('redisSink of strings', {
    capabilities: {
      values: [...values, 'any'],
      keys: ['int', 'bigint', 'text', 'composite'],
      conflicts: ['error', 'skip', 'update'],
      refuses: true,
      tellsRow: true,
      readBack: true,
    },
    create: harnessOf({ as: 'string' }),
  })

  exactSinkSuite('redisSink of hashes', {
    capabilities: {
      values,
      loses: ['any'],
      keys: ['int', 'bigint', 'text', 'composite'],
      conflicts: ['error', 'skip', 'update', 'merge'],
      refuses: true,
      tellsRow: true,
      readBack: true,
    },
    create: harnessOf({ as: 'hash' }),
  })

  exactSinkSuite('redisSink of records of redisSource', {
    capabilities: {
      values: ['text', 'int32', 'nulText'],
      keys: ['int', 'text', 'composite'],
      conflicts: ['error', 'skip', 'update'],
      refuses: true,
      tellsRow: true,
    },
    create: async ({ schema, onConflict = 'error' }) => {
      await database.client.flushdb()
      return {
        open: () => restoring(redisSink({ connection: database.url, onConflict: onConflict as 'error' }), schema.key),
        contents: async () => (await readSource(redisSource({ connection: database.url, keyPrefix: '' }))).map(asRow),
        refusable: (row: Row) => ({ ...row, refused: true }),
        [Symbol.asyncDispose]: async () => {},
      }
    },
  })
})
