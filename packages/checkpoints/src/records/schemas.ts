import type { Field, LogicalType, RecordSchema } from '@drover/core'

const text: LogicalType = { kind: 'text' }
const json: LogicalType = { kind: 'json' }
const any: LogicalType = { kind: 'any' }
const instant: LogicalType = { kind: 'timestamp', zone: true, digits: 6 }

/** What checkpoint records look like. */
export const checkpointSchema: RecordSchema = {
  fields: [
    field('thread_id', text),
    field('checkpoint_ns', text),
    field('checkpoint_id', text),
    field('parent_checkpoint_id', text, true),
    field('timestamp', instant, true),
    field('language', text),
    field('state', any),
    field('metadata', json),
    field('writes', any),
  ],
  key: ['thread_id', 'checkpoint_ns', 'checkpoint_id'],
}

/**
 * What message records look like.
 *
 * @param order What tells messages of a session apart in this layout.
 * @param isOfSession The key is `[session_id, order]`, and not `[order]`.
 */
export function messageSchema(order: LogicalType, isOfSession: boolean): RecordSchema {
  return {
    fields: [
      field('session_id', text),
      field('order', order),
      field('type', text),
      field('content', json),
      field('tool_calls', json, true),
      field('created_at', instant, true),
      field('data', json),
    ],
    key: isOfSession ? ['session_id', 'order'] : ['order'],
  }
}

function field(name: string, type: LogicalType, nullable = false): Field {
  return { name, type, nullable }
}
