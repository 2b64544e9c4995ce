import { type JsonValue, recordId } from '@drover/core'
import type { MessageRecord } from '../records/message-record.js'
import { isObject } from '../serde/tags/tag.js'

/** A message as a person reads it. A type and no interface, so that it is a record like any other. */
export type ReadableMessage = {
  readonly id: string
  readonly session_id: string
  readonly order: number | string
  readonly type: string
  readonly timestamp: string | null
  readonly content: JsonValue
  /** What of the content is text, without images and the like. */
  readonly text: string
  readonly tool_calls: JsonValue
  /** The rest of the message: `id`, `name`, `additional_kwargs`, … */
  readonly data: Readonly<Record<string, JsonValue>>
  /** What steps have added. */
  readonly metadata?: unknown
}

/** A message as the JSON export holds it. */
export function readMessage(record: MessageRecord, { id }: { readonly id?: string } = {}): ReadableMessage {
  const { session_id, order, type, created_at, content, tool_calls, data } = record
  const { metadata } = record as { readonly metadata?: unknown }
  return {
    id: id ?? recordId({ source: [session_id, order], child: 0 }),
    session_id,
    order,
    type,
    timestamp: created_at,
    content,
    text: textOf(content),
    tool_calls,
    data,
    ...(metadata === undefined ? {} : { metadata }),
  }
}

/** Texts, and the texts of blocks, one behind the other, as LangChain's own `text` gives them. */
function textOf(content: JsonValue): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  return content
    .map((block: JsonValue) => {
      if (typeof block === 'string') return block
      return isObject(block) && block.type === 'text' && typeof block.text === 'string' ? block.text : ''
    })
    .join('')
}
