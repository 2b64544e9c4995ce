import { type AckSinkHarnessFactory, ackSinkSuite } from '@drover/conformance'
import type { RecordSchema, Row } from '@drover/core'
import { useQdrant } from '@drover-internal/qdrant-server/vitest'
import { describe } from 'vitest'
import { qdrantSink } from './qdrant-sink.js'
import type { QdrantSinkOptions } from './sink-options.js'
import { readSink } from './testing/read-sink.js'

describe('qdrantSink', () => {
  const qdrant = useQdrant()

  const harnessOf =
    (options: (schema: RecordSchema) => Partial<QdrantSinkOptions<Row>>): AckSinkHarnessFactory['create'] =>
    async ({ schema }) => {
      const collection = qdrant.collection()
      const open = () =>
        qdrantSink<Row>({
          url: qdrant.url,
          ...(qdrant.apiKey === undefined ? {} : { apiKey: qdrant.apiKey }),
          collection,
          ...options(schema),
        })
      return {
        open: open as never,
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
  ] as const
  const capabilities = {
    values,
    refuses: true,
    tellsRow: true,
    readBack: true,
    keys: ['int', 'bigint', 'text', 'composite'],
  } as const

  ackSinkSuite('qdrantSink of payloads', {
    capabilities: { ...capabilities, values: [...values, 'vector'] },
    create: harnessOf(({ fields }) => ({
      create: { vectors: fields.some(({ type }) => type.kind === 'vector') ? { size: 4, distance: 'Dot' } : {} },
      ...(fields.some(({ type }) => type.kind === 'vector') ? {} : { vector: {} }),
    })),
  })
})
