import { type SourceHarnessFactory, sourceSuite } from '@drover/conformance'
import type { Row } from '@drover/core'
import { describeRedis, useRedis } from '@drover-internal/redis-server/vitest'
import { redisSource } from './redis-source.js'
import { type Packing, pack, packedKey, shapedSource } from './testing/shaped-source.js'

type TestDatabase = ReturnType<typeof useRedis>

let stores = 0

function harness(database: TestDatabase, packing: Packing): SourceHarnessFactory['create'] {
  return async (schema) => {
    const keyPrefix = `rows[${++stores}]*:`
    const { into, decode } = packing
    return {
      open: () => {
        const source = redisSource({ connection: database.url, keyPrefix, types: into, decodeResponses: decode })
        return shapedSource(source, schema, packing)
      },
      seed: (records: readonly Row[]) => pack(database.client, keyPrefix, schema, records, packing),
      spoil: async (record: Row) => {
        const key = packedKey(keyPrefix, schema, record)
        const broken = Buffer.from([0x61, 0xff])
        await database.client.unlink(key)
        if (into === 'string') await database.client.set(key, broken)
        else await database.client.hset(key, 'name', broken)
        return [key]
      },
      [Symbol.asyncDispose]: async () => {
        await database.client.flushdb()
      },
    }
  }
}

describeRedis('conformance', () => {
  const database = useRedis()
  const capabilities = { count: 'exact', partitions: true, split: true } as const

  sourceSuite('redisSource of strings', {
    capabilities: {
      ...capabilities,
      keys: ['int', 'text'],
      values: ['boolean', 'int64', 'float64', 'negativeZero', 'infinity', 'nan', 'bytes', 'decimal', 'json', 'any'],
      unreadable: true,
    },
    create: harness(database, { into: 'string', decode: true }),
  })

  sourceSuite('redisSource of hashes', {
    capabilities: { ...capabilities, keys: ['bigint'], values: ['text', 'nulText', 'json'], unreadable: true },
    create: harness(database, { into: 'hash', decode: true }),
  })

  sourceSuite('redisSource of bytes', {
    capabilities: { ...capabilities, keys: ['composite'], values: ['text', 'nulText', 'bytes'] },
    create: harness(database, { into: 'hash', decode: false }),
  })
})
