import type { RedisCheckpointLayout } from './checkpoint-keys.js'
import type { Members } from './stored-document.js'

/**
 * Which library a document called `checkpoint:…` is of. They share the prefix, so what is in it decides: LangGraph.js writes `has_writes` as a
 * text, Python's shallow saver neither that nor a parent.
 */
export function kindOf(document: Members): RedisCheckpointLayout {
  const hasWrites = document.get('has_writes')
  if (hasWrites?.startsWith('"')) return 'langgraph-js-redis'
  if (document.has('parent_checkpoint_id') || hasWrites !== undefined) return 'langgraph-redis'
  return 'langgraph-redis-shallow'
}
