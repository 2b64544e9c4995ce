import type { QdrantRecord } from '@drover/adapter-qdrant'
import { type ConnectOperation, DroverError, type Source } from '@drover/core'
import { adapterOf } from '../../base/adapters.js'
import { decodingSource } from '../../base/decoding-source.js'
import { placeName } from '../../base/place-name.js'
import type { CheckpointRecord } from '../../records/checkpoint-record.js'
import type { MessageRecord } from '../../records/message-record.js'
import { checkpointSchema, messageSchema } from '../../records/schemas.js'
import type { LayoutName, LayoutOptions } from '../layout.js'
import { messageOfDocument } from './document-payload.js'
import { messageOfPayload } from './message-payload.js'
import { having, lacking, qdrantPlace } from './qdrant-place.js'
import { recordOfLegacy } from './unified-legacy.js'
import { recordOfUnified } from './unified-payload.js'

/** Fields of a payload that make a point one of a layout. */
export const marks = {
  'unified-qdrant': ['thread_id', 'checkpoint'],
  'unified-qdrant-messages': ['session_id', 'content'],
  'langchain-qdrant': ['page_content'],
} as const satisfies Partial<Record<LayoutName, readonly string[]>>

/** The layouts that lie in Qdrant. */
export type QdrantLayoutName = keyof typeof marks

/** Checkpoints of a collection: those that Drover wrote, and those of the unified checkpointer for Python. */
export function unifiedSource(options: LayoutOptions): Source<CheckpointRecord> {
  const layout = 'unified-qdrant'
  return decodingSource<QdrantRecord, CheckpointRecord>(points(layout, options), {
    name: `${layout} ${placeName(options.place)}`,
    schema: checkpointSchema,
    // A namespace may be missing, which is the empty one: so no condition on it is asked of Qdrant.
    sameFields: { thread_id: 'payload.thread_id', checkpoint_id: 'payload.id' },
    keyOf: ({ thread_id, checkpoint_ns, checkpoint_id }) => [thread_id, checkpoint_ns, checkpoint_id],
    decode: ({ payload }) =>
      payload?.serialized === undefined ? recordOfLegacy(payload ?? {}) : recordOfUnified(payload),
    rawOf,
  })
}

/** Messages that Drover wrote into a collection of unified memory. */
export function unifiedMessages(options: LayoutOptions): Source<MessageRecord> {
  const layout = 'unified-qdrant-messages'
  return decodingSource<QdrantRecord, MessageRecord>(points(layout, options), {
    name: `${layout} ${placeName(options.place)}`,
    schema: messageSchema({ kind: 'json' }, true),
    sameFields: { session_id: 'payload.session_id' },
    keyOf: ({ session_id, order }) => [session_id, order],
    decode: ({ payload }) => messageOfPayload(payload ?? {}),
    rawOf,
  })
}

/** Documents of LangChain's vector store, and messages that Drover wrote as such. */
export function langchainDocuments(options: LayoutOptions): Source<MessageRecord> {
  const layout = 'langchain-qdrant'
  return decodingSource<QdrantRecord, MessageRecord>(points(layout, options), {
    name: `${layout} ${placeName(options.place)}`,
    schema: messageSchema({ kind: 'json' }, true),
    sameFields: {},
    keyOf: ({ session_id, order }) => [session_id, order],
    decode: ({ id, payload }) => messageOfDocument(payload ?? {}, String(id)),
    rawOf,
  })
}

/** Points of a layout, without their vectors; those that are none of it are counted, and said. */
function points(layout: QdrantLayoutName, options: LayoutOptions) {
  const place = qdrantPlace(layout, options)
  return async (operation: ConnectOperation): Promise<Source<QdrantRecord>> => {
    const { qdrantSource } = await adapterOf('qdrant')
    const read = (filter: object) => qdrantSource({ ...place, filter, vectors: false })
    const count = async (filter: object): Promise<number> => {
      await using session = await read(filter).connect(operation)
      return (await session.count?.(operation))?.value ?? 0
    }
    const others = await count(lacking(...marks[layout]))
    if (others > 0 && (await count(having(...marks[layout]))) === 0) {
      throw new DroverError(
        'SOURCE_INVALID',
        `${placeName(options.place)} has ${others} points, and none of the layout "${layout}": none has ${marks[layout].join(' and ')} in its payload. Leave out layout, and it is found out.`,
      )
    }
    if (others > 0) {
      operation.warn?.({
        code: 'KEYS_LEFT_OUT',
        message: `${placeName(options.place)}: ${others} points were left out, for they have no ${marks[layout].join(' or no ')} in their payload.`,
      })
    }
    return read(having(...marks[layout]))
  }
}

function rawOf({ payload }: QdrantRecord): Uint8Array {
  return Buffer.from(
    JSON.stringify(payload, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
  )
}
