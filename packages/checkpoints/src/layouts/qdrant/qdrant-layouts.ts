import type { Sink } from '@drover/core'
import type { CheckpointRecord } from '../../records/checkpoint-record.js'
import type { MessageRecord } from '../../records/message-record.js'
import type { Layout } from '../layout.js'
import { langchainSink, unifiedSink } from './unified-sink.js'
import { langchainDocuments, unifiedMessages, unifiedSource } from './unified-source.js'

/** Checkpoints and messages in Qdrant. */
export const qdrantLayouts: readonly Layout[] = [
  {
    name: 'unified-qdrant',
    records: 'checkpoints',
    store: 'qdrant',
    source: unifiedSource,
    sink: (options): Sink<CheckpointRecord> => unifiedSink('unified-qdrant', options),
  },
  {
    name: 'unified-qdrant-messages',
    records: 'messages',
    store: 'qdrant',
    source: unifiedMessages,
    sink: (options): Sink<MessageRecord> => unifiedSink('unified-qdrant-messages', options),
  },
  {
    name: 'langchain-qdrant',
    records: 'messages',
    store: 'qdrant',
    source: langchainDocuments,
    sink: (options): Sink<MessageRecord> => langchainSink(options),
  },
]
