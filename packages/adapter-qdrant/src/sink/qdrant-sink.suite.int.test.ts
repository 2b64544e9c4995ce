import { type AckSinkHarnessFactory, ackSinkSuite, killModel } from '@drover/conformance'
import type { RecordSchema, Row } from '@drover/core'
import { useQdrant } from '@drover-internal/qdrant-server/vitest'
import { describe, expect, test } from 'vitest'
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

  ackSinkSuite('qdrantSink of ids that are given', {
    capabilities: { ...capabilities, values: ['json', 'bytes', 'vector'], keys: ['int'] },
    create: harnessOf(({ fields }) => ({
      // Some are negative.
      id: ({ id }) => BigInt(id as number) + 2n ** 63n,
      onConflict: 'skip',
      inFlight: 2,
      batchBytes: 2_000,
      create: { vectors: { v: { size: 4, distance: 'Euclid' } } },
      vector: Object.fromEntries(fields.filter(({ type }) => type.kind === 'vector').map(({ name }) => ['v', name])),
    })),
  })

  test('nothing is lost or doubled, wherever a process ends', { timeout: 60_000 }, async () => {
    const report = await killModel({
      stride: 19,
      create: async ({ sinkSchema }) => {
        const options = { create: {}, batchSize: 10, inFlight: 3 } as const
        const collection = qdrant.collection()
        const open = () => qdrantSink<Row>({ url: qdrant.url, apiKey: qdrant.apiKey, collection, ...options })
        return {
          openSink: open as never,
          contents: () => readSink(open(), sinkSchema),
          [Symbol.asyncDispose]: async () => {},
        }
      },
    })
    expect(report.kills).toBeGreaterThan(10)
    expect(report.zombies).toBeGreaterThan(3)
  })
})
