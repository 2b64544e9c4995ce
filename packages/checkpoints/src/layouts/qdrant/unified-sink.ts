import type { Embedder, QdrantSinkOptions } from '@drover/adapter-qdrant'
import {
  type AckSession,
  type AckSink,
  checkWholeNumber,
  DroverError,
  type Row,
  recordId,
  type Source,
} from '@drover/core'
import { adapterOf } from '../../base/adapters.js'
import { placeName } from '../../base/place-name.js'
import type { CheckpointRecord } from '../../records/checkpoint-record.js'
import type { MessageRecord } from '../../records/message-record.js'
import type { LayoutOptions, LayoutSinkOptions } from '../layout.js'
import { textToEmbed } from './checkpoint-text.js'
import { documentPayload, documentType } from './document-payload.js'
import { messagePayload } from './message-payload.js'
import { qdrantPlace } from './qdrant-place.js'
import { unifiedPayload } from './unified-payload.js'
import { langchainDocuments, type QdrantLayoutName, unifiedMessages, unifiedSource } from './unified-source.js'

type SinkRecord = CheckpointRecord | MessageRecord

/** A point on its way. */
interface Made {
  readonly payload: Row
  /** What is embedded; empty if nothing is said. */
  readonly text: string
}

/** Numbers of a vector of unified memory, where nothing else is said. */
const defaultDimensions = 768

/** A batch is large by its bytes long before it is by its records. */
const batchSize = 500
const batchBytes = 16 * 1024 * 1024

/**
 * Writes checkpoints, or messages, as points of unified memory: once per key, each under the UUID of its whole key. The vector is that of what it says, made by
 * `embed`; without it, or where nothing is said, it is zero throughout.
 */
export function unifiedSink(
  layout: 'unified-qdrant' | 'unified-qdrant-messages',
  options: LayoutOptions & LayoutSinkOptions,
): AckSink<SinkRecord> {
  return pointSink(layout, options, {
    payloadIndexes: { thread_id: 'keyword' },
    idOf: (record) => recordId({ source: isMessage(record) ? messageKey(record) : checkpointKey(record), child: 0 }),
    make: (record) => {
      if (isMessage(record)) {
        const payload = messagePayload(record)
        return { payload, text: String(payload.text) }
      }
      const { payload, text } = unifiedPayload(record)
      return { payload, text: textToEmbed(text) }
    },
    readBack: () => ({
      ...unifiedSource(options),
      connect: (operation) => {
        const { fields = [] } = operation.expected ?? {}
        const areMessages = layout !== 'unified-qdrant' || fields.some(({ name }) => name === 'session_id')
        return areMessages ? unifiedMessages(options).connect(operation) : unifiedSource(options).connect(operation)
      },
    }),
  })
}

/** Writes messages as documents of LangChain's vector store: once per key. Documents keep their ids. */
export function langchainSink(options: LayoutOptions & LayoutSinkOptions): AckSink<SinkRecord> {
  const layout = 'langchain-qdrant'
  if (options.embed === undefined) {
    throw new DroverError(
      'OPTION_INVALID',
      `${layout}: embed is needed, the function that makes vectors of texts: LangChain finds documents by nothing else.`,
    )
  }
  return pointSink(layout, options, {
    payloadIndexes: {},
    idOf: (record) => {
      const message = requireMessage(layout, record)
      const isPoint = message.type === documentType && /^\d+$|-/.test(String(message.order))
      return isPoint ? pointIdOf(message.order) : recordId({ source: messageKey(message), child: 0 })
    },
    make: (record) => {
      const payload = documentPayload(requireMessage(layout, record))
      return { payload, text: String(payload.page_content) }
    },
    readBack: () => langchainDocuments(options),
  })
}

interface Making {
  readonly payloadIndexes: Readonly<Record<string, string>>
  readonly idOf: (record: SinkRecord) => string | number | bigint
  readonly make: (record: SinkRecord) => Made
  readonly readBack: () => Source<object>
}

function pointSink(
  layout: QdrantLayoutName,
  options: LayoutOptions & LayoutSinkOptions,
  making: Making,
): AckSink<SinkRecord> {
  const place = qdrantPlace(layout, options)
  checkWholeNumber(layout, 'dimensions', options.dimensions, 1)
  const { onConflict = 'update', embed, embedding } = options
  if (onConflict === 'error') {
    throw new DroverError(
      'OPTION_INVALID',
      `${layout}: onConflict is 'update' or 'skip': after a crash the last batches are written again, and 'error' would refuse them for the points that they made.`,
    )
  }
  const model = embed as Embedder | undefined
  const dimensions = options.dimensions ?? model?.dimensions ?? defaultDimensions
  const zero = new Float32Array(dimensions)
  const made = memo(making.make)
  const point: QdrantSinkOptions<SinkRecord> = {
    ...place,
    id: making.idOf,
    payload: (record) => made(record).payload,
    vector: (record) => (embed === undefined || made(record).text.trim() === '' ? zero : null),
    create: { vectors: { size: dimensions, distance: 'Cosine' }, payloadIndexes: making.payloadIndexes },
    onConflict,
    batchSize,
    batchBytes,
    ...(model === undefined ? {} : { embed: model, embedText: (record) => made(record).text }),
    ...(embedding === undefined ? {} : { embedding }),
  }
  return {
    specVersion: 1,
    name: `${layout} ${placeName(options.place)}`,
    version: [onConflict, dimensions, embed === undefined ? 'zero' : (model?.model ?? 'function')].join(' '),
    guarantee: 'idempotent',
    inFlight: 4,
    batchSize,
    limits: { bytes: batchBytes },
    connect: async (operation) => {
      const { qdrantSink } = await adapterOf('qdrant')
      const session = await qdrantSink(point).connect(operation)
      const readBack = (): Source => making.readBack() as Source
      return Object.assign(session, { readBack }) as AckSession<SinkRecord>
    },
  }
}

/** What was made of a record is asked for several times: for its payload, its vector, its text. */
function memo(make: (record: SinkRecord) => Made): (record: SinkRecord) => Made {
  let last: { readonly record: SinkRecord; readonly made: Made } | undefined
  return (record) => {
    if (last?.record !== record) last = { record, made: make(record) }
    return last.made
  }
}

function checkpointKey({ thread_id, checkpoint_ns, checkpoint_id }: CheckpointRecord): string[] {
  return [thread_id, checkpoint_ns, checkpoint_id]
}

function messageKey({ session_id, order }: MessageRecord): (string | number)[] {
  return [session_id, order]
}

function isMessage(record: SinkRecord): record is MessageRecord {
  return 'session_id' in record && !('checkpoint_id' in record)
}

function requireMessage(layout: string, record: SinkRecord): MessageRecord {
  if (isMessage(record)) return record
  throw new DroverError(
    'RECORD_REFUSED',
    `${layout} takes messages and documents, and this is a checkpoint. Those are kept in the layout "unified-qdrant".`,
  )
}

function pointIdOf(order: string | number): string | number | bigint {
  return typeof order === 'string' && /^\d+$/.test(order) ? BigInt(order) : order
}
