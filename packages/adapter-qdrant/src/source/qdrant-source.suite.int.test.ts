import { sourceSuite } from '@drover/conformance'
import { useQdrant } from '@drover-internal/qdrant-server/vitest'
import { describe } from 'vitest'
import { qdrantSource } from './qdrant-source.js'
import { putPoints } from './testing/points.js'
import { packed, shapedSource } from './testing/shaped-source.js'

describe('conformance', () => {
  const qdrant = useQdrant()

  sourceSuite('qdrantSource', {
    capabilities: {
      // Integers are ids themselves; other keys make UUIDs.
      keys: ['bigint', 'composite'],
      values: ['boolean', 'int64', 'float64', 'negativeZero', 'infinity', 'nan', 'text', 'nulText', 'bytes', 'json'],
      count: 'exact',
      partitions: true,
      split: true,
    },
    create: async (schema) => {
      const collection = qdrant.collection()
      const { url, apiKey } = qdrant
      await qdrant.client.createCollection(collection, { vectors: {} })
      return {
        open: () => shapedSource(qdrantSource({ url, apiKey, collection }), schema),
        seed: (records) =>
          putPoints(
            { url, apiKey },
            collection,
            records.map((record) => packed(record, schema)),
          ),
        [Symbol.asyncDispose]: async () => {
          await qdrant.client.deleteCollection(collection)
        },
      }
    },
  })
})
