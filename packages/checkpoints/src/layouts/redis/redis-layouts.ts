import type { CheckpointRecord } from '../../records/checkpoint-record.js'
import type { Layout } from '../layout.js'
import { chatReading } from './chat-reading.js'
import { chatSink } from './chat-sink.js'
import type { RedisCheckpointLayout } from './checkpoint-keys.js'
import { checkpointReading } from './checkpoint-reading.js'
import { checkpointRedisSink } from './checkpoint-sink.js'
import { listReading } from './list-reading.js'
import { listSink } from './list-sink.js'
import { redisLayoutSource } from './redis-layout-source.js'

function checkpoints(name: RedisCheckpointLayout): Layout {
  return {
    name,
    records: 'checkpoints',
    store: 'redis',
    source: (options) => redisLayoutSource<CheckpointRecord>(name, options, checkpointReading(name, options.keyPrefix)),
    sink: (options) => checkpointRedisSink(name, options),
  }
}

/** Checkpoints of LangGraph and messages of LangChain in Redis. */
export const redisLayouts: readonly Layout[] = [
  checkpoints('langgraph-redis'),
  checkpoints('langgraph-redis-shallow'),
  checkpoints('langgraph-js-redis'),
  {
    name: 'langchain-redis-list',
    records: 'messages',
    store: 'redis',
    hasTimestamps: false,
    source: (options) => redisLayoutSource('langchain-redis-list', options, listReading(options.keyPrefix)),
    sink: listSink,
  },
  {
    name: 'langchain-redis-json',
    records: 'messages',
    store: 'redis',
    source: (options) => redisLayoutSource('langchain-redis-json', options, chatReading(options.keyPrefix)),
    sink: (options) => chatSink(options),
  },
]
