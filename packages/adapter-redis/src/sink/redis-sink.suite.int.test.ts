import { type ExactSinkHarnessFactory, exactSinkSuite } from '@drover/conformance'
import { decodeJson, type LogicalType, type Row } from '@drover/core'
import { describeRedis, useRedis } from '@drover-internal/redis-server/vitest'
import type { Redis } from 'ioredis'
import { type RedisSinkOptions, redisSink } from './redis-sink.js'

describeRedis('redisSink', () => {
  const database = useRedis()

  /** A place of its own in the database for each test. */
  let places = 0
  const place = () => `place-${++places}`

  const sinkOf = (prefix: string, keys: readonly string[], options: Partial<RedisSinkOptions>) =>
    redisSink({
      connection: database.url,
      stateKeyPrefix: `${prefix}:`,
      key: `${prefix}:${keys.map((name) => `{${name}}`).join(':')}`,
      ...options,
    })

  const strings: ExactSinkHarnessFactory['create'] = async ({ schema, onConflict = 'error' }) => {
    const prefix = place()
    const anyFields = schema.fields.filter(({ type }) => type.kind === 'any').length > 0
    return {
      open: () => sinkOf(prefix, schema.key, { as: 'string', onConflict: onConflict as 'error' }),
      contents: async () => {
        const texts = await Promise.all((await keysOf(database.client, prefix)).map((key) => database.client.get(key)))
        return texts.map((text) => withTypes(decodeJson(text ?? 'null') as Row, anyFields ? [] : schema.fields))
      },
      refusable: (row: Row) => ({ ...row, name: () => {} }),
      [Symbol.asyncDispose]: async () => {},
    }
  }

  exactSinkSuite('redisSink of strings', {
    capabilities: {
      values: [
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
        'any',
      ],
      keys: ['int', 'bigint', 'text', 'composite'],
      conflicts: ['error', 'skip', 'update'],
      refuses: true,
      tellsRow: true,
    },
    create: strings,
  })
})

/** The keys of a place that are not Drover's. */
async function keysOf(client: Redis, prefix: string): Promise<string[]> {
  const keys: string[] = []
  for await (const found of client.scanStream({ match: `${prefix}:*`, count: 1000 })) keys.push(...(found as string[]))
  return [...new Set(keys)].filter((key) => !key.includes('drover:v1:'))
}

/** What JSON has no type for comes back as the schema says. */
function withTypes(row: Row, fields: readonly { readonly name: string; readonly type: LogicalType }[]): Row {
  const vectors = fields.filter(({ type }) => type.kind === 'vector').map(({ name }) => name)
  for (const name of vectors) if (Array.isArray(row[name])) row[name] = new Float32Array(row[name] as number[])
  return row
}
